//! The rows of the catalogue.

mod calls;
mod cluster;
mod process;
mod store;

use super::{Kind, Label, Metric, Moves, Stability, Unit, Values};
use crate::vocabulary::{ActivationFailure, DeactivationFailure, DeactivationReason};

pub use calls::*;
pub use cluster::*;
pub use process::*;
pub use store::*;

const NODE: Label = Label { name: "node", values: Values::Nodes };
const TYPE: Label = Label { name: "type", values: Values::Types };
const METRIC: Label = Label { name: "metric", values: Values::Metrics };
const REASON: Label = Label { name: "reason", values: Values::Closed(DeactivationReason::VALUES) };

/// Lifetimes reach from a request to weeks.
const LIFETIME_BUCKETS: &[f64] =
    &[0.01, 0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 604_800.0];

/// A page takes from a fraction of a millisecond to the scrape time-out.
const SCRAPE_BUCKETS: &[f64] =
    &[0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

pub(super) const ALL: &[&Metric] = &[
    &OBJECTS_TOTAL,
    &OBJECT_ACTIVATIONS_TOTAL,
    &OBJECT_ACTIVATION_FAILURES_TOTAL,
    &OBJECT_DEACTIVATIONS_TOTAL,
    &OBJECT_DEACTIVATION_FAILURES_TOTAL,
    &OBJECT_LIFETIME_SECONDS,
    &METHOD_CALLS_TOTAL,
    &METHOD_CALL_DURATION_SECONDS,
    &METHOD_QUEUE_SECONDS,
    &CALLS_IN_FLIGHT,
    &CALLS_QUEUED,
    &CALL_REJECTIONS_TOTAL,
    &LONG_TURNS_TOTAL,
    &OBJECT_ACTIVATION_SECONDS,
    &PANICS_TOTAL,
    &STORE_OPERATIONS_TOTAL,
    &STORE_OPERATION_DURATION_SECONDS,
    &STORE_BATCH_SIZE,
    &STORE_CONFLICTS_TOTAL,
    &STORE_SAVE_LAG_SECONDS,
    &STORE_WRITTEN_BYTES_TOTAL,
    &STORE_READ_BYTES_TOTAL,
    &STORE_SWEPT_ROWS_TOTAL,
    &CALLS_DEDUPLICATED_TOTAL,
    &AFTER_COMMIT_PENDING,
    &AFTER_COMMIT_OLDEST_SECONDS,
    &AFTER_COMMIT_ATTEMPTS_TOTAL,
    &CLUSTER_MEMBERS,
    &CLUSTER_LEADER,
    &CLUSTER_LEADER_CHANGES_TOTAL,
    &CLUSTER_UNREADABLE_RECORDS,
    &SHARDS_OWNED,
    &SHARDS_IN_HANDOFF,
    &SHARD_MOVES_TOTAL,
    &SHARD_HANDOFF_SECONDS,
    &SHARD_MAP_EPOCH,
    &SHARD_MAP_CHANGES_TOTAL,
    &WINDOW_LEFT_SECONDS,
    &LEASE_RENEWALS_TOTAL,
    &COORDINATOR_OPERATIONS_TOTAL,
    &COORDINATOR_OPERATION_SECONDS,
    &COORDINATOR_WATCH_RESTARTS_TOTAL,
    &VIEW_AGE_SECONDS,
    &NODE_READY,
    &BUILD_INFO,
    &METRICS_SCRAPE_DURATION_SECONDS,
    &METRICS_SCRAPE_SIZE_BYTES,
    &METRICS_SCRAPES_REFUSED_TOTAL,
    &METRICS_SERIES_OVERFLOW_TOTAL,
    &RUNTIME_WORKERS,
    &RUNTIME_ALIVE_TASKS,
    &RUNTIME_GLOBAL_QUEUE_DEPTH,
    &RUNTIME_BUSY_SECONDS_TOTAL,
    &RUNTIME_PARKS_TOTAL,
    &PROCESS_CPU_SECONDS_TOTAL,
    &PROCESS_RESIDENT_MEMORY_BYTES,
    &PROCESS_VIRTUAL_MEMORY_BYTES,
    &PROCESS_START_TIME_SECONDS,
    &PROCESS_OPEN_FDS,
    &PROCESS_MAX_FDS,
    &PROCESS_THREADS,
];

/// Objects that are there now. The name is older than the rule that gauges do not end in `_total`.
pub const OBJECTS_TOTAL: Metric = Metric {
    name: "goverse_objects_total",
    kind: Kind::Gauge(Moves::ByGuard),
    help: "Total number of distributed objects in the cluster",
    unit: Unit::Count,
    labels: &[NODE, TYPE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "`sum(goverse_objects_total)` for the cluster, `sum by (type) (…)`, `sum by (node) (…)`",
};

/// Objects that have come to be.
pub const OBJECT_ACTIVATIONS_TOTAL: Metric = Metric {
    name: "goverse_object_activations_total",
    kind: Kind::Counter,
    help: "Objects that were activated",
    unit: Unit::Count,
    labels: &[NODE, TYPE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "`sum by (type) (rate(goverse_object_activations_total[5m]))`: objects activated a second",
};

/// Attempts that made no object.
pub const OBJECT_ACTIVATION_FAILURES_TOTAL: Metric = Metric {
    name: "goverse_object_activation_failures_total",
    kind: Kind::Counter,
    help: "Objects that could not be activated, by code; the type is \"other\" for names that are not registered",
    unit: Unit::Count,
    labels: &[
        NODE,
        TYPE,
        Label { name: "code", values: Values::Closed(ActivationFailure::VALUES) },
    ],
    series_cap: 10_000,
    stability: Stability::Stable,
    essential: true,
    usage: "Should not rise. `unknown_type`: a caller names a type that this node does not have; the others: the hook's log line says why",
};

/// Objects that are gone, by reason.
pub const OBJECT_DEACTIVATIONS_TOTAL: Metric = Metric {
    name: "goverse_object_deactivations_total",
    kind: Kind::Counter,
    help: "Objects that were deactivated, by reason",
    unit: Unit::Count,
    labels: &[NODE, TYPE, REASON],
    series_cap: 10_000,
    stability: Stability::Stable,
    essential: false,
    usage: "Activations minus deactivations is `goverse_objects_total`; `dropped` means an object ended without its hook",
};

/// Deactivation hooks that did not end well; the object is gone all the same.
pub const OBJECT_DEACTIVATION_FAILURES_TOTAL: Metric = Metric {
    name: "goverse_object_deactivation_failures_total",
    kind: Kind::Counter,
    help: "Deactivation hooks that failed, panicked or were cut off, by code; the object is gone all the same",
    unit: Unit::Count,
    labels: &[
        NODE,
        TYPE,
        Label { name: "code", values: Values::Closed(DeactivationFailure::VALUES) },
    ],
    series_cap: 10_000,
    stability: Stability::Stable,
    essential: false,
    usage: "Should not rise: what the hook was to do, such as to say goodbye or to release something, did not happen",
};

/// How long objects lived.
pub const OBJECT_LIFETIME_SECONDS: Metric = Metric {
    name: "goverse_object_lifetime_seconds",
    kind: Kind::Histogram { buckets: LIFETIME_BUCKETS },
    help: "Time from the activation of an object to its end",
    unit: Unit::Seconds,
    labels: &[NODE, TYPE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "`histogram_quantile(0.5, sum by (le, type) (rate(goverse_object_lifetime_seconds_bucket[1h])))`: a short median means objects are made and thrown away",
};

/// Whether the node takes work.
pub const NODE_READY: Metric = Metric {
    name: "goverse_node_ready",
    kind: Kind::Gauge(Moves::BySet),
    help: "Whether the node is ready: 1 while it takes objects, 0 while it starts or shuts down",
    unit: Unit::Flag,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "`goverse_node_ready == 0` for long means a shutdown that hangs; the same answer as `/readyz`",
};

/// Which build is running.
pub const BUILD_INFO: Metric = Metric {
    name: "goverse_build_info",
    kind: Kind::Gauge(Moves::BySet),
    help: "Always 1; the labels say which build of GoVerse is running",
    unit: Unit::Flag,
    labels: &[
        Label { name: "version", values: Values::Build },
        Label { name: "profile", values: Values::Closed(&["debug", "release"]) },
    ],
    series_cap: 10,
    stability: Stability::Stable,
    essential: false,
    usage: "`count by (version) (goverse_build_info)` shows how far a rollout has come; a `debug` profile has no place in production",
};

/// What rendering the page cost.
pub const METRICS_SCRAPE_DURATION_SECONDS: Metric = Metric {
    name: "goverse_metrics_scrape_duration_seconds",
    kind: Kind::Histogram { buckets: SCRAPE_BUCKETS },
    help: "Time to render and compress the node's /metrics page",
    unit: Unit::Seconds,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "Grows with the number of series; beside `scrape_duration_seconds` of Prometheus it tells rendering from the network",
};

/// How large the page is.
pub const METRICS_SCRAPE_SIZE_BYTES: Metric = Metric {
    name: "goverse_metrics_scrape_size_bytes",
    kind: Kind::Gauge(Moves::BySet),
    help: "Size of the node's last /metrics page before compression",
    unit: Unit::Bytes,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "A page that grows without end is a label without bound, usually one of the application's own",
};

/// Scrapes that were turned away.
pub const METRICS_SCRAPES_REFUSED_TOTAL: Metric = Metric {
    name: "goverse_metrics_scrapes_refused_total",
    kind: Kind::Counter,
    help: "Scrapes answered with 503 because too many were waiting",
    unit: Unit::Count,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "Should not rise: something other than Prometheus asks for /metrics far too often",
};

/// Series that were refused by the cap.
pub const METRICS_SERIES_OVERFLOW_TOTAL: Metric = Metric {
    name: "goverse_metrics_series_overflow_total",
    kind: Kind::Counter,
    help: "Registrations of series that were folded into _other or refused: too many series, too many metrics, or a name that is taken",
    unit: Unit::Count,
    labels: &[METRIC],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "Must stay 0. `metric` names the metric with a label that has too many values, such as a user id; `_other` stands for metrics that are not recorded at all, of which a log line says why",
};
