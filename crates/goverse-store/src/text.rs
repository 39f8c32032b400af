//! Values as columns keep them, and back.

use goverse_core::{ObjectId, TypeName};
use goverse_node::{CallId, Encoding, ObjectKey, StoreError};

/// A number as it is stored; what is above the largest is a time that never comes.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that was stored.
pub(crate) fn number(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| corrupt("number", &stored.to_string()))
}

/// A number that was stored, of a smaller kind.
pub(crate) fn small(stored: i64) -> Result<u32, StoreError> {
    u32::try_from(stored).map_err(|_| corrupt("number", &stored.to_string()))
}

/// The address of an object.
pub(crate) fn object(type_name: &str, id: &str) -> Result<ObjectKey, StoreError> {
    let type_name = TypeName::new(type_name).map_err(|_| corrupt("type", type_name))?;
    let id = ObjectId::new(id).map_err(|_| corrupt("id", id))?;
    Ok(ObjectKey { type_name, id })
}

/// The name of a call.
pub(crate) fn call_id(text: &str) -> Result<CallId, StoreError> {
    CallId::new(text).map_err(|_| corrupt("call id", text))
}

/// How bytes are encoded.
pub(crate) fn encoding(text: &str) -> Result<Encoding, StoreError> {
    text.parse().map_err(|_| corrupt("encoding", text))
}

/// The digest of a call.
pub(crate) fn digest(bytes: &[u8]) -> Result<[u8; 16], StoreError> {
    bytes.try_into().map_err(|_| corrupt("digest", &format!("{bytes:?}")))
}

/// The error for a column that has what was never put there.
pub(crate) fn corrupt(what: &str, found: &str) -> StoreError {
    let start: String = found.chars().take(64).collect();
    StoreError::Corrupt(format!("{start:?} is no {what}"))
}
