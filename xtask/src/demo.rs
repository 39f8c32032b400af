//! The demo: a cluster to look at, on this machine.

use std::process::Command;

use crate::failure::Failure;
use crate::process;
use crate::task::{Task, passed_on};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "demo",
    arguments: "[ARGS…]",
    summary: "Starts a demo cluster on this machine, until Ctrl-C",
    details: "Builds the goverse command in release and runs `goverse demo ARGS…`; its exit code is passed on.
`cargo xtask demo -- --help` shows the options of the demo itself.",
    run,
};

fn run(arguments: &[String]) -> Result<(), Failure> {
    let build = ["build", "--release", "--package", "goverse-cli", "--bin", "goverse"];
    process::run(&mut process::cargo(&build))?;
    let binary = format!("goverse{}", std::env::consts::EXE_SUFFIX);
    let path = Workspace::load()?.target_folder.join("release").join(binary);
    process::replace_by(Command::new(path).arg("demo").args(passed_on(arguments)))
}
