//! What is deep and what lies: neither gets as far as the stack or the memory.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::Value;

use super::{Tree, decoded, unhex};
use crate::{Encoding, NESTING_MAX, NoArguments, Payload, Proto};

/// A value in as many variants as it likes: nesting that the decoder does not count.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Chain {
    End,
    Link(Box<Chain>),
}

const DEEP: usize = 100_000;

/// Checks that `NESTING_MAX` levels are read, that one more is refused, and that very many are refused no worse.
fn check<T: Payload>(encoding: Encoding, [open, inner, close]: [&[u8]; 3], expected: &str) {
    let read = |depth| {
        let bytes = [&open.repeat(depth), inner, &close.repeat(depth)].concat();
        decoded::<T>(encoding, &bytes).map(drop)
    };
    assert_eq!(read(NESTING_MAX), Ok(()));
    for depth in [NESTING_MAX + 1, DEEP] {
        assert_eq!(read(depth), Err(format!("cannot decode {encoding}: {expected}")));
    }
}

#[test]
fn json_nests_to_a_limit() {
    let limit = |column| format!("recursion limit exceeded at line 1 column {column}");
    check::<Value>(Encoding::Json, [b"[", b"1", b"]"], &limit(128));
    check::<Value>(Encoding::Json, [b"{\"a\":", b"1", b"}"], &limit(5 * 127 + 1));
    check::<Chain>(Encoding::Json, [b"{\"Link\":", b"\"End\"", b"}"], &limit(8 * 127 + 1));
    let unclosed = "[".repeat(DEEP);
    let message = decoded::<Value>(Encoding::Json, unclosed.as_bytes()).unwrap_err();
    assert_eq!(message, format!("cannot decode json: {}", limit(128)));
}

#[test]
fn messagepack_nests_to_a_limit() {
    let limit = |at| format!("arrays and maps nest more than 127 deep at byte {at}");
    check::<Value>(Encoding::MessagePack, [b"\x91", b"\x01", b""], &limit(127));
    check::<Value>(Encoding::MessagePack, [b"\x81\xa1a", b"\x01", b""], &limit(3 * 127));
    check::<Chain>(Encoding::MessagePack, [b"\x81\xa4Link", b"\xa3End", b""], &limit(6 * 127));
    let message = decoded::<NoArguments>(Encoding::MessagePack, &[0x91].repeat(DEEP)).unwrap_err();
    assert_eq!(message, format!("cannot decode messagepack: {}", limit(127)));
}

#[test]
fn protobuf_nests_to_a_limit() {
    let read = |depth| {
        // Each level is written before the ones in it, with their length: from the inside out, reversed.
        let mut reversed = Vec::new();
        for _ in 0..depth {
            let mut head = vec![0x22];
            prost::encode_length_delimiter(reversed.len(), &mut head).unwrap();
            reversed.extend(head.into_iter().rev());
        }
        reversed.reverse();
        decoded::<Proto<Tree>>(Encoding::Protobuf, &reversed).map(drop)
    };
    assert_eq!(read(100), Ok(()));
    for depth in [101, DEEP] {
        let message = read(depth).unwrap_err();
        assert!(message.starts_with("cannot decode protobuf: Tree.children: "), "{message}");
        assert!(message.ends_with("Tree.children: recursion limit reached"), "{message}");
        assert_eq!(message.chars().count(), "cannot decode protobuf: ".len() + 200);
    }
    // A group that no field of the message is, so it is skipped.
    let message = decoded::<Proto<Tree>>(Encoding::Protobuf, &[0x7b].repeat(DEEP)).unwrap_err();
    assert_eq!(message, "cannot decode protobuf: recursion limit reached");
}

/// A type that believes what it is told about its length, as some do, and would reserve that much.
#[derive(Debug)]
struct Trusting;

impl serde::Serialize for Trusting {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Trusting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Trusting)
    }
}

impl<'de> Visitor<'de> for Trusting {
    type Value = Trusting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self, A::Error> {
        let believed = values.size_hint().unwrap_or(0);
        assert!(believed < 1_000, "it would reserve {believed} values");
        while values.next_element::<Value>()?.is_some() {}
        Ok(self)
    }
}

#[test]
fn a_length_that_lies_is_not_believed() {
    let check = |hex: &str, expected: &str| {
        let bytes = unhex(hex);
        let messages = [
            decoded::<Trusting>(Encoding::MessagePack, &bytes).map(drop),
            decoded::<Vec<u64>>(Encoding::MessagePack, &bytes).map(drop),
            decoded::<Vec<()>>(Encoding::MessagePack, &bytes).map(drop),
            decoded::<Vec<u8>>(Encoding::MessagePack, &bytes).map(drop),
            decoded::<String>(Encoding::MessagePack, &bytes).map(drop),
            decoded::<BTreeMap<u8, u8>>(Encoding::MessagePack, &bytes).map(drop),
            decoded::<Value>(Encoding::MessagePack, &bytes).map(drop),
            decoded::<NoArguments>(Encoding::MessagePack, &bytes).map(drop),
        ];
        for message in messages {
            assert_eq!(message, Err(format!("cannot decode messagepack: {expected}")), "{hex}");
        }
    };
    let lie = |announced| {
        format!("byte 0 announces {announced} values, which is more than the bytes that follow")
    };
    check("dd ff ff ff ff 01", &lie(4_294_967_295_u64));
    check("df ff ff ff ff 01", &lie(8_589_934_590));
    let cut = "the bytes end within the value at byte 0";
    for marker in ["c6", "c9", "db"] {
        check(&format!("{marker} ff ff ff ff 01"), cut);
    }
}

#[test]
fn a_protobuf_length_that_lies_is_not_believed() {
    let check = |hex: &str, expected: &str| {
        let message = decoded::<Proto<Tree>>(Encoding::Protobuf, &unhex(hex)).map(drop);
        assert_eq!(message, Err(format!("cannot decode protobuf: {expected}")), "{hex}");
    };
    let huge = "ff ff ff ff ff ff ff ff 7f";
    check(&format!("0a {huge} 61"), "Tree.name: buffer underflow");
    check(&format!("12 {huge} 61"), "Tree.data: buffer underflow");
    check(&format!("1a {huge} 01"), "Tree.numbers: buffer underflow");
    check(&format!("22 {huge} 00"), "Tree.children: buffer underflow");
    check(&format!("32 {huge} 00"), "Tree.named: buffer underflow");
    check(&format!("7a {huge} 00"), "buffer underflow");
}
