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
    /// The type of the object has no method of that name.
    UnknownMethod,
    /// The payload is in an encoding that the method does not speak.
    WrongEncoding,
    /// The payload does not decode as the arguments of the method.
    InvalidArguments,
    /// The payload is longer than the node accepts.
    PayloadTooLarge,
    /// The method ran, and its result cannot be encoded.
    Unencodable,
    /// The queue of the object, or of the node, is full.
    Overloaded,
    /// The deadline of the call passed before its reply came.
    DeadlineExceeded,
    /// The chain of calls came back to an object that waits for it.
    Reentrant,
    /// Two chains of calls wait for each other.
    Deadlock,
    /// The chain of calls is deeper than its limit.
    ChainTooLong,
    /// The method panicked; its activation ended without saving.
    Panicked,
    /// The turn was ended by the turn limit or by the shutdown.
    CutOff,
    /// No route to the object is known, or its node does not answer.
    Unreachable,
    /// The store did not answer, or could not take what it was given; nothing was changed there.
    StoreUnavailable,
    /// The store refused a change: another activation of the object is newer.
    StoreConflict,
    /// What is stored of the object cannot be read by this program; it is left as it is.
    StateUnreadable,
    /// The method ran, and whether what it did was saved is not known.
    OutcomeUnknown,
    /// The id of a call is empty, too long, or holds control characters.
    InvalidCallId,
    /// The id of a call was used before, for another method or other arguments.
    CallIdReused,
    /// The turn asked for what its object cannot give: to save what is not persistent, or where nothing is saved.
    NotPersistent,
}

// === impl ErrorCode ===

impl ErrorCode {
    /// Every code there is, in the order of their declaration.
    pub const ALL: &[Self] = &[
        Self::UnknownType,
        Self::InvalidId,
        Self::AlreadyExists,
        Self::NotFound,
        Self::ActivationFailed,
        Self::ActivationPanicked,
        Self::DeactivationFailed,
        Self::DeactivationPanicked,
        Self::ShuttingDown,
        Self::UnknownMethod,
        Self::WrongEncoding,
        Self::InvalidArguments,
        Self::PayloadTooLarge,
        Self::Unencodable,
        Self::Overloaded,
        Self::DeadlineExceeded,
        Self::Reentrant,
        Self::Deadlock,
        Self::ChainTooLong,
        Self::Panicked,
        Self::CutOff,
        Self::Unreachable,
        Self::StoreUnavailable,
        Self::StoreConflict,
        Self::StateUnreadable,
        Self::OutcomeUnknown,
        Self::InvalidCallId,
        Self::CallIdReused,
        Self::NotPersistent,
    ];

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
            ErrorCode::UnknownMethod => "unknown_method",
            ErrorCode::WrongEncoding => "wrong_encoding",
            ErrorCode::InvalidArguments => "invalid_arguments",
            ErrorCode::PayloadTooLarge => "payload_too_large",
            ErrorCode::Unencodable => "unencodable",
            ErrorCode::Overloaded => "overloaded",
            ErrorCode::DeadlineExceeded => "deadline_exceeded",
            ErrorCode::Reentrant => "reentrant",
            ErrorCode::Deadlock => "deadlock",
            ErrorCode::ChainTooLong => "chain_too_long",
            ErrorCode::Panicked => "panicked",
            ErrorCode::CutOff => "cut_off",
            ErrorCode::Unreachable => "unreachable",
            ErrorCode::StoreUnavailable => "store_unavailable",
            ErrorCode::StoreConflict => "store_conflict",
            ErrorCode::StateUnreadable => "state_unreadable",
            ErrorCode::OutcomeUnknown => "outcome_unknown",
            ErrorCode::InvalidCallId => "invalid_call_id",
            ErrorCode::CallIdReused => "call_id_reused",
            ErrorCode::NotPersistent => "not_persistent",
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
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
        }
    }

    #[test]
    fn all_has_every_code_once_in_order() {
        let arms = include_str!("error_code.rs").lines().filter_map(|line| {
            let (variant, text) = line.trim().strip_prefix("ErrorCode::")?.split_once(" => ")?;
            Some((variant, text.trim_end_matches(',')))
        });
        let expected: Vec<_> = arms.map(|(variant, text)| format!("{variant} {text}")).collect();
        let all = ErrorCode::ALL.iter().map(|code| format!("{code:?} \"{code}\""));
        assert_eq!(all.collect::<Vec<_>>(), expected);
    }
}
