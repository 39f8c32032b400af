//! Programs that are built as the tests were: the `goverse` command, and packages of others.

use std::env;
use std::ffi::OsString;
use std::fs;
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
    BINARY.get_or_init(build_goverse)
}

/// The `goverse` command, with a store in memory unless it is told otherwise: it leaves no file where it runs.
///
/// # Panics
/// When it does not build.
pub fn goverse_command() -> Command {
    let mut command = Command::new(goverse_binary());
    command.env("GOVERSE_STORE", "memory");
    command
}

/// Builds a package that is none of the workspace, in the folder `folder`: as the tests were, with their dependencies.
///
/// What cargo has to say of the package itself is returned beside the path of its program.
///
/// # Panics
/// When it does not build.
pub fn build_package(folder: &Path, name: &str) -> (PathBuf, Vec<String>) {
    let root = workspace_root();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock can be copied");
    // Only what is built alike need not be built again.
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the workspace has one");
    let profiles = manifest.find("[profile.").map_or("", |start| &manifest[start..]);
    let settings = folder.join(".cargo");
    fs::create_dir_all(&settings).expect("the folder is ours");
    fs::write(settings.join("config.toml"), profiles).expect("the folder is ours");
    let messages = build(Command::new(cargo()).current_dir(folder).args(["build", "--offline"]));
    let is_its_own = |message: &Value| message["target"]["name"] == name;
    let own = messages.iter().filter(|message| is_its_own(message));
    let complaints = own.filter_map(|message| message["message"]["rendered"].as_str());
    let complaints = complaints.map(str::to_owned).collect();
    let program = folder.join(name);
    fs::copy(executable(&messages, name), &program).expect("the folder is ours");
    clean(folder, name);
    (program, complaints)
}

/// Removes what the build of a package has left in the target folder, which others use too.
fn clean(folder: &Path, name: &str) {
    let (target, profile) = target_and_profile();
    let mut command = Command::new(cargo());
    command.current_dir(folder).args(["clean", "--quiet", "--offline", "--package", name]);
    command.args(["--profile", &profile]).arg("--target-dir").arg(target);
    let status = command.status().expect("cargo runs the tests, so it is there");
    assert!(status.success(), "{command:?} failed");
}

fn build_goverse() -> PathBuf {
    let mut command = Command::new(cargo());
    command.current_dir(workspace_root()).args(["build", "--package", "goverse-cli"]);
    executable(&build(&mut command), "goverse")
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Runs a build in the profile of the tests, and returns what it tells.
fn build(command: &mut Command) -> Vec<Value> {
    let (target, profile) = target_and_profile();
    command.args(["--quiet", "--message-format", "json", "--profile", &profile]);
    command.arg("--target-dir").arg(target).stderr(Stdio::inherit());
    let output = command.output().expect("cargo runs the tests, so it is there");
    let messages = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?} failed:\n{messages}");
    messages.lines().filter_map(|message| serde_json::from_str(message).ok()).collect()
}

/// Where cargo says that it has put a program.
fn executable(messages: &[Value], name: &str) -> PathBuf {
    let mut programs = messages.iter().filter(|message| message["target"]["name"] == name);
    let path = programs.find_map(|message| message["executable"].as_str());
    path.map(PathBuf::from).expect("cargo tells where it puts what it builds")
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
