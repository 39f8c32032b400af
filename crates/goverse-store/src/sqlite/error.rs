//! What SQLite says went wrong, in the words of a store.

use goverse_node::{Conflict, StoreError};
use rusqlite::{Error, ErrorCode};

/// Why work in a transaction failed: by SQLite, or by us.
#[derive(Debug)]
pub(super) enum Failed {
    Sqlite(Error),
    Store(StoreError),
}

// === impl Failed ===

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Conflict> for Failed {
    fn from(conflict: Conflict) -> Self {
        Self::Store(conflict.into())
    }
}

impl From<Failed> for StoreError {
    /// As long as nothing was committed.
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Store(error) => error,
            Failed::Sqlite(error) => uncommitted(&error),
        }
    }
}

/// Whether the fault is with what was to be stored, and not with the file.
pub(super) fn is_of_the_value(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
    )
}

fn uncommitted(error: &Error) -> StoreError {
    if is_of_the_value(error) {
        return StoreError::Refused(error.to_string());
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt(error.to_string())
        }
        _ => StoreError::Unavailable(explain(error)),
    }
}

/// Of a commit that failed. Its last page may be in the log all the same, unless SQLite says it was not written.
pub(super) fn of_commit(error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull) => {
            StoreError::Unavailable(explain(error))
        }
        _ => StoreError::Unknown(explain(error)),
    }
}

/// The error with what to do about it.
pub(super) fn explain(error: &Error) -> String {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program has the file locked; end it"
        }
        Some(ErrorCode::DiskFull) => "there is no room; free some, or raise the limit",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "let this user write to the file and to its folder"
        }
        Some(ErrorCode::CannotOpen) => {
            "the folder must be there, and this user must be able to write to it"
        }
        _ => return error.to_string(),
    };
    format!("{error}: {advice}")
}
