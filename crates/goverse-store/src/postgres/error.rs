//! What PostgreSQL says went wrong, in the words of a store.

use std::error::Error as _;

use goverse_node::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Of a statement that changes something.
///
/// An error that the server sends for the statement rolled it back. One that ends the session may have come after the
/// commit, and so may the end of the connection.
pub(super) fn of_write(error: Error) -> StoreError {
    match error.as_db_error() {
        Some(db_error) if !is_of_the_session(db_error) => rolled_back(db_error),
        _ => StoreError::Unknown(tell(&error)),
    }
}

/// Of a statement that changes nothing.
pub(super) fn of_read(error: Error) -> StoreError {
    match error.as_db_error() {
        Some(db_error) if !is_of_the_session(db_error) => rolled_back(db_error),
        _ => StoreError::Unavailable(tell(&error)),
    }
}

/// Whether the same statement may succeed at once: it lost a race for locks.
pub(super) fn is_worth_another_try(error: &Error) -> bool {
    let code = error.code();
    code == Some(&SqlState::T_R_DEADLOCK_DETECTED)
        || code == Some(&SqlState::T_R_SERIALIZATION_FAILURE)
}

fn is_of_the_session(error: &DbError) -> bool {
    let is_final =
        matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic) | None);
    is_final || error.code() == &SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN || class(error) == "08"
}

fn rolled_back(error: &DbError) -> StoreError {
    let told = told(error);
    match class(error) {
        // Data exceptions, integrity constraints, program limits.
        "22" | "23" | "54" => StoreError::Refused(told),
        "XX" if matches!(error.code(), &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED) => {
            StoreError::Corrupt(told)
        }
        _ => StoreError::Unavailable(told),
    }
}

/// The first two characters of the code, which say what kind of error it is.
fn class(error: &DbError) -> &str {
    error.code().code().get(..2).unwrap_or_default()
}

fn told(error: &DbError) -> String {
    let code = error.code().code();
    match error.hint() {
        Some(hint) => format!("{} ({code}); {hint}", error.message()),
        None => format!("{} ({code})", error.message()),
    }
}

/// The error with its causes.
pub(super) fn tell(error: &Error) -> String {
    if let Some(db_error) = error.as_db_error() {
        return told(db_error);
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
