//! What `deploy/` ships for Prometheus, checked by Prometheus' own tool.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::task::Task;
use crate::workspace::Workspace;
use crate::{process, tool, workspace};

pub(crate) const TASK: Task = Task {
    name: "promtool",
    arguments: "",
    summary: "Checks the configurations, rules and rule tests of deploy/",
    details: "`test` does this too. Debian builds promtool without Kubernetes, so a configuration for it is checked without
its kubernetes_sd_configs.",
    run,
};

/// Where the files are, below the root of the workspace.
const FOLDER: &str = "deploy/prometheus";

/// One run of `promtool`.
struct Check {
    arguments: &'static [&'static str],
    file: PathBuf,
    /// Whether the file has a part that Debian's `promtool` does not know.
    is_for_kubernetes: bool,
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    TASK.refuse(arguments)?;
    tool::install_missing()?;
    check_deploy()
}

/// Runs every check; promtool has to be installed.
pub(crate) fn check_deploy() -> Result<(), Failure> {
    let files = shipped_files()?;
    let checks: Vec<Check> = files.into_iter().filter_map(Check::of_file).collect();
    if checks.is_empty() {
        return Err(Failure::new(format!("{FOLDER} has no configuration to check")));
    }
    checks.iter().try_for_each(Check::run)
}

/// The files of the folder and of its own folders, in a stable order.
fn shipped_files() -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for folder in ["", "rules", "tests"] {
        let folder = Path::new(FOLDER).join(folder);
        let entries = std::fs::read_dir(workspace::root().join(&folder))
            .map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
        files.extend(entries.flatten().map(|entry| folder.join(entry.file_name())));
    }
    files.sort();
    Ok(files)
}

// === impl Check ===

impl Check {
    /// What to ask of a file, told by its folder and name; nothing of a file that is not for Prometheus.
    fn of_file(file: PathBuf) -> Option<Self> {
        let name = file.file_stem()?.to_str()?;
        let folder = file.parent()?.file_name()?.to_str()?;
        if !matches!(file.extension()?.to_str()?, "yml" | "yaml" | "json") {
            return None;
        }
        let is_for_kubernetes = name.contains("kubernetes");
        let arguments: &[&str] = match folder {
            "rules" => &["check", "rules", "--lint=all", "--lint-fatal"],
            "tests" => &["test", "rules"],
            _ if !name.starts_with("prometheus") => return None,
            _ if is_for_kubernetes => &["check", "config", "--syntax-only"],
            _ => &["check", "config", "--lint=all", "--lint-fatal"],
        };
        Some(Self { arguments, file, is_for_kubernetes })
    }

    fn run(&self) -> Result<(), Failure> {
        let tell = |failure: Failure| failure.during(&self.file.display().to_string());
        let mut command = Command::new("promtool");
        command.current_dir(workspace::root()).args(self.arguments);
        if self.is_for_kubernetes {
            command.arg(self.copy_without_kubernetes().map_err(tell)?);
        } else {
            command.arg(&self.file);
        }
        process::run(&mut command).map_err(tell)
    }

    /// A copy among what cargo builds.
    fn copy_without_kubernetes(&self) -> Result<PathBuf, Failure> {
        let folder = Workspace::load()?.target_folder.join("xtask");
        let copy = folder.join(self.file.file_name().unwrap_or_default());
        std::fs::read_to_string(workspace::root().join(&self.file))
            .and_then(|text| {
                std::fs::create_dir_all(&folder)?;
                std::fs::write(&copy, without_kubernetes(&text))
            })
            .map_err(Failure::new)?;
        Ok(copy)
    }
}

/// Takes each `kubernetes_sd_configs` out: its line, and the lines of the list below it.
fn without_kubernetes(text: &str) -> String {
    let mut list_indent = None;
    let mut kept = String::new();
    for line in text.lines() {
        let rest = line.trim_start();
        let indent = line.len() - rest.len();
        let is_in_list = list_indent.is_some_and(|list| {
            rest.is_empty() || indent > list || (indent == list && rest.starts_with("- "))
        });
        if is_in_list {
            continue;
        }
        list_indent = (rest == "kubernetes_sd_configs:").then_some(indent);
        if list_indent.is_none() {
            kept += line;
            kept.push('\n');
        }
    }
    kept
}

impl Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.arguments.join(" "), self.file.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_checked_for_what_it_is() {
        let check = |file: &str, expected: &str| {
            let found = Check::of_file(Path::new(FOLDER).join(file));
            let found = found.map(|check| check.to_string()).unwrap_or_default();
            assert_eq!(found.replace(&format!("{FOLDER}/"), ""), expected);
        };
        check("prometheus.yml", "check config --lint=all --lint-fatal prometheus.yml");
        check("prometheus-kubernetes.yml", "check config --syntax-only prometheus-kubernetes.yml");
        check("rules/alerts.yml", "check rules --lint=all --lint-fatal rules/alerts.yml");
        check("rules/alerts.json", "check rules --lint=all --lint-fatal rules/alerts.json");
        check("tests/alerts.yml", "test rules tests/alerts.yml");
        check("targets.json", "");
        check("README.md", "");
        check("rules", "");
    }

    #[test]
    fn only_the_lists_for_kubernetes_are_taken_out() {
        let text = "
scrape_configs:
  - job_name: goverse
    kubernetes_sd_configs:
      - role: pod
        selectors:
          - role: pod
    relabel_configs:
      - regex: a
  - job_name: other
    kubernetes_sd_configs:
    - role: node
    honor_labels: true
";
        let expected = "
scrape_configs:
  - job_name: goverse
    relabel_configs:
      - regex: a
  - job_name: other
    honor_labels: true
";
        assert_eq!(without_kubernetes(text), expected);
    }
}
