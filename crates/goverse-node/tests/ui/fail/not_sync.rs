//! A type that threads cannot share.
#![allow(unused)]

use goverse_node::object;

struct Cell(std::cell::Cell<u64>);

#[object(crate = "goverse_node")]
impl Cell {
    fn get(&self) -> u64 {
        self.0.get()
    }
}

fn main() {}
