//! Every metric that we ship a word about exists.

use std::collections::BTreeSet;

use goverse_metrics::{CATALOGUE, Kind};

use crate::promql;
use crate::{dashboard, rules};

/// What Prometheus itself records of each target, and of its alerts.
const OF_PROMETHEUS: &[&str] = &[
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "ALERTS",
    "ALERTS_FOR_STATE",
];

/// The families of names that are ours alone.
const FAMILIES: &[&str] = &["goverse_", "goverse:", "process_"];

/// The pages that tell users which metrics there are.
const PAGES: &[&str] = &[
    "README.md",
    "docs/getting-started.md",
    "docs/etcd.md",
    "docs/objects.md",
    "docs/prometheus.md",
    "docs/runbooks.md",
    "deploy/README.md",
];

/// The names that exist: the catalogue's, and those that our rules record.
struct Names {
    catalogue: BTreeSet<String>,
    recorded: BTreeSet<String>,
}

// === impl Names ===

impl Names {
    async fn load() -> Self {
        let rules = rules::shipped().await;
        let recorded = rules.into_iter().filter(|rule| !rule.is_alert).map(|rule| rule.name);
        Self { catalogue: catalogue(), recorded: recorded.collect() }
    }

    fn has(&self, name: &str) -> bool {
        self.catalogue.contains(name) || self.recorded.contains(name)
    }

    fn check_expression(&self, source: &str, expression: &str) {
        for name in promql::metrics(expression) {
            let exists = self.has(name) || OF_PROMETHEUS.contains(&name);
            assert!(exists, "{source}: there is no metric {name}: {expression}");
        }
    }

    fn check_text(&self, source: &str, text: &str) -> usize {
        let words = words(text);
        for word in &words {
            // `goverse_object_*` stands for several.
            let exists = match word.strip_suffix('*') {
                Some(prefix) => self.catalogue.iter().any(|name| name.starts_with(prefix)),
                None => self.has(word),
            };
            assert!(exists, "{source}: there is no metric {word}");
        }
        words.len()
    }
}

/// The names that a node's page may have.
fn catalogue() -> BTreeSet<String> {
    let names = CATALOGUE.iter().flat_map(|metric| {
        let suffixes: &[&str] = match metric.kind {
            Kind::Histogram { .. } => &["", "_bucket", "_sum", "_count"],
            Kind::Counter | Kind::Gauge(_) => &[""],
        };
        suffixes.iter().map(|suffix| format!("{}{suffix}", metric.name))
    });
    names.collect()
}

/// The words of a text that are of our families; those of Rust, such as `goverse_metrics::find`, are not.
fn words(text: &str) -> BTreeSet<&str> {
    let words = text.split(|part: char| !part.is_alphanumeric() && !"_:*".contains(part));
    let words = words.filter(|word| !word.contains("::")).map(|word| word.trim_end_matches(':'));
    let is_name = |word: &str| {
        FAMILIES.iter().any(|family| word.len() > family.len() && word.starts_with(family))
    };
    words.filter(|word| is_name(word)).collect()
}

/// The expressions in a page's blocks of PromQL; one goes on while a parenthesis is open.
fn expressions(markdown: &str) -> BTreeSet<String> {
    let blocks = markdown.split("```promql\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap_or_default());
    blocks.flat_map(expressions_of_block).collect()
}

fn expressions_of_block(block: &str) -> Vec<String> {
    let mut expressions: Vec<String> = Vec::new();
    let lines = block.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    for line in lines.filter(|line| !line.is_empty()) {
        match expressions.last_mut().filter(|last| depth(last) > 0) {
            Some(open) => *open += line,
            None => expressions.push(line.to_owned()),
        }
    }
    expressions
}

fn depth(expression: &str) -> usize {
    expression.matches('(').count().saturating_sub(expression.matches(')').count())
}

#[tokio::test]
async fn every_metric_that_deploy_names_exists() {
    let names = Names::load().await;
    for rule in rules::shipped().await {
        names.check_expression(&rule.name, &rule.query);
    }
    for dashboard in dashboard::shipped() {
        for expression in dashboard.expressions().iter().chain(&dashboard.variables()) {
            names.check_expression(&dashboard.file, expression);
        }
    }
    let mut count = 0;
    for path in rules::files("deploy", &["yml", "yaml", "json"]) {
        count += names.check_text(&path.display().to_string(), &rules::read(&path));
    }
    assert!(count > 20, "{count} names are few: is deploy/ read?");
}

#[tokio::test]
async fn every_metric_that_the_documentation_names_exists() {
    let names = Names::load().await;
    for page in PAGES {
        let text = rules::read(page);
        names.check_text(page, &text);
        let expressions = expressions(&text);
        for expression in &expressions {
            names.check_expression(page, expression);
        }
        if !expressions.is_empty() {
            dashboard::check_expressions(page, &expressions);
        }
    }
}

#[test]
fn words_of_our_families_are_found() {
    let text = "See `goverse_a_total`: goverse_metrics::find, __meta_goverse_node, goverse_b_* or goverse:c:sum.";
    let expected = ["goverse:c:sum", "goverse_a_total", "goverse_b_*"];
    assert!(words(text).into_iter().eq(expected), "{:?}", words(text));
}
