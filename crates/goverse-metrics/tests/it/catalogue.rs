//! Every row obeys the naming rules, and the generated page is current.

use std::collections::HashSet;

use goverse_metrics::catalogue::{BUCKETS_MAX, find, markdown};
use goverse_metrics::{CATALOGUE, Kind, Metric, Unit, Values};

/// Gauges whose name ends in `_total` all the same: one, fixed before the rule.
const TOTAL_GAUGES: &[&str] = &["goverse_objects_total"];

#[test]
fn the_objects_gauge_is_what_users_rely_on() {
    let metric = find("goverse_objects_total").expect("it is in the catalogue");
    assert_eq!(metric.kind.as_str(), "gauge");
    assert_eq!(metric.help, "Total number of distributed objects in the cluster");
    let labels: Vec<&str> = metric.labels.iter().map(|label| label.name).collect();
    assert_eq!(labels, ["node", "type"]);
}

#[test]
fn names_are_unique_and_follow_the_conventions() {
    let mut seen = HashSet::new();
    for metric in CATALOGUE {
        assert!(seen.insert(metric.name), "{} is listed twice", metric.name);
        check_name(metric);
    }
    assert!(!seen.contains("goverse_objects"), "the base name of the gauge is reserved");
}

fn check_name(metric: &Metric) {
    let name = metric.name;
    let well_formed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(name.chars().all(well_formed), "{name}: lower case, digits and _");
    assert!(name.starts_with("goverse_") || name.starts_with("process_"), "{name}: prefix");
    let is_counter = metric.kind == Kind::Counter;
    if !TOTAL_GAUGES.contains(&name) {
        assert_eq!(is_counter, name.ends_with("_total"), "{name}: counters alone end in _total");
    }
    let base = name.trim_end_matches("_total");
    for suffix in ["_count", "_sum", "_bucket"] {
        assert!(!base.ends_with(suffix), "{name}: {suffix} belongs to histograms");
    }
    match metric.unit {
        Unit::Seconds => assert!(base.ends_with("_seconds"), "{name}: seconds"),
        Unit::Bytes => assert!(base.ends_with("_bytes"), "{name}: bytes"),
        Unit::Count | Unit::Flag => {}
    }
}

#[test]
fn rows_are_complete() {
    for Metric { name, help, usage, labels, series_cap, kind, .. } in CATALOGUE {
        assert!(!help.is_empty() && !help.ends_with('.'), "{name}: help without a full stop");
        assert!(!usage.is_empty() && !usage.ends_with('.'), "{name}: usage without a full stop");
        assert!(*series_cap > 0, "{name}: a cap");
        for label in *labels {
            assert!(!["le", "quantile"].contains(&label.name), "{name}: {}", label.name);
            assert_ne!(label.values, Values::Closed(&[]), "{name}: {}", label.name);
        }
        if let Kind::Histogram { buckets } = kind {
            assert!(buckets.is_sorted_by(|a, b| a < b), "{name}: buckets rise");
            assert!(!buckets.is_empty() && buckets.len() <= BUCKETS_MAX, "{name}: bucket count");
        }
    }
}

#[test]
fn the_documentation_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == markdown(), "docs/metrics.md is not current: run `cargo xtask docs`");
}
