//! How a command fails: one message on standard error, and an exit code.

use std::error::Error as StdError;
use std::process::ExitCode;

use goverse::server::ConfigError;
use goverse_inspector::InspectorError;

/// The exit code for what the user can mend: a flag, a file, a port in use.
const USAGE: u8 = 2;

/// A command that did not do what it was asked.
pub(crate) struct Failure {
    message: String,
    exit_code: u8,
}

/// Prints a failure, and turns the result into the exit code of the process.
pub(crate) fn report(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            ExitCode::from(failure.exit_code)
        }
    }
}

// === impl Failure ===

impl Failure {
    /// Something that the user can mend.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: USAGE }
    }

    /// Adds what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.message = format!("{}\n  {hint}", self.message);
        self
    }
}

impl From<goverse::Error> for Failure {
    fn from(error: goverse::Error) -> Self {
        let exit_code = match error {
            goverse::Error::Config(_) | goverse::Error::Start(_) => USAGE,
            _ => 1,
        };
        Self { message: format!("{error:?}"), exit_code }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        goverse::Error::from(error).into()
    }
}

impl From<InspectorError> for Failure {
    fn from(error: InspectorError) -> Self {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::usage(format!("{error}{cause}"))
    }
}
