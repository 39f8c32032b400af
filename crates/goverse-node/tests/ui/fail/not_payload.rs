//! Types that do not travel.
#![allow(unused)]

use goverse_node::object;

struct Local;

struct Keeper;

#[object(crate = "goverse_node")]
impl Keeper {
    fn take_one(&mut self, one: Local) {}
    fn give(&self) -> Local {
        Local
    }
    fn fail(&self) -> Result<(), Local> {
        Err(Local)
    }
}

fn main() {}
