//! The catalogue: one row for each metric that GoVerse exposes, and nothing it does not list.
//!
//! HELP texts, buckets, series caps, `docs/metrics.md`, `goverse metrics`, and the names that
//! `deploy/` may use all come from here or are checked against it.

mod markdown;
mod rows;

use serde::Serialize;

pub use markdown::markdown;
pub use rows::*;

/// One metric.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Metric {
    /// Full name, as it is on `/metrics`.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// The HELP text.
    pub help: &'static str,
    /// What one unit of the value is.
    pub unit: Unit,
    /// Labels, in the order in which handles take their values.
    pub labels: &'static [Label],
    /// How many series of this metric one process may have; what exceeds it is folded into `_other`.
    pub series_cap: usize,
    /// Whether name, kind and labels may still change.
    pub stability: Stability,
    /// Whether it belongs on the first screen: what an operator looks at before anything else.
    pub essential: bool,
    /// What to do with it: a query, or when to look.
    pub usage: &'static str,
}

/// What a metric counts, in Prometheus' terms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// Only rises; starts at 0 with the process.
    Counter,
    /// Rises and falls.
    Gauge(Moves),
    /// Counts samples in cumulative buckets.
    Histogram {
        /// Upper bounds of the buckets, sorted, without `+Inf`.
        buckets: &'static [f64],
    },
}

/// How a gauge changes, which decides what memory it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "moves", rename_all = "snake_case")]
pub enum Moves {
    /// Only by guards: +1 when one is made, −1 when it is dropped. It cannot be set.
    ByGuard,
    /// It is set to a value.
    BySet,
}

/// The base unit of a metric's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A number of things.
    Count,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Always 1, or 1 for yes and 0 for no.
    Flag,
}

/// One label of a metric.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Label {
    /// The label's name.
    pub name: &'static str,
    /// The values it may take.
    pub values: Values,
}

/// The values that a label may take. All are bounded: none is ever an object id or a text from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", content = "values", rename_all = "snake_case")]
pub enum Values {
    /// Advertise addresses of nodes.
    Nodes,
    /// Names of registered types.
    Types,
    /// Names of methods of registered types.
    Methods,
    /// Names of metrics, of the application too.
    Metrics,
    /// Exactly these.
    Closed(&'static [&'static str]),
    /// One value that the build decides.
    Build,
}

/// Whether a metric's name, kind and labels may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stability {
    /// Changes only with a major version.
    Stable,
    /// May change with a minor version; the changelog says so.
    Experimental,
}

/// Every metric, in the order of `/metrics` and of the documentation.
pub static CATALOGUE: &[&Metric] = rows::ALL;

/// The most buckets that a histogram may have; recorders may size their cells by it.
pub const BUCKETS_MAX: usize = 22;

/// The row of the metric called `name`.
pub fn find(name: &str) -> Option<&'static Metric> {
    CATALOGUE.iter().copied().find(|metric| metric.name == name)
}

/// Whether `name` is of a family that only GoVerse itself may expose.
pub fn is_reserved(name: &str) -> bool {
    name.starts_with("goverse_") || name.starts_with("goverse:") || find(name).is_some()
}

// === impl Metric ===

impl Metric {
    /// Whether its series belong to one node, by the label `node`.
    pub fn is_per_node(&self) -> bool {
        self.labels.iter().any(|label| label.values == Values::Nodes)
    }
}

// === impl Kind ===

impl Kind {
    /// The word of the exposition format's TYPE line.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge(_) => "gauge",
            Kind::Histogram { .. } => "histogram",
        }
    }
}

// === impl Unit ===

impl Unit {
    /// The unit's name in documentation.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Unit::Count => "count",
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
            Unit::Flag => "flag",
        }
    }
}

// === impl Stability ===

impl Stability {
    /// The word used in documentation.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Stability::Stable => "stable",
            Stability::Experimental => "experimental",
        }
    }
}
