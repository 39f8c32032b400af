//! All that a change must pass, in the order that fails soonest.

use std::time::Instant;

use crate::failure::Failure;
use crate::task::Task;
use crate::{process, test, tidy};

pub(crate) const TASK: Task = Task {
    name: "ci",
    arguments: "",
    summary: "Runs all that a change must pass; stops at the first failure",
    details: "Format, lints, tidy, dependencies (where cargo-deny is installed), documentation, then every test.",
    run,
};

/// A named part of the whole.
struct Step {
    name: &'static str,
    /// A program without which the step is skipped, for cargo does not bring it.
    needs: Option<&'static str>,
    run: fn() -> Result<(), Failure>,
}

const STEPS: &[Step] = &[
    Step { name: "format", needs: None, run: format },
    Step { name: "tidy", needs: None, run: || (tidy::TASK.run)(&[]) },
    Step { name: "dependencies", needs: Some("cargo-deny"), run: dependencies },
    Step { name: "lints", needs: None, run: lints },
    Step { name: "documentation", needs: None, run: documentation },
    Step { name: "tests", needs: None, run: || (test::TASK.run)(&[]) },
];

fn run(arguments: &[String]) -> Result<(), Failure> {
    TASK.refuse(arguments)?;
    let start = Instant::now();
    STEPS.iter().try_for_each(Step::run)?;
    eprintln!("== ci: passed in {}", since(start));
    Ok(())
}

// === impl Step ===

impl Step {
    fn run(&self) -> Result<(), Failure> {
        let Self { name, needs, run } = self;
        if let Some(program) = needs.filter(|program| !process::is_installed(program)) {
            eprintln!("== {name}: SKIPPED, for {program} is not installed\n");
            return Ok(());
        }
        eprintln!("== {name}");
        let start = Instant::now();
        let result = run().map_err(|failure| failure.during(&format!("step {name} failed")));
        let outcome = if result.is_ok() { "passed" } else { "FAILED" };
        eprintln!("== {name}: {outcome} in {}\n", since(start));
        result
    }
}

fn since(start: Instant) -> String {
    format!("{:.1} s", start.elapsed().as_secs_f64())
}

fn format() -> Result<(), Failure> {
    process::run(&mut process::cargo(&["fmt", "--all", "--check"]))
}

/// Advisories are not asked for: their database needs a network that not every CI has.
fn dependencies() -> Result<(), Failure> {
    process::run(&mut process::cargo(&["deny", "check", "bans", "licenses", "sources"]))
}

fn lints() -> Result<(), Failure> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    process::run(&mut process::cargo(&arguments))
}

fn documentation() -> Result<(), Failure> {
    let mut command = process::cargo(&["doc", "--workspace", "--no-deps"]);
    process::run(command.env("RUSTDOCFLAGS", "--deny warnings"))
}
