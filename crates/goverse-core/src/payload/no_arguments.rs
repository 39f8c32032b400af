//! The arguments of a method that takes none.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{decode_json, decode_messagepack};
use crate::{Encoding, Payload, PayloadError};

/// The arguments of a method that takes none. It travels in every encoding.
///
/// Callers write nothing in many ways, and all are read: no bytes, `null`, `[]` and `{}` in JSON; no bytes, nil, an
/// empty array and an empty map in MessagePack; the empty message in Protobuf. It is written as `null`, as nil and as
/// the empty message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoArguments;

/// Nothing, as serde sees it; private, so that `NoArguments` travels by its own rules only.
struct Nothing;

struct NothingVisitor;

// === impl NoArguments ===

impl Payload for NoArguments {
    fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, PayloadError> {
        match encoding {
            Encoding::Json | Encoding::MessagePack => ().encode(encoding),
            Encoding::Protobuf => Ok(Vec::new()),
        }
    }

    fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Self, PayloadError> {
        let nothing = match encoding {
            Encoding::Json if bytes.trim_ascii().is_empty() => Ok(Nothing),
            Encoding::Json => decode_json(bytes),
            _ if bytes.is_empty() => Ok(Nothing),
            Encoding::MessagePack => decode_messagepack(bytes),
            Encoding::Protobuf => Err(PayloadError::undecodable(
                encoding,
                format_args!("expected no arguments, found {} bytes", bytes.len()),
            )),
        };
        nothing.map(|Nothing| NoArguments)
    }
}

// === impl Nothing ===

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NothingVisitor)
    }
}

// === impl NothingVisitor ===

impl<'de> Visitor<'de> for NothingVisitor {
    type Value = Nothing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no arguments: null, [] or {}")
    }

    fn visit_unit<E: Error>(self) -> Result<Nothing, E> {
        Ok(Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Nothing, A::Error> {
        match values.next_element::<IgnoredAny>()? {
            None => Ok(Nothing),
            Some(_) => Err(A::Error::custom("expected no arguments, found an array of some")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Nothing, A::Error> {
        match entries.next_key::<IgnoredAny>()? {
            None => Ok(Nothing),
            Some(_) => Err(A::Error::custom("expected no arguments, found a map of some")),
        }
    }
}
