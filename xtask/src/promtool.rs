//! What `deploy/` ships for Prometheus, checked by Prometheus' own tool.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::task::Task;
use crate::workspace::Workspace;
use crate::{dashboard, process, tool, workspace};

pub(crate) const TASK: Task = Task {
    name: "promtool",
    arguments: "",
    summary: "Checks the configurations, rules, rule tests and dashboards of deploy/",
    details: "`test` does this too. Debian builds promtool without Kubernetes, so a configuration for it is checked without
its kubernetes_sd_configs. Of a dashboard, each expression is checked, with its variables filled in.",
    run,
};

/// Where the files are, below the root of the workspace.
const FOLDERS: &[&str] =
    &["deploy/prometheus", "deploy/prometheus/rules", "deploy/prometheus/tests", "deploy/grafana"];

/// Makes of a file's text what `promtool` can read.
type Translation = fn(&str) -> Result<String, Failure>;

/// One run of `promtool`.
struct Check {
    arguments: &'static [&'static str],
    file: PathBuf,
    /// Where `promtool` cannot read the file itself.
    translate: Option<Translation>,
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
        return Err(Failure::new(format!("nothing to check in {}", FOLDERS.join(", "))));
    }
    checks.iter().try_for_each(Check::run)
}

/// The files of the folders, in a stable order.
fn shipped_files() -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        let entries = std::fs::read_dir(workspace::root().join(folder))
            .map_err(|error| Failure::new(format!("{folder}: {error}")))?;
        files.extend(entries.flatten().map(|entry| Path::new(folder).join(entry.file_name())));
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
        let arguments: &[&str] = match folder {
            "rules" => &["check", "rules", "--lint=all", "--lint-fatal"],
            "grafana" => &["check", "rules"],
            "tests" => &["test", "rules"],
            _ if !name.starts_with("prometheus") => return None,
            _ if name.contains("kubernetes") => &["check", "config", "--syntax-only"],
            _ => &["check", "config", "--lint=all", "--lint-fatal"],
        };
        let translate: Option<Translation> = match folder {
            "grafana" => Some(dashboard::rules),
            "prometheus" if name.contains("kubernetes") => Some(without_kubernetes),
            _ => None,
        };
        Some(Self { arguments, file, translate })
    }

    fn run(&self) -> Result<(), Failure> {
        let tell = |failure: Failure| failure.during(&self.file.display().to_string());
        let file = match self.translate {
            Some(translate) => self.translated(translate).map_err(tell)?,
            None => self.file.clone(),
        };
        let mut command = Command::new("promtool");
        command.current_dir(workspace::root()).args(self.arguments).arg(file);
        process::run(&mut command).map_err(tell)
    }

    /// Writes the translation among what cargo builds, and gives its path.
    fn translated(&self, translate: Translation) -> Result<PathBuf, Failure> {
        let text =
            std::fs::read_to_string(workspace::root().join(&self.file)).map_err(Failure::new)?;
        let folder = Workspace::load()?.target_folder.join("xtask");
        let file = folder.join(self.file.file_name().unwrap_or_default());
        std::fs::create_dir_all(&folder).map_err(Failure::new)?;
        std::fs::write(&file, translate(&text)?).map_err(Failure::new)?;
        Ok(file)
    }
}

/// Takes each `kubernetes_sd_configs` out: its line, and the lines of the list below it.
fn without_kubernetes(text: &str) -> Result<String, Failure> {
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
    Ok(kept)
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
            let found = Check::of_file(Path::new("deploy").join(file));
            let found = found.map(|check| check.to_string()).unwrap_or_default();
            assert_eq!(found.replace("deploy/", ""), expected);
        };
        let lint = "--lint=all --lint-fatal";
        let rules = "prometheus/rules/alerts";
        check(
            "prometheus/prometheus.yml",
            &format!("check config {lint} prometheus/prometheus.yml"),
        );
        check(
            "prometheus/prometheus-kubernetes.yml",
            "check config --syntax-only prometheus/prometheus-kubernetes.yml",
        );
        check("prometheus/rules/alerts.yml", &format!("check rules {lint} {rules}.yml"));
        check("prometheus/rules/alerts.json", &format!("check rules {lint} {rules}.json"));
        check("prometheus/tests/alerts.yml", "test rules prometheus/tests/alerts.yml");
        check("grafana/objects.json", "check rules grafana/objects.json");
        check("prometheus/targets.json", "");
        check("prometheus/README.md", "");
        check("prometheus/rules", "");
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
        assert_eq!(without_kubernetes(text).unwrap(), expected);
    }
}
