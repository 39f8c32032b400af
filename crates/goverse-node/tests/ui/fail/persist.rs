//! What is wrong with the options of a persistent type.

use goverse_node::object;
use serde::{Deserialize, Serialize};

#[derive(Default)]
struct NoSerde;

#[object(crate = "goverse_node", persist)]
impl NoSerde {
    fn get(&self) {}
}

#[derive(Default, Serialize, Deserialize)]
struct Odd;

#[object(crate = "goverse_node", persist = true, write = "often", schema = "2", upgrade = 5)]
impl Odd {
    fn get(&self) {}
}

#[derive(Default, Serialize, Deserialize)]
struct Forgotten;

#[object(crate = "goverse_node", write = "interval(5s)", schema = 2, upgrade = Self::upgrade)]
impl Forgotten {
    fn get(&self) {}
}

#[object(crate = "goverse_node", persist)]
trait Kept {
    fn get(&self);
}

fn main() {}
