//! Why a task failed, and the exit code that says so.

use std::fmt::Display;
use std::process::{ExitCode, ExitStatus};

/// What was asked for cannot be done here until the user does something.
const UNUSABLE: u8 = 2;

/// The end of a task that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

// === impl Failure ===

impl Failure {
    /// A check or a step failed.
    pub(crate) fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), code: 1 }
    }

    /// The task cannot run: wrong arguments, or a tool is missing.
    pub(crate) fn unusable(message: impl Display) -> Self {
        Self { message: message.to_string(), code: UNUSABLE }
    }

    /// A program that we ran failed; its exit code becomes ours.
    pub(crate) fn of_program(program: &str, status: ExitStatus) -> Self {
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Self { message: format!("{program}: {status}"), code }
    }

    /// The same failure, told after what was being done.
    pub(crate) fn during(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// Prints the failure and gives the exit code of the process.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.message);
        ExitCode::from(self.code)
    }
}
