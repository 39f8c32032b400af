//! The models: small concurrent programs that loom runs in every order that threads can meet in.

use std::process::Command;

use crate::failure::Failure;
use crate::task::Task;
use crate::{process, workspace};

pub(crate) const TASK: Task = Task {
    name: "model",
    arguments: "",
    summary: "Checks the turn lock with loom, in every order that threads can meet in",
    details: "Builds goverse-node with `--cfg loom`, in a target folder of its own, and runs the models of its turn lock.
`test` does so too.",
    run: |arguments| {
        TASK.refuse(arguments)?;
        check()
    },
};

/// Runs every model to its end.
pub(crate) fn check() -> Result<(), Failure> {
    let arguments = ["test", "--package", "goverse-node", "--release", "--lib", "turn_lock"];
    process::run(with_loom(&mut process::cargo(&arguments)))
}

/// Flags change every crate that is built with them, so these builds keep to themselves.
fn with_loom(command: &mut Command) -> &mut Command {
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let target = workspace::root().join("target").join("loom");
    command.env("RUSTFLAGS", format!("{flags} --cfg loom")).env("CARGO_TARGET_DIR", target)
}
