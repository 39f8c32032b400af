//! What a failed attempt at etcd means: whether anything happened, and whether trying again is of use.

use etcd_client::Error;
use tonic::{Code, ConnectError, Status};

use super::endpoints::Outcome;
use super::settings::causes;
use crate::coordinator::CoordinatorError;

/// What a failure says to whoever asked.
pub(super) fn meaning(error: &Error, outcome: Outcome) -> CoordinatorError {
    match error {
        Error::GRpcStatus(status) => {
            refusal(status).unwrap_or_else(|| lost(describe(status), outcome))
        }
        // The client makes this of a renewal that was answered with no time to live.
        Error::LeaseKeepAliveError(text) if text == "lease not found" => {
            CoordinatorError::LeaseGone
        }
        other => lost(causes(other), outcome),
    }
}

/// An attempt without an answer.
fn lost(text: String, outcome: Outcome) -> CoordinatorError {
    match outcome {
        Outcome::None => CoordinatorError::Unavailable(text),
        Outcome::MayBe => CoordinatorError::Unknown(text),
    }
}

/// A failure after which it is sure that nothing happened.
fn refusal(status: &Status) -> Option<CoordinatorError> {
    if never_connected(status) {
        return Some(CoordinatorError::Unavailable(describe(status)));
    }
    let text = status.message();
    let is_about = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let text = || describe(status);
    Some(match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => CoordinatorError::Denied(text()),
        Code::InvalidArgument | Code::FailedPrecondition if is_about_access(status.message()) => {
            CoordinatorError::Denied(text())
        }
        Code::InvalidArgument | Code::ResourceExhausted
            if is_about(&["request is too large", "message larger than max"]) =>
        {
            CoordinatorError::TooLarge(text())
        }
        Code::ResourceExhausted => CoordinatorError::Unavailable(text()),
        Code::NotFound if is_about(&["lease not found"]) => CoordinatorError::LeaseGone,
        Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound => {
            CoordinatorError::Nonsense(text())
        }
        _ => return None,
    })
}

/// Whether a text of etcd's is about who we are and what we may do.
pub(super) fn is_about_access(text: &str) -> bool {
    let words = ["permission denied", "authentication", "user name", "auth token"];
    words.iter().any(|word| text.contains(word))
}

/// Whether the request cannot have left us.
fn never_connected(status: &Status) -> bool {
    let first = std::error::Error::source(status);
    std::iter::successors(first, |error| error.source()).any(|error| error.is::<ConnectError>())
}

fn describe(status: &Status) -> String {
    match std::error::Error::source(status) {
        Some(source) => causes(source),
        None if status.message().is_empty() => status.code().description().to_owned(),
        None => status.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: Code, text: &str, expected: &str) {
        let error = Error::GRpcStatus(Status::new(code, text));
        let [read, write] =
            [Outcome::None, Outcome::MayBe].map(|outcome| meaning(&error, outcome).to_string());
        let told = if read == write { read } else { format!("{read} | {write}") };
        assert_eq!(told, expected);
    }

    #[test]
    fn failures_say_whether_anything_happened() {
        check(
            Code::Unavailable,
            "etcdserver: request timed out",
            "the coordinator does not answer: etcdserver: request timed out | \
             the coordinator's answer was lost: etcdserver: request timed out",
        );
        check(
            Code::Unknown,
            "",
            "the coordinator does not answer: Unknown error | \
             the coordinator's answer was lost: Unknown error",
        );
        check(
            Code::InvalidArgument,
            "etcdserver: authentication failed, invalid user ID or password",
            "the coordinator refuses access: etcdserver: authentication failed, invalid user ID or password",
        );
        check(
            Code::PermissionDenied,
            "etcdserver: permission denied",
            "the coordinator refuses access: etcdserver: permission denied",
        );
        check(
            Code::NotFound,
            "etcdserver: requested lease not found",
            "there is no such lease any more",
        );
        check(
            Code::InvalidArgument,
            "etcdserver: request is too large",
            "the coordinator takes no transaction of this size: etcdserver: request is too large",
        );
        check(
            Code::ResourceExhausted,
            "etcdserver: mvcc: database space exceeded",
            "the coordinator does not answer: etcdserver: mvcc: database space exceeded",
        );
        check(
            Code::InvalidArgument,
            "etcdserver: duplicate key given in txn request",
            "the coordinator's answer makes no sense: etcdserver: duplicate key given in txn request",
        );
    }
}
