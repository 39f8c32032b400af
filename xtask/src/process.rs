//! The programs that tasks run: each is shown before it runs, and its failure is ours.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::{protoc, workspace};

/// The cargo that runs us, at the root of the workspace, with a `protoc` for the build scripts that want one.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace::root());
    protoc::provide(&mut command);
    command
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let name = show(command);
    let status = command.status().map_err(|error| Failure::unusable(format!("{name}: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::of_program(&name, status)) }
}

/// Runs a program to its end and gives what it wrote to its standard output.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let name = program(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::unusable(format!("{name}: {error}")))?;
    if !output.status.success() {
        return Err(Failure::of_program(&name, output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| Failure::new(format!("{name}: {error}")))
}

/// Becomes the program, so that signals and the exit code are its own affair.
#[cfg(unix)]
pub(crate) fn replace_by(command: &mut Command) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt;
    let name = show(command);
    let error = command.exec();
    Err(Failure::unusable(format!("{name}: {error}")))
}

/// Waits for the program where a process cannot become another one.
#[cfg(not(unix))]
pub(crate) fn replace_by(command: &mut Command) -> Result<(), Failure> {
    run(command)
}

/// Whether a program of this name is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_program(&folder.join(program)))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.with_extension(std::env::consts::EXE_EXTENSION).is_file()
}

/// Prints the command line as one would type it, and gives the program's name.
fn show(command: &Command) -> String {
    let name = program(command);
    let words = command.get_args().map(|word| word.to_string_lossy());
    let line = words.fold(name.clone(), |line, word| line + " " + &word);
    eprintln!("$ {line}");
    name
}

fn program(command: &Command) -> String {
    let path = Path::new(command.get_program());
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
