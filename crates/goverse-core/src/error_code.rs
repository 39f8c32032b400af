//! The closed list of ways in which the runtime can fail.

use std::fmt;

use serde::Serialize;

/// A stable code for an error of the runtime: safe to branch on, and to use as a label value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// No type of that name is registered on the node.
    UnknownType,
    /// The id of an object is empty, too long, or holds control characters.
    InvalidId,
    /// An object of that type and id is there already, or has not yet gone.
    AlreadyExists,
    /// No object of that type and id is there.
    NotFound,
    /// The activation hook returned an error.
    ActivationFailed,
    /// The constructor or the activation hook panicked.
    ActivationPanicked,
    /// The deactivation hook returned an error; the object is gone.
    DeactivationFailed,
    /// The deactivation hook panicked; the object is gone.
    DeactivationPanicked,
    /// The node is shutting down.
    ShuttingDown,
}

// === impl ErrorCode ===

impl ErrorCode {
    /// The code as it is written on the wire, in logs and in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorCode::UnknownType => "unknown_type",
            ErrorCode::InvalidId => "invalid_id",
            ErrorCode::AlreadyExists => "already_exists",
            ErrorCode::NotFound => "not_found",
            ErrorCode::ActivationFailed => "activation_failed",
            ErrorCode::ActivationPanicked => "activation_panicked",
            ErrorCode::DeactivationFailed => "deactivation_failed",
            ErrorCode::DeactivationPanicked => "deactivation_panicked",
            ErrorCode::ShuttingDown => "shutting_down",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn serde_and_display_agree() {
        let code = ErrorCode::ActivationPanicked;
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
    }
}
