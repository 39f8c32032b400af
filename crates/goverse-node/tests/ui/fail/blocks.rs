//! Items that the attribute does not make an object of.
#![allow(unused)]

use goverse_node::object;

#[object(crate = "goverse_node")]
struct OnTheStruct;

#[object(crate = "goverse_node")]
fn on_a_function() {}

struct Generic<T>(T);

#[object(crate = "goverse_node")]
impl<T> Generic<T> {}

#[object(crate = "goverse_node")]
impl Generic<u64> {}

#[object(crate = "goverse_node")]
impl (u64, u64) {}

struct Other;

#[object(crate = "goverse_node")]
impl From<Other> for u64 {}

fn main() {}
