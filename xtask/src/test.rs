//! Every test: unit, integration and documentation tests, the models, and the checks of `deploy/`.

use crate::failure::Failure;
use crate::task::{Task, passed_on};
use crate::{model, process, promtool, tool};

pub(crate) const TASK: Task = Task {
    name: "test",
    arguments: "[ARGS…]",
    summary: "Installs the tools that are missing, then runs every test",
    details: "On Debian and its kin the tools come with apt-get, as root or through sudo if that asks for nothing;
elsewhere the task says what to install and exits with 2. No service is started.

With ARGS only `cargo test ARGS…` runs: `cargo xtask test -p goverse-node a_panicking_turn`.",
    run,
};

/// The packages that are tested: all but the benches, whose peers are heavy.
pub(crate) const PACKAGES: &[&str] = &["--workspace", "--exclude", "goverse-bench"];

fn run(arguments: &[String]) -> Result<(), Failure> {
    tool::install_missing()?;
    let arguments = passed_on(arguments);
    let mut command = process::cargo(&["test"]);
    if !arguments.iter().any(|word| chooses_packages(word)) {
        command.args(PACKAGES);
    }
    process::run(command.args(arguments))?;
    if !arguments.is_empty() {
        return Ok(());
    }
    model::check()?;
    promtool::check_deploy()
}

/// Whether the argument is cargo's own choice of packages, which ours must not widen.
fn chooses_packages(word: &str) -> bool {
    word.starts_with("-p")
        || word.starts_with("--package")
        || word.starts_with("--manifest-path")
        || matches!(word, "--workspace" | "--all")
}
