//! What travels between processes: arguments, results and the errors of methods, as bytes.
//!
//! Bytes come from strangers, so decoding is bounded before it begins: it nests at most [`NESTING_MAX`] deep, and no
//! length that the bytes announce is believed before as many bytes are there.

mod messagepack;
mod never;
mod no_arguments;
mod proto;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::Encoding;

pub use never::Never;
pub use no_arguments::NoArguments;
pub use proto::Proto;

/// How deep arrays and objects may nest in a JSON or MessagePack payload; in Protobuf, 100 messages may.
///
/// A deeper value can be encoded, for it is the sender's own, and is refused where it is decoded.
pub const NESTING_MAX: usize = 127;

/// How much of the message of a decoder is kept, in characters.
const MESSAGE_CHARS_MAX: usize = 200;

/// A value that can travel: an argument list, a result, or a method's error.
///
/// Everything that serde can serialize and deserialize travels as JSON and as MessagePack; wrap a Protobuf message in
/// [`Proto`]. The forms are serde's own:
///
/// - A struct is written with the names of its fields, in MessagePack too, so that other languages can read it and
///   fields can be added. It is read from an array of its fields as well.
/// - `Vec<u8>` is an array of numbers; in MessagePack it is read from binary data too.
/// - A type with a compact form for machines, such as an IP address, takes it in MessagePack.
/// - JSON has no NaN and no infinities: they become `null`. `Some(None)` and `Some(())` come back as `None`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not travel between nodes",
    label = "this type does not travel",
    note = "derive serde's `Serialize` and `Deserialize` for it and for all in it, or wrap a Protobuf message in `Proto`"
)]
pub trait Payload: Sized + Send + 'static {
    /// The value as bytes.
    ///
    /// # Errors
    /// When the type does not travel in `encoding`, or when this value of it does not, such as a map with keys that are
    /// no text in JSON.
    fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, PayloadError>;

    /// The value that is all of `bytes`.
    ///
    /// # Errors
    /// When the type does not travel in `encoding`, or when `bytes` are anything but exactly one value of the type.
    fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Self, PayloadError>;
}

/// Why a value does not travel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The type does not travel in this encoding at all.
    #[error("this type does not travel as {encoding}; use {expected}")]
    WrongEncoding {
        /// The encoding that was asked for.
        encoding: Encoding,
        /// What would be right.
        expected: &'static str,
    },
    /// The bytes are no value of the type.
    #[error("cannot decode {encoding}: {message}")]
    Undecodable {
        /// The encoding that the bytes were said to be in.
        encoding: Encoding,
        /// What is wrong, and where.
        message: String,
    },
    /// The value has no form in this encoding.
    #[error("cannot encode {encoding}: {message}")]
    Unencodable {
        /// The encoding that was asked for.
        encoding: Encoding,
        /// What is wrong.
        message: String,
    },
}

// === impl PayloadError ===

impl PayloadError {
    /// Bytes that are no value of the type. Of a long `message` only the beginning and the end are kept.
    pub fn undecodable(encoding: Encoding, message: impl fmt::Display) -> Self {
        Self::Undecodable { encoding, message: bounded(&message.to_string()) }
    }

    /// A value without a form in `encoding`. Of a long `message` only the beginning and the end are kept.
    pub fn unencodable(encoding: Encoding, message: impl fmt::Display) -> Self {
        Self::Unencodable { encoding, message: bounded(&message.to_string()) }
    }
}

// === impl Payload ===

// What is not serde's is told in the words above, not in those of serde's traits.
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Payload for T {
    fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, PayloadError> {
        match encoding {
            Encoding::Json => {
                serde_json::to_vec(self).map_err(|error| PayloadError::unencodable(encoding, error))
            }
            Encoding::MessagePack => rmp_serde::to_vec_named(self)
                .map_err(|error| PayloadError::unencodable(encoding, error)),
            Encoding::Protobuf => Err(not_protobuf()),
        }
    }

    fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Self, PayloadError> {
        match encoding {
            Encoding::Json => decode_json(bytes),
            Encoding::MessagePack => decode_messagepack(bytes),
            Encoding::Protobuf => Err(not_protobuf()),
        }
    }
}

/// serde_json bounds the nesting itself, and refuses what follows the value.
fn decode_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PayloadError> {
    serde_json::from_slice(bytes).map_err(|error| PayloadError::undecodable(Encoding::Json, error))
}

/// rmp-serde does neither throughout, so the bytes are checked first.
fn decode_messagepack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PayloadError> {
    let undecodable =
        |error: &dyn fmt::Display| Err(PayloadError::undecodable(Encoding::MessagePack, error));
    if let Err(error) = messagepack::check_shape(bytes) {
        return undecodable(&error);
    }
    rmp_serde::from_slice(bytes).or_else(|error| undecodable(&error))
}

const fn not_protobuf() -> PayloadError {
    PayloadError::WrongEncoding { encoding: Encoding::Protobuf, expected: "json or messagepack" }
}

/// A message of a decoder may quote the payload: it is cut in the middle, and control characters do not get through.
fn bounded(message: &str) -> String {
    const TAIL: usize = 80;
    let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    if message.chars().nth(MESSAGE_CHARS_MAX).is_none() {
        return message.chars().map(shown).collect();
    }
    let head = message.chars().take(MESSAGE_CHARS_MAX - TAIL - 1);
    let tail = message.char_indices().nth_back(TAIL - 1).map_or("", |(at, _)| &message[at..]);
    head.chain(['…']).chain(tail.chars()).map(shown).collect()
}
