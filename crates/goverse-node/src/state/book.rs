//! What an activation knows of its stored self, and what a turn adds to it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use goverse_core::CallId;

use crate::call_error::SystemError;
use crate::state::after_commit::NewCall;
use crate::store::{CallRecord, Outgoing, Tenure, Version};

/// What an activation knows beside its object. It lies with the object, and goes along with each turn that may change it.
#[derive(Default)]
pub(crate) struct Book {
    /// None if the type is not persistent.
    pub(super) stored: Option<Stored>,
    /// Calls with an id that this activation has answered.
    pub(super) records: HashMap<CallId, CallRecord>,
}

/// What is stored of an object.
pub(super) struct Stored {
    pub(super) tenure: Tenure,
    /// The newest, if nothing but this activation writes.
    pub(super) version: Version,
    /// Whether the store may have records of calls that are not in the book.
    pub(super) has_call_records: bool,
    /// What the store does not know yet; none of it is there if the write policy is to save each turn.
    pub(super) unsaved: Unsaved,
}

/// What is to be saved with the state.
#[derive(Default)]
pub(super) struct Unsaved {
    /// Whether the state has changed.
    pub(super) is_changed: bool,
    pub(super) calls: Vec<CallRecord>,
    pub(super) outgoing: Vec<NewCall>,
}

/// What a turn can save, for the time that it runs.
pub(crate) struct Saving {
    /// Gone while a save is under way. None also of a turn that saves nothing.
    book: Mutex<Option<Box<Book>>>,
    pub(super) outgoing: Mutex<Vec<NewCall>>,
    /// Why the turn is not to count.
    refused: OnceLock<SystemError>,
    /// Whether a repeat of the call is to be answered and not run.
    pub(super) has_call_id: bool,
}

// === impl Saving ===

impl Saving {
    pub(crate) fn new(book: Option<Box<Book>>, has_call_id: bool) -> Self {
        Self {
            book: Mutex::new(book),
            outgoing: Mutex::default(),
            refused: OnceLock::new(),
            has_call_id,
        }
    }

    /// The book, to be given back.
    pub(crate) fn take_book(&self) -> Option<Box<Book>> {
        self.lock().take()
    }

    pub(super) fn return_book(&self, book: Box<Book>) {
        *self.lock() = Some(book);
    }

    /// Whether what the turn does is saved.
    pub(super) fn is_persistent(&self) -> bool {
        self.lock().as_ref().is_some_and(|book| book.stored.is_some())
    }

    /// Why the turn is not to count, if so.
    pub(crate) fn refused(&self) -> Option<&SystemError> {
        self.refused.get()
    }

    pub(crate) fn refuse(&self, error: SystemError) {
        // The first reason counts.
        let _ = self.refused.set(error);
    }

    pub(super) fn take_outgoing(&self) -> Vec<NewCall> {
        std::mem::take(&mut *self.outgoing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<Book>>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Unsaved ===

impl Unsaved {
    pub(super) fn is_empty(&self) -> bool {
        !self.is_changed && self.calls.is_empty() && self.outgoing.is_empty()
    }
}

/// A call as it is stored, in the save that makes `version`.
pub(super) fn outgoing_of(
    from: &crate::store::ObjectKey,
    version: Version,
    now: u64,
    new: &[NewCall],
) -> Vec<Outgoing> {
    let calls = (0..).zip(new);
    calls.map(|(index, call)| call.outgoing(from.clone(), version, index, now)).collect()
}
