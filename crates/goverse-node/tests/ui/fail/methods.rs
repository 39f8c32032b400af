//! Functions that cannot be called from another node, all of them told at once.
#![allow(unused)]

use goverse_node::object;

struct Lamp;

#[object(crate = "goverse_node")]
impl Lamp {
    fn consume(self) {}
    fn consume_mut(mut self) {}
    fn boxed(self: Box<Self>) {}
    fn named<'a>(&'a mut self) {}
    fn generic<T>(&mut self, value: T) {}
    fn bounded(&mut self)
    where
        Self: Sized,
    {
    }
    const fn constant(&self) -> u64 {
        1
    }
    unsafe fn dangerous(&mut self) {}
    extern "C" fn foreign(&mut self) {}
    fn other(&mut self) {}
    fn größe(&self) -> u64 {
        1
    }
    fn a_name_of_130_characters_____________________________________________________________________________________________________________________(&self) {}
    fn lent(&self) -> &str {
        ""
    }
    fn hidden(&self) -> impl Iterator<Item = u64> {
        std::iter::empty()
    }
    fn lent_inside(&self) -> Result<Vec<&u64>, String> {
        Ok(Vec::new())
    }

    // What is right beside it is not told of, and neither is a function without a receiver.
    fn switch(&mut self) {}
    pub const fn new() -> Self {
        Lamp
    }
}

fn main() {}
