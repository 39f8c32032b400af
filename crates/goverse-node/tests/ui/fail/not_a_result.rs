//! A name that promises a result, of a type that is none.
#![allow(unused)]

use goverse_node::object;

type SearchResult = Vec<String>;

struct Library;

#[object(crate = "goverse_node")]
impl Library {
    fn search(&self, text: String) -> SearchResult {
        vec![text]
    }
}

fn main() {}
