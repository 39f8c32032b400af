//! The benches, each beside its peers in the same run.

use std::path::Path;

use crate::failure::Failure;
use crate::process;
use crate::task::{Task, passed_on};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "bench",
    arguments: "[NAME [--json] [--runs N]]",
    summary: "Runs a bench beside its peers, or lists the benches",
    details: "Without NAME it lists what there is. With --json each figure is one line:
{\"figure\",\"unit\",\"ours\",\"reference\",\"reference_name\",\"ratio\",\"runs\",\"min\",\"max\"}
What follows NAME is handed to the bench.",
    run,
};

const PACKAGE: &str = "goverse-bench";

fn run(arguments: &[String]) -> Result<(), Failure> {
    match arguments.split_first() {
        None => list(),
        Some((name, rest)) => run_one(name, passed_on(rest)),
    }
}

fn list() -> Result<(), Failure> {
    let workspace = Workspace::load()?;
    let mut benches: Vec<_> = workspace.package(PACKAGE)?.binaries.iter().collect();
    benches.sort_by_key(|bench| &bench.name);
    for bench in benches {
        println!("{:<20}{}", bench.name, purpose(&bench.source));
    }
    Ok(())
}

/// What the first line of a source file says it is for.
fn purpose(source: &Path) -> String {
    let text = std::fs::read_to_string(source).unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    first.trim_start_matches("//!").trim().to_owned()
}

fn run_one(name: &str, arguments: &[String]) -> Result<(), Failure> {
    let workspace = Workspace::load()?;
    if !workspace.package(PACKAGE)?.binaries.iter().any(|bench| bench.name == name) {
        return Err(Failure::unusable(format!(
            "no bench {name:?}: `cargo xtask bench` lists them"
        )));
    }
    let program = ["run", "--release", "--package", PACKAGE, "--bin", name, "--"];
    process::replace_by(process::cargo(&program).args(arguments))
}
