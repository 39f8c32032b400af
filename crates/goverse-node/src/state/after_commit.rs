//! Calls that a turn asks for, and that are made once what it did is durable.

use std::sync::PoisonError;

use goverse_core::{CallId, Encoding, ObjectId, Payload, Ran, TypeName};

use crate::bytes_call::encode;
use crate::call_error::SystemError;
use crate::object::Ctx;
use crate::state::commit::nothing_saved;
use crate::store::{ObjectKey, Outgoing, OutgoingKey, Version};

/// A call that is stored with the turn that asked for it.
#[derive(Clone)]
pub(super) struct NewCall {
    to: ObjectKey,
    method: String,
    encoding: Encoding,
    arguments: Vec<u8>,
    call_id: CallId,
}

/// Where a turn leaves such calls.
pub(crate) struct AfterCommit<'a>(&'a Ctx);

// === impl AfterCommit ===

impl<'a> AfterCommit<'a> {
    pub(crate) fn of(cx: &'a Ctx) -> Self {
        Self(cx)
    }

    /// Stores a call with what the turn does; if it cannot be stored, the turn fails.
    pub(crate) fn add<A: Payload>(&self, type_name: &str, id: &str, method: &str, arguments: &A) {
        if let Err(error) = self.try_add(type_name, id, method, arguments) {
            self.0.refuse(error);
        }
    }

    fn try_add<A: Payload>(
        &self,
        type_name: &str,
        id: &str,
        method: &str,
        arguments: &A,
    ) -> Result<(), SystemError> {
        let saving = self.0.saving().filter(|saving| saving.is_persistent());
        let saving = saving.ok_or_else(|| {
            nothing_saved(self.0, "a call after the commit needs a turn that is saved")
        })?;
        let invalid = |error: goverse_core::InvalidName| {
            let message = format!("a call of {method} after the commit: {error}");
            SystemError::new(goverse_core::ErrorCode::InvalidId, Ran::Maybe, message)
        };
        let type_name = TypeName::new(type_name).map_err(invalid)?;
        let id = ObjectId::new(id).map_err(invalid)?;
        let (encoding, arguments) = encode(arguments)?;
        let to = ObjectKey { type_name, id };
        let call =
            NewCall { to, method: method.to_owned(), encoding, arguments, call_id: new_call_id() };
        saving.outgoing.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        Ok(())
    }
}

// === impl NewCall ===

impl NewCall {
    /// The call as the store keeps it.
    pub(super) fn outgoing(
        &self,
        from: ObjectKey,
        version: Version,
        index: u32,
        now: u64,
    ) -> Outgoing {
        Outgoing {
            key: OutgoingKey { from, version, index },
            to: self.to.clone(),
            method: self.method.clone(),
            encoding: self.encoding,
            arguments: self.arguments.clone(),
            call_id: self.call_id.clone(),
            committed: now,
            attempts: 0,
            not_before: 0,
        }
    }
}

/// An id that no other call has: 128 random bits.
fn new_call_id() -> CallId {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the system has random numbers");
    let text = format!("after-commit/{:032x}", u128::from_ne_bytes(random));
    CallId::new(&text).expect("it is short and plain")
}
