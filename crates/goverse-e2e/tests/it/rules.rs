//! The shipped rules: each alert says what somebody needs who is woken by it, and each has a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use goverse_e2e::prometheus::{Rule, ShippedConfig};
use goverse_e2e::{Prometheus, workspace_root};

const RUNBOOKS: &str = "docs/runbooks.md";

/// The shipped rules, as a real Prometheus reads them.
pub(crate) async fn shipped() -> Vec<Rule> {
    let prometheus = Prometheus::start(ShippedConfig::with_static_targets(&[])).await;
    let rules = prometheus.rules().await.unwrap();
    assert!(rules.iter().any(|rule| rule.is_alert) && rules.iter().any(|rule| !rule.is_alert));
    rules
}

/// A file below the root of the repository.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = workspace_root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files below a folder of the repository, with one of these endings.
pub(crate) fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![workspace_root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|ending| endings.contains(&&*ending.to_string_lossy()))
            {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no file of {endings:?}");
    found
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let headings = markdown.lines().filter(|line| line.starts_with('#'));
    headings.map(|heading| anchor(heading.trim_start_matches('#').trim())).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|kept| kept.is_alphanumeric() || " -_".contains(*kept));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[tokio::test]
async fn each_alert_says_what_is_needed() {
    let anchors = anchors(&read(RUNBOOKS));
    for alert in shipped().await.iter().filter(|rule| rule.is_alert) {
        let severity = alert.labels.get("severity").map_or("none", String::as_str);
        assert!(["critical", "warning", "info"].contains(&severity), "{}: {severity}", alert.name);
        for annotation in ["summary", "description"] {
            let text = alert.annotations.get(annotation).map_or("", String::as_str);
            assert!(text.len() > 10, "{} has no {annotation}", alert.name);
        }
        let url = alert.annotations.get("runbook_url").map_or("", String::as_str);
        let (page, anchor) = url.split_once('#').unwrap_or((url, ""));
        assert!(page.ends_with(RUNBOOKS), "{}: {url} is not in {RUNBOOKS}", alert.name);
        assert!(anchors.contains(anchor), "{}: {RUNBOOKS} has no #{anchor}", alert.name);
    }
}

#[tokio::test]
async fn each_rule_has_a_test() {
    let tests: String = files("deploy/prometheus/tests", &["yml"]).iter().map(read).collect();
    let alerts: BTreeSet<&str> = tests
        .lines()
        .filter_map(|line| line.split_once("alertname: "))
        .map(|(_, name)| name.trim())
        .collect();
    let words: BTreeSet<&str> =
        tests.split(|part: char| !part.is_alphanumeric() && !"_:".contains(part)).collect();
    let rules = shipped().await;
    for rule in &rules {
        let is_tested =
            if rule.is_alert { alerts.contains(&*rule.name) } else { words.contains(&*rule.name) };
        assert!(is_tested, "{} has no test in deploy/prometheus/tests", rule.name);
    }
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names.len(), rules.len(), "two rules have one name");
    assert!(alerts.is_subset(&names), "a test is of no rule: {alerts:?}");
}

#[test]
fn anchors_are_those_of_github() {
    let found = anchors("# How it *works*\ntext\n## GoverseNodeDown\n### A, b & `c_d`\n");
    let expected = ["a-b--c_d", "goversenodedown", "how-it-works"];
    assert!(found.iter().eq(expected), "{found:?}");
}
