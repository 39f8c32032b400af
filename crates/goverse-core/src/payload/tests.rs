//! What payloads promise, over values of every kind.

mod errors;
mod forms;
mod garbage;
mod nesting;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Payload, PayloadError};
use crate::Encoding;

/// A value with one of everything that serde knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    note: Option<String>,
    lines: Vec<Line>,
    place: Place,
    totals: BTreeMap<String, f64>,
    flags: (bool, char, ()),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    item: String,
    count: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Place {
    Nowhere,
    Named(String),
    At(f64, f64),
    In { city: String, zip: u32 },
}

/// A message that nests in itself, with every kind of length.
#[derive(Clone, PartialEq, prost::Message)]
struct Tree {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
    #[prost(uint64, repeated, tag = "3")]
    numbers: Vec<u64>,
    #[prost(message, repeated, tag = "4")]
    children: Vec<Tree>,
    #[prost(sint64, optional, tag = "5")]
    balance: Option<i64>,
    #[prost(btree_map = "string, message", tag = "6")]
    named: BTreeMap<String, Tree>,
}

fn order() -> Order {
    let line = |item: &str, count| Line { item: item.to_owned(), count };
    Order {
        id: u64::MAX,
        note: Some("for Zoë 日本 \"\\\n\u{1F980}".to_owned()),
        lines: vec![line("tea", 2), line("", i32::MIN)],
        place: Place::In { city: "Wien".to_owned(), zip: 1010 },
        totals: [("net".to_owned(), 1.5), ("gross".to_owned(), -1e300)].into(),
        flags: (true, 'ß', ()),
    }
}

fn tree() -> Tree {
    let leaf = Tree { name: "日本".to_owned(), balance: Some(i64::MIN), ..Tree::default() };
    Tree {
        name: "root".to_owned(),
        data: vec![0, 255, 10],
        numbers: vec![0, 1, u64::MAX],
        children: vec![leaf.clone(), Tree::default()],
        balance: None,
        named: [("leaf".to_owned(), leaf)].into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn unhex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// Decodes `bytes` as a `T`, and says why not.
fn decoded<T: Payload>(encoding: Encoding, bytes: &[u8]) -> Result<T, String> {
    T::decode(encoding, bytes).map_err(|error: PayloadError| error.to_string())
}
