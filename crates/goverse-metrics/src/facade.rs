//! The only place that touches the raw `metrics` facade: rows of the catalogue become handles.
#![allow(clippy::disallowed_macros)]

use metrics::{Counter, Gauge, Histogram};

use crate::catalogue::{CATALOGUE, Kind, Metric};

/// The value of a label for names that are not registered, whatever they are.
pub const OTHER: &str = "other";

/// The value of the label `type` for a name that no type was registered under.
pub const ABSENT_TYPE: &str = OTHER;

/// The facade target of every registration that this crate makes.
///
/// A recorder that must tell GoVerse's own series from an application's compares it with
/// [`metrics::Metadata::target`].
pub const TARGET: &str = "goverse_metrics";

/// Tells the installed recorder kind and help text of every metric in the catalogue.
///
/// Units are left out on purpose: the names carry them already.
pub fn describe() {
    for metric in CATALOGUE {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge(_) => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram { .. } => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

pub(crate) fn counter(metric: &'static Metric, values: &[&str]) -> Counter {
    debug_assert_eq!(metric.kind, Kind::Counter, "{}", metric.name);
    metrics::counter!(target: TARGET, metric.name, labels(metric, values))
}

pub(crate) fn gauge(metric: &'static Metric, values: &[&str]) -> Gauge {
    debug_assert!(matches!(metric.kind, Kind::Gauge(_)), "{}", metric.name);
    metrics::gauge!(target: TARGET, metric.name, labels(metric, values))
}

pub(crate) fn histogram(metric: &'static Metric, values: &[&str]) -> Histogram {
    debug_assert!(matches!(metric.kind, Kind::Histogram { .. }), "{}", metric.name);
    metrics::histogram!(target: TARGET, metric.name, labels(metric, values))
}

fn labels(metric: &Metric, values: &[&str]) -> Vec<metrics::Label> {
    debug_assert_eq!(metric.labels.len(), values.len(), "label values of {}", metric.name);
    let labels = metric.labels.iter().zip(values);
    labels.map(|(label, value)| metrics::Label::new(label.name, String::from(*value))).collect()
}
