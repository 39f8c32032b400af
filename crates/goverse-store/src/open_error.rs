//! Why a store could not be opened.

/// Why a store could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It was not reached, or not let in; a later attempt may succeed.
    #[error("the store {place} is not available: {problem}")]
    Unavailable {
        /// Which store.
        place: String,
        /// What happened.
        problem: String,
    },
    /// What is there was made by another program.
    #[error("the store {place} is not of GoVerse: {problem}; name another place, or move it away")]
    Foreign {
        /// Which store.
        place: String,
        /// How that shows.
        problem: String,
    },
    /// A newer program made it, or changed it since.
    #[error(
        "the store {place} has schema {found}, and this program knows none above {known}; \
         use the program that wrote it, or a newer one"
    )]
    Newer {
        /// Which store.
        place: String,
        /// The version of its schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// It is there, and does not keep what it acknowledges, or cannot be used for another reason that time does not heal.
    #[error("the store {place} cannot be used: {problem}")]
    Unusable {
        /// Which store.
        place: String,
        /// Why, and what to do.
        problem: String,
    },
}
