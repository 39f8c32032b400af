//! How a call can fail: by the method's own error, or by the runtime's.

use std::fmt;
use std::sync::Arc;

use goverse_core::{ErrorCode, Ran};

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError<E> {
    /// The method ran, and this is the error that it returned.
    Method(E),
    /// The runtime could not bring the call to its end.
    System(SystemError),
}

/// An error of the runtime: a stable code, and whether the method ran.
#[derive(Clone, PartialEq, Eq)]
pub struct SystemError(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    code: ErrorCode,
    ran: Ran,
    message: String,
}

// === impl CallError ===

impl<E> CallError<E> {
    /// The method's own error, if it is one.
    pub fn method(self) -> Option<E> {
        match self {
            CallError::Method(error) => Some(error),
            CallError::System(_) => None,
        }
    }

    /// The runtime's error, if it is one.
    pub fn system(&self) -> Option<&SystemError> {
        match self {
            CallError::Method(_) => None,
            CallError::System(error) => Some(error),
        }
    }

    /// Whether the method ran; only a call whose method did not run is safe to repeat.
    pub fn ran(&self) -> Ran {
        match self {
            CallError::Method(_) => Ran::Yes,
            CallError::System(error) => error.ran(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Method(error) => error.fmt(f),
            CallError::System(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for CallError<E> {}

impl<E> From<SystemError> for CallError<E> {
    fn from(error: SystemError) -> Self {
        CallError::System(error)
    }
}

// === impl SystemError ===

impl SystemError {
    /// An error with this code, for routers and others that bring calls to their end.
    pub fn new(code: ErrorCode, ran: Ran, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { code, ran, message: message.into() }))
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// Whether the method ran.
    pub fn ran(&self) -> Ran {
        self.0.ran
    }
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { code, ran, message } = &*self.0;
        let mut shown = f.debug_struct("SystemError");
        shown.field("code", code).field("ran", ran).field("message", message).finish()
    }
}

impl std::error::Error for SystemError {}
