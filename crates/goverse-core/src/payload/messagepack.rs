//! The shape of MessagePack bytes, checked before any type is decoded from them.
//!
//! The decoder counts the nesting of arrays and maps, but not that of enum variants, so a chain of them would overflow
//! the stack; it hands announced lengths to types as they are; and it ignores what follows the value. One pass
//! without recursion refuses all three, for every type.

use thiserror::Error;

use super::NESTING_MAX;

/// Why bytes are no MessagePack value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Misshapen {
    #[error("there are no bytes")]
    Empty,
    #[error("the value that begins at byte {at} ends too early")]
    Cut { at: usize },
    #[error("byte {at} is 0xc1, which begins no value")]
    Reserved { at: usize },
    #[error("{announced} values are announced at byte {at}, where only {left} bytes are left")]
    Lie { at: usize, announced: u64, left: usize },
    #[error("arrays and maps nest more than {NESTING_MAX} deep at byte {at}")]
    TooDeep { at: usize },
    #[error("{left} bytes follow the value")]
    Trailing { left: usize },
}

/// What begins at a byte.
enum Item {
    /// So many bytes after the marker.
    Scalar(u64),
    /// The length in so many bytes, then so many bytes as `extra`, then as many as the length says.
    Data { length_bytes: usize, extra: u64 },
    /// So many values.
    Values(u64),
    /// The number of values in so many bytes, times `each`, then the values.
    ManyValues { length_bytes: usize, each: u64 },
    /// Nothing that MessagePack knows.
    Reserved,
}

/// Checks that `bytes` are exactly one value that does not nest too deep.
pub(super) fn check_shape(bytes: &[u8]) -> Result<(), Misshapen> {
    // How many values each array and map that is still open lacks, and all of them together.
    let mut open = Vec::new();
    let mut lacking = 0;
    let mut at = 0;
    loop {
        let (end, values) = step(bytes, at)?;
        if let Some(announced) = values {
            lacking += announced;
            let left = bytes.len() - end;
            if lacking > left as u64 {
                return Err(Misshapen::Lie { at, announced, left });
            }
            if open.len() == NESTING_MAX {
                return Err(Misshapen::TooDeep { at });
            }
            open.push(announced);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        at = end;
        let Some(last) = open.last_mut() else { break };
        *last -= 1;
        lacking -= 1;
    }
    match bytes.len() - at {
        0 => Ok(()),
        left => Err(Misshapen::Trailing { left }),
    }
}

/// Where what begins at `at` ends, or where its first value begins and how many it has.
fn step(bytes: &[u8], at: usize) -> Result<(usize, Option<u64>), Misshapen> {
    let Some(&marker) = bytes.get(at) else {
        return Err(if at == 0 { Misshapen::Empty } else { Misshapen::Cut { at } });
    };
    let rest = &bytes[at + 1..];
    let number = |length_bytes| big_endian(rest, length_bytes).ok_or(Misshapen::Cut { at });
    let (skipped, values) = match item(marker) {
        Item::Scalar(skipped) => (skipped, None),
        Item::Data { length_bytes, extra } => {
            (length_bytes as u64 + extra + number(length_bytes)?, None)
        }
        Item::Values(values) => (0, Some(values)),
        Item::ManyValues { length_bytes, each } => {
            (length_bytes as u64, Some(each * number(length_bytes)?))
        }
        Item::Reserved => return Err(Misshapen::Reserved { at }),
    };
    if skipped > rest.len() as u64 {
        return Err(Misshapen::Cut { at });
    }
    Ok((at + 1 + skipped as usize, values))
}

/// The table of formats of the specification.
fn item(marker: u8) -> Item {
    match marker {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Item::Scalar(0),
        0x80..=0x8f => Item::Values(2 * u64::from(marker & 0x0f)),
        0x90..=0x9f => Item::Values(u64::from(marker & 0x0f)),
        0xa0..=0xbf => Item::Scalar(u64::from(marker & 0x1f)),
        0xc1 => Item::Reserved,
        // Binary data, then extensions with their type, then text.
        0xc4..=0xc6 => Item::Data { length_bytes: 1 << (marker - 0xc4), extra: 0 },
        0xc7..=0xc9 => Item::Data { length_bytes: 1 << (marker - 0xc7), extra: 1 },
        0xd9..=0xdb => Item::Data { length_bytes: 1 << (marker - 0xd9), extra: 0 },
        0xca => Item::Scalar(4),
        0xcb => Item::Scalar(8),
        0xcc..=0xcf => Item::Scalar(1 << (marker - 0xcc)),
        0xd0..=0xd3 => Item::Scalar(1 << (marker - 0xd0)),
        0xd4..=0xd8 => Item::Scalar(1 + (1 << (marker - 0xd4))),
        0xdc..=0xdd => Item::ManyValues { length_bytes: 2 << (marker - 0xdc), each: 1 },
        0xde..=0xdf => Item::ManyValues { length_bytes: 2 << (marker - 0xde), each: 2 },
    }
}

fn big_endian(bytes: &[u8], length: usize) -> Option<u64> {
    Some(bytes.get(..length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
