//! Calls that take effect once: what a repeat is known by, and how it is answered.

use std::sync::Arc;
use std::time::Duration;

use goverse_core::{CallId, Encoding, ErrorCode, Payload, Ran};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::bytes_call::Reply;
use crate::bytes_call::{decode_answer, encode};
use crate::call::CallResult;
use crate::call_error::{CallError, SystemError};
use crate::method::Method;
use crate::object::Ctx;
use crate::state::loading::key_of;
use crate::state::node_store::{told, unix_ms};
use crate::store::CallRecord;
use crate::turn::{RunningTurn, TurnOf};

/// A call that is to take effect once.
pub(crate) struct Once {
    call_id: CallId,
    /// Of method and arguments.
    digest: [u8; 16],
}

/// What is found of an earlier call with the same id.
pub(crate) enum Repeat<M: Method> {
    /// Nothing: it is the first.
    First,
    /// Its answer.
    Answered(CallResult<M>),
    /// It was another call.
    Reused(SystemError),
    /// The store did not say.
    Unknown(SystemError),
}

// === impl Once ===

impl Once {
    /// Names the call of a method with its arguments.
    pub(crate) fn of<M: Method>(call_id: CallId, method: M) -> (Self, M) {
        let arguments = method.into_arguments();
        let digest = digest(M::NAME, &arguments);
        (Self { call_id, digest }, M::from_arguments(arguments))
    }

    /// What is kept of the call, that came to `result`.
    ///
    /// # Errors
    /// When that does not travel.
    pub(super) fn record<M: Method>(
        &self,
        result: &Result<M::Output, M::Error>,
        kept: Duration,
    ) -> Result<CallRecord, SystemError> {
        let (failed, encoded) = match result {
            Ok(output) => (false, encode(output)),
            Err(error) => (true, encode(error)),
        };
        let (encoding, answer) = encoded.map_err(|error| {
            let message = format!("{} ran, but what it returned cannot be kept: {error}", M::NAME);
            SystemError::new(ErrorCode::Unencodable, Ran::Yes, message)
        })?;
        let kept = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
        let kept_until = unix_ms().saturating_add(kept);
        let (call_id, digest) = (self.call_id.clone(), self.digest);
        Ok(CallRecord { call_id, digest, failed, encoding, answer, kept_until })
    }

    fn repeat<M: Method>(&self, record: CallRecord) -> Repeat<M> {
        let type_name = <M::Object as crate::object::Object>::TYPE;
        if record.digest != self.digest {
            let message = format!(
                "{} of {type_name} did not run: the call id {:?} was used for another call, or other arguments",
                M::NAME,
                self.call_id.as_str()
            );
            return Repeat::Reused(SystemError::new(ErrorCode::CallIdReused, Ran::No, message));
        }
        let reply = Reply { encoding: record.encoding, bytes: record.answer };
        let answer = if record.failed { Err(CallError::Method(reply)) } else { Ok(reply) };
        Repeat::Answered(decode_answer(answer, type_name, M::NAME))
    }
}

/// Looks for an earlier call with the same id, in the activation and in its store.
pub(crate) async fn find_repeat<M: Method>(
    turn: &mut RunningTurn<M::Object>,
    cx: &Ctx,
    once: &Once,
) -> Repeat<M> {
    let Some(book) = cx.saving().and_then(|saving| saving.take_book()) else {
        return Repeat::First;
    };
    let activation = Arc::clone(turn.activation());
    let found = match &book.stored {
        None => Ok(book
            .records
            .get(&once.call_id)
            .filter(|record| record.kept_until > unix_ms())
            .cloned()),
        Some(stored) => {
            let unsaved = stored.unsaved.calls.iter().find(|record| record.call_id == once.call_id);
            match unsaved {
                Some(record) => Ok(Some(record.clone())),
                None if !stored.has_call_records => Ok(None),
                None => {
                    let store = activation.object_type().store();
                    store.call_record(&key_of(&activation), &once.call_id).await
                }
            }
        }
    };
    if let Some(saving) = cx.saving() {
        saving.return_book(book);
    }
    match found {
        Ok(Some(record)) => once.repeat(record),
        Ok(None) => Repeat::First,
        Err(error) => {
            let what = format!("{} of {} did not run", M::NAME, activation.describe());
            Repeat::Unknown(told(&error, Ran::No, &what))
        }
    }
}

/// Of method and arguments, whatever order the maps in them happen to have.
fn digest<A: Payload>(method: &str, arguments: &A) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(method);
    hash.update([0]);
    let value = arguments.encode(Encoding::Json).ok();
    match value.and_then(|json| serde_json::from_slice::<Value>(&json).ok()) {
        Some(value) => hash_value(&mut hash, &value),
        None => {
            let other = [Encoding::MessagePack, Encoding::Protobuf];
            let bytes = other.iter().find_map(|encoding| arguments.encode(*encoding).ok());
            hash.update(bytes.unwrap_or_default());
        }
    }
    let digest = hash.finalize();
    std::array::from_fn(|index| digest[index])
}

fn hash_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Array(values) => {
            hash.update(format!("[{}", values.len()));
            values.iter().for_each(|value| hash_value(hash, value));
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            hash.update(format!("{{{}", fields.len()));
            for (name, value) in fields {
                hash_value(hash, &Value::String(name.clone()));
                hash_value(hash, value);
            }
        }
        Value::String(text) => {
            hash.update(format!("\"{}:", text.len()));
            hash.update(text);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => hash.update(format!("{value};")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::digest;

    #[test]
    fn the_same_call_has_the_same_digest_and_no_other_has() {
        let map =
            |order: &[u32]| order.iter().map(|n| (n.to_string(), *n)).collect::<HashMap<_, _>>();
        assert_eq!(digest("add", &map(&[1, 2, 3, 4])), digest("add", &map(&[4, 3, 2, 1])));
        assert_ne!(digest("add", &5), digest("add", &6));
        assert_ne!(digest("add", &5), digest("ad", &5));
        let pair = |a: &str, b: &str| digest("add", &(a.to_owned(), b.to_owned()));
        assert_ne!(pair("a", "bc"), pair("ab", "c"));
        assert_ne!(
            digest("add", &vec![vec![1], vec![2]]),
            digest("add", &vec![vec![1, 2], vec![]])
        );
        assert_ne!(digest("add", &String::from("5")), digest("add", &5));
    }
}
