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
    #[error("the bytes end within the value at byte {at}")]
    Cut { at: usize },
    #[error("byte {at} is 0xc1, which begins no value")]
    Reserved { at: usize },
    #[error("byte {at} announces {announced} values, which is more than the bytes that follow")]
    Lie { at: usize, announced: u64 },
    #[error("arrays and maps nest more than {NESTING_MAX} deep at byte {at}")]
    TooDeep { at: usize },
    #[error("something follows the value, from byte {at} on")]
    Trailing { at: usize },
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
            if lacking > (bytes.len() - end) as u64 {
                return Err(Misshapen::Lie { at, announced });
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
    if at < bytes.len() { Err(Misshapen::Trailing { at }) } else { Ok(()) }
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

#[cfg(test)]
mod tests {
    use super::check_shape;

    fn unhex(hex: &str) -> Vec<u8> {
        hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    fn check(bytes: &[u8], expected: &str) {
        let told = check_shape(bytes).map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        assert_eq!(told, expected, "{bytes:02x?}");
    }

    #[test]
    fn each_format_is_one_value_and_neither_less_nor_more() {
        let whole = |head: &str, data: usize| {
            let bytes = [unhex(head), vec![0xc1; data]].concat();
            check(&bytes, "ok");
            for length in 1..bytes.len() {
                check(&bytes[..length], "the bytes end within the value at byte 0");
            }
            let end = bytes.len();
            let more = [bytes, vec![0xc0]].concat();
            check(&more, &format!("something follows the value, from byte {end} on"));
        };
        for marker in ["c0", "c2", "c3", "00", "7f", "e0", "ff", "80", "90", "a0"] {
            whole(marker, 0);
        }
        for (marker, data) in [("a1", 1), ("bf", 31), ("ca", 4), ("cb", 8)] {
            whole(marker, data);
        }
        for (marker, data) in [("cc", 1), ("cd", 2), ("ce", 4), ("cf", 8)] {
            whole(marker, data);
        }
        for (marker, data) in [("d0", 1), ("d1", 2), ("d2", 4), ("d3", 8)] {
            whole(marker, data);
        }
        // Extensions have a byte for their type.
        for (marker, data) in [("d4", 2), ("d5", 3), ("d6", 5), ("d7", 9), ("d8", 17)] {
            whole(marker, data);
        }
        for (head, data) in [("c7 02", 3), ("c8 01 00", 257), ("c9 00 01 00 00", 65_537)] {
            whole(head, data);
        }
        for (head, data) in [("c4 02", 2), ("c5 01 00", 256), ("c6 00 01 00 00", 65_536)] {
            whole(head, data);
        }
        for (head, data) in [("d9 02", 2), ("da 01 00", 256), ("db 00 01 00 00", 65_536)] {
            whole(head, data);
        }
        for head in ["dc 00 00", "dd 00 00 00 00", "de 00 00", "df 00 00 00 00"] {
            whole(head, 0);
        }
    }

    #[test]
    fn arrays_and_maps_hold_what_they_announce() {
        let check = |hex: &str, expected: &str| check(&unhex(hex), expected);
        check("92 01 02", "ok");
        check("82 a1 61 92 01 c4 02 ff ff a1 62 81 c0 c0", "ok");
        check("94 dc 00 01 c0 dd 00 00 00 01 c0 de 00 01 c0 c0 df 00 00 00 01 c0 c0", "ok");
        check("9f 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e", "ok");
        check("91 91 90 c0", "something follows the value, from byte 3 on");
        check("92 a1 61", "the bytes end within the value at byte 3");
        check("92 91 a1 61", "the bytes end within the value at byte 4");
        let lie = |at: usize, announced: u64| {
            format!(
                "byte {at} announces {announced} values, which is more than the bytes that follow"
            )
        };
        check("91", &lie(0, 1));
        check("93 c0 c0", &lie(0, 3));
        check("81 c0", &lie(0, 2));
        check("92 91 c0", &lie(1, 1));
        check("dc ff ff c0", &lie(0, 65_535));
        check("de ff ff c0", &lie(0, 131_070));
        check("91 dd ff ff ff ff", &lie(1, 4_294_967_295));
        check("df ff ff ff ff", &lie(0, 8_589_934_590));
    }

    #[test]
    fn what_begins_no_value_is_told_where() {
        let check = |hex: &str, expected: &str| check(&unhex(hex), expected);
        check("", "there are no bytes");
        check("c1", "byte 0 is 0xc1, which begins no value");
        check("92 a1 c1 c1", "byte 3 is 0xc1, which begins no value");
        check("c6 ff ff ff ff 00", "the bytes end within the value at byte 0");
        check("db ff ff ff ff 00", "the bytes end within the value at byte 0");
        check("91 c9 ff ff ff ff 00", "the bytes end within the value at byte 1");
    }
}
