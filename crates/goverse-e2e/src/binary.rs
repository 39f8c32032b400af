//! The `goverse` command, built as the tests were.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::workspace_root;

/// The path of the `goverse` command. The first call of a process builds it, in the profile of the tests.
///
/// # Panics
/// When it does not build.
pub fn goverse_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(build)
}

fn build() -> PathBuf {
    let (target, profile) = target_and_profile();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace_root())
        .args(["build", "--quiet", "--package", "goverse-cli", "--message-format", "json"])
        .args(["--profile", &profile])
        .arg("--target-dir")
        .arg(target)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs the tests, so it is there");
    assert!(output.status.success(), "the goverse command does not build");
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages.lines().find_map(executable_of_goverse);
    executable.expect("cargo tells where it puts the goverse command")
}

/// Where this test lies: `TARGET/PROFILE/deps/it-HASH`.
fn target_and_profile() -> (PathBuf, String) {
    let test = env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(2).expect("a test lies in a folder of its profile");
    let profile = folder.file_name().unwrap_or_default().to_string_lossy();
    let target = folder.parent().expect("a profile lies in the target folder").to_owned();
    // The profile `dev` has a folder of another name.
    (target, if profile == "debug" { "dev".to_owned() } else { profile.into_owned() })
}

fn executable_of_goverse(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_goverse = message["target"]["name"] == "goverse";
    message["executable"].as_str().filter(|_| is_goverse).map(PathBuf::from)
}
