//! The generated pages of `docs/`.

use crate::failure::Failure;
use crate::task::Task;
use crate::{process, workspace};

pub(crate) const TASK: Task = Task {
    name: "docs",
    arguments: "",
    summary: "Writes the generated pages of docs/ anew",
    details: "docs/metrics.md comes from the catalogue of goverse-metrics, whose tests fail while the page is out of date.",
    run,
};

/// Each generated page, and the command of the `goverse` program that prints it.
const PAGES: &[(&str, &[&str])] = &[("docs/metrics.md", &["metrics", "--format", "markdown"])];

fn run(arguments: &[String]) -> Result<(), Failure> {
    TASK.refuse(arguments)?;
    PAGES.iter().try_for_each(|(page, command)| write(page, command))
}

fn write(page: &str, command: &[&str]) -> Result<(), Failure> {
    let program = ["run", "--quiet", "--package", "goverse-cli", "--bin", "goverse", "--"];
    let text = process::capture(process::cargo(&program).args(command))?;
    let path = workspace::root().join(page);
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        eprintln!("{page} is current");
        return Ok(());
    }
    std::fs::write(&path, text).map_err(|error| Failure::new(format!("{page}: {error}")))?;
    eprintln!("{page} written");
    Ok(())
}
