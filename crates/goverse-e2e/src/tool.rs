//! Programs that the tests need and that are not ours.

use std::io;

/// Says what to do when a program could not be started.
pub(crate) fn cannot_start(program: &str, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        format!(
            "the tests need the program `{program}`, which is not on the path: `cargo xtask test` installs it"
        )
    } else {
        format!("cannot start {program}: {error}")
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::cannot_start;

    #[test]
    fn a_missing_program_is_told_with_its_remedy() {
        let message = cannot_start("prometheus", &io::ErrorKind::NotFound.into());
        assert!(
            message.contains("`prometheus`") && message.contains("cargo xtask test"),
            "{message}"
        );
        let message = cannot_start("prometheus", &io::ErrorKind::PermissionDenied.into());
        assert!(!message.contains("xtask"), "{message}");
    }
}
