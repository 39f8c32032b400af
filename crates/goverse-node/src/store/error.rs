//! Why a store did not do what it was asked for.

use super::{Tenure, Version};

/// Why a store did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A guard refused it, and nothing changed.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The store was not reached, is full, is read-only or locked: nothing changed, and a later attempt may succeed.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// It may have taken effect, or may do so later.
    #[error("the answer of the store was lost: {0}")]
    Unknown(String),
    /// The store cannot take this: an id or a state that it has no room for. Nothing changed, and trying again is no use.
    #[error("the store refuses it: {0}")]
    Refused(String),
    /// What is stored cannot be what this program stored. It is left as it is.
    #[error("the store holds what cannot be read: {0}")]
    Corrupt(String),
}

/// Which guard refused a load or a save.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Another version is stored than the one that was expected.
    #[error("the store has version {stored}, not {expected}")]
    Version {
        /// What was expected.
        expected: Version,
        /// What is there; 0 if nothing.
        stored: Version,
    },
    /// A newer tenure has begun.
    #[error("the store is fenced at {fence}, and {tenure} is older")]
    Fence {
        /// Who came too late.
        tenure: Tenure,
        /// The newest tenure's `since`, of the fence or of the row.
        fence: u64,
    },
}

impl Conflict {
    /// The guard's name in metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Conflict::Version { .. } => "version",
            Conflict::Fence { .. } => "fence",
        }
    }
}
