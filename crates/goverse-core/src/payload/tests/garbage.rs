//! Bytes that nobody encoded: decoding ends with a value or an error, and never with a panic.

use std::collections::HashMap;
use std::io::Cursor;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde::de::{Deserialize, IgnoredAny};
use serde_json::Value;

use super::{Order, Place, Tree, hex, order, tree};
use crate::payload::messagepack::check_shape;
use crate::{Encoding, Never, NoArguments, Payload, Proto};

const SEED: u64 = 20_261_122;
const CASES: usize = 10_000;

/// Decodes `bytes` as values of every kind, and shows them if that panics.
fn decode_as_everything(what: &str, encoding: Encoding, bytes: &[u8]) {
    let _shown = ShownOnPanic { what, bytes };
    let _ = Order::decode(encoding, bytes);
    let _ = Value::decode(encoding, bytes);
    let _ = Place::decode(encoding, bytes);
    let _ = String::decode(encoding, bytes);
    let _ = <(i8, Option<u128>)>::decode(encoding, bytes);
    let _ = <Vec<u8>>::decode(encoding, bytes);
    let _ = <HashMap<String, Value>>::decode(encoding, bytes);
    let _ = Proto::<Tree>::decode(encoding, bytes);
    let _ = NoArguments::decode(encoding, bytes);
    assert!(Never::decode(encoding, bytes).is_err());
}

struct ShownOnPanic<'a> {
    what: &'a str,
    bytes: &'a [u8],
}

impl Drop for ShownOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: {}", self.what, hex(self.bytes));
        }
    }
}

fn valid(encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => Proto(tree()).encode(encoding).unwrap(),
        Encoding::Json | Encoding::MessagePack => order().encode(encoding).unwrap(),
    }
}

/// Bytes of which some begin like a value: random ones, or `valid` with a stretch overwritten.
fn garbage(random: &mut SmallRng, valid: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; random.random_range(0..64)];
    random.fill(bytes.as_mut_slice());
    if random.random() {
        return bytes;
    }
    let start = random.random_range(0..valid.len());
    let end = random.random_range(start..valid.len());
    [&valid[..start], &bytes, &valid[end..]].concat()
}

#[test]
fn garbage_is_refused_without_a_panic() {
    for &encoding in Encoding::ALL {
        let mut random = SmallRng::seed_from_u64(SEED);
        let valid = valid(encoding);
        for case in 0..CASES {
            let bytes = garbage(&mut random, &valid);
            decode_as_everything(&format!("seed {SEED}, case {case}"), encoding, &bytes);
        }
    }
}

#[test]
fn a_payload_that_is_cut_is_not_the_same() {
    for &encoding in Encoding::ALL {
        let valid = valid(encoding);
        for length in 0..valid.len() {
            let cut = &valid[..length];
            let what = format!("{length} bytes of {encoding}");
            decode_as_everything(&what, encoding, cut);
            match encoding {
                // A message that is cut between two fields is a message.
                Encoding::Protobuf => assert_ne!(Proto::decode(encoding, cut), Ok(Proto(tree()))),
                _ => assert!(Order::decode(encoding, cut).is_err(), "{what}"),
            }
        }
    }
}

#[test]
fn a_payload_with_a_flipped_bit_is_refused_or_read() {
    for &encoding in Encoding::ALL {
        let mut bytes = valid(encoding);
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            decode_as_everything(&format!("bit {bit} of {encoding}"), encoding, &bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// The decoder itself says what one value is, where nothing is deep.
#[test]
fn the_check_of_messagepack_agrees_with_its_decoder() {
    let mut random = SmallRng::seed_from_u64(SEED);
    let valid = valid(Encoding::MessagePack);
    let (mut well, mut mis) = (0, 0);
    for case in 0..10 * CASES {
        let mut bytes = garbage(&mut random, &valid);
        if random.random() {
            bytes.truncate(random.random_range(0..8));
        }
        let mut decoder = rmp_serde::Deserializer::new(Cursor::new(&bytes));
        let read = IgnoredAny::deserialize(&mut decoder).is_ok();
        let whole = read && decoder.position() == bytes.len() as u64;
        let told = check_shape(&bytes);
        assert_eq!(told.is_ok(), whole, "seed {SEED}, case {case}: {told:?} for {}", hex(&bytes));
        *if whole { &mut well } else { &mut mis } += 1;
    }
    assert!(well > 2_000 && mis > 2_000, "{well} are well shaped, {mis} are not");
}
