//! How a command fails: one message on standard error, and an exit code.

use std::error::Error as StdError;

use goverse::server::ConfigError;
use goverse_inspector::InspectorError;

/// The exit code for what the user can mend: a flag, a file, a port in use.
const USAGE: i32 = 2;
/// The exit code for what went wrong while the command ran.
const BROKEN: i32 = 1;

/// A command that did not do what it was asked.
pub(crate) struct Failure {
    message: String,
    exit_code: i32,
}

/// Ends the process: with exit code 0, or with the failure's message and exit code.
///
/// It does not wait for what still runs, such as an object's hook that never yields.
pub(crate) fn exit_with(result: Result<(), Failure>) -> ! {
    let exit_code = match result {
        Ok(()) => 0,
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            failure.exit_code
        }
    };
    std::process::exit(exit_code)
}

// === impl Failure ===

impl Failure {
    /// Something that the user can mend.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: USAGE }
    }

    /// Something that went wrong on the way.
    pub(crate) fn broken(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: BROKEN }
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
            _ => BROKEN,
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
        let message = format!("{error}{cause}");
        match error {
            InspectorError::Client(_) => Self::broken(message),
            _ => Self::usage(message),
        }
    }
}
