//! A protobuf compiler for the build scripts that want one, so that nobody has to install it.

use std::path::PathBuf;
use std::process::Command;

use crate::process;

/// What build scripts read to find `protoc`.
const VARIABLE: &str = "PROTOC";

/// Points a cargo command to our `protoc`, unless the user has one already.
pub(crate) fn provide(command: &mut Command) {
    if std::env::var_os(VARIABLE).is_some() || process::is_installed("protoc") {
        return;
    }
    // Elsewhere the build script that wants one tells the user so.
    if let Some(path) = vendored() {
        command.env(VARIABLE, path);
    }
}

#[cfg(all(
    any(target_os = "linux", target_os = "macos"),
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn vendored() -> Option<PathBuf> {
    Some(protoc_vendored::protoc_bin_path())
}

#[cfg(not(all(
    any(target_os = "linux", target_os = "macos"),
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn vendored() -> Option<PathBuf> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_vendored_compiler_runs() {
        let path = vendored().expect("there is one for Linux");
        let version = process::capture(Command::new(path).arg("--version")).unwrap();
        assert!(version.starts_with("libprotoc "), "{version}");
    }
}
