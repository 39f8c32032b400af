//! Options that there are not, or not so.
#![allow(unused)]

use goverse_node::object;

struct Unknown;

#[object(crate = "goverse_node", title = "Unknown")]
impl Unknown {}

struct Value;

#[object(crate = "goverse_node", name = Value)]
impl Value {}

struct Space;

#[object(crate = "goverse_node", name = "the space")]
impl Space {}

struct Reserved;

#[object(crate = "goverse_node", name = "other")]
impl Reserved {}

struct Größe;

#[object(crate = "goverse_node")]
impl Größe {}

#[object(crate = "goverse_node")]
trait Named {}

struct Twice;

#[object(crate = "goverse_node", name = "Twice")]
impl Named for Twice {}

fn main() {}
