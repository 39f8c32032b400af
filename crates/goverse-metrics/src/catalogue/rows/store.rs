//! Rows of stores: what was asked of them and how that went; and of the calls that are made after a commit.

use super::{NODE, TYPE};
use crate::catalogue::{Kind, Label, Metric, Moves, Stability, Unit, Values};
use crate::vocabulary::{AfterCommitOutcome, ConflictKind, StoreKind, StoreOperation, StoreStatus};

const STORE: Label = Label { name: "store", values: Values::Closed(StoreKind::VALUES) };
const OPERATION: Label =
    Label { name: "operation", values: Values::Closed(StoreOperation::VALUES) };

/// From a read that is in memory to the default deadline of a call.
const OPERATION_BUCKETS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// From a save that goes alone to the bound of a batch.
const BATCH_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What a store was asked for.
pub const STORE_OPERATIONS_TOTAL: Metric = Metric {
    name: "goverse_store_operations_total",
    kind: Kind::Counter,
    help: "Operations of the store that have ended, by what was asked and what came of it; each save of a batch counts",
    unit: Unit::Count,
    labels: &[
        NODE,
        STORE,
        OPERATION,
        Label { name: "status", values: Values::Closed(StoreStatus::VALUES) },
    ],
    series_cap: 10_000,
    stability: Stability::Stable,
    essential: true,
    usage: "`sum by (operation, status) (rate(goverse_store_operations_total[5m]))`. `unavailable`: the store is not reached, full, read-only or locked, and calls of persistent types fail; `unknown`: an answer was lost, and the object is read anew; `corrupt`: what is stored cannot be read; `conflict`: see `goverse_store_conflicts_total`",
};

/// How long the store took.
pub const STORE_OPERATION_DURATION_SECONDS: Metric = Metric {
    name: "goverse_store_operation_duration_seconds",
    kind: Kind::Histogram { buckets: OPERATION_BUCKETS },
    help: "Time from asking the store to its answer; of a save with the time that it waited for the batch before it",
    unit: Unit::Seconds,
    labels: &[NODE, STORE, OPERATION],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "`histogram_quantile(0.99, sum by (le, operation) (rate(goverse_store_operation_duration_seconds_bucket[5m])))`: a call of a type that saves on every call takes at least as long as its save",
};

/// How much was written.
pub const STORE_WRITTEN_BYTES_TOTAL: Metric = Metric {
    name: "goverse_store_written_bytes_total",
    kind: Kind::Counter,
    help: "Bytes of states, answers and arguments that were saved",
    unit: Unit::Bytes,
    labels: &[NODE, STORE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "`rate(goverse_store_written_bytes_total[5m])`; divided by the rate of saves it is what a save writes",
};

/// How much was read.
pub const STORE_READ_BYTES_TOTAL: Metric = Metric {
    name: "goverse_store_read_bytes_total",
    kind: Kind::Counter,
    help: "Bytes of states that were loaded",
    unit: Unit::Bytes,
    labels: &[NODE, STORE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "`rate(goverse_store_read_bytes_total[5m])`: high beside few activations, states are large",
};

/// How many saves go together.
pub const STORE_BATCH_SIZE: Metric = Metric {
    name: "goverse_store_batch_size",
    kind: Kind::Histogram { buckets: BATCH_BUCKETS },
    help: "Saves that went to the store in one transaction",
    unit: Unit::Count,
    labels: &[NODE, STORE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "`rate(goverse_store_batch_size_sum[5m]) / rate(goverse_store_batch_size_count[5m])`: saves a transaction; it grows with the load, as saves gather while one is under way",
};

/// Saves and loads that a guard refused.
pub const STORE_CONFLICTS_TOTAL: Metric = Metric {
    name: "goverse_store_conflicts_total",
    kind: Kind::Counter,
    help: "Loads and saves that a guard of the store refused, by which guard",
    unit: Unit::Count,
    labels: &[NODE, STORE, Label { name: "kind", values: Values::Closed(ConflictKind::VALUES) }],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "`fence`: another node, or a later start of this one, has taken over; a few at a handoff are the guard at work, and more mean a node that does not know it was replaced. `version`: somebody else saved the object, which should not happen within a tenure",
};

/// How far the store is behind.
pub const STORE_SAVE_LAG_SECONDS: Metric = Metric {
    name: "goverse_store_save_lag_seconds",
    kind: Kind::Gauge(Moves::BySet),
    help: "Age of the oldest change on the node that is not saved yet; 0 if all are",
    unit: Unit::Seconds,
    labels: &[NODE, STORE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "What a crash would lose, at most, of types that save at intervals. Above the longest interval, saves fail or do not keep up",
};

/// What was swept.
pub const STORE_SWEPT_ROWS_TOTAL: Metric = Metric {
    name: "goverse_store_swept_rows_total",
    kind: Kind::Counter,
    help: "Rows past their time that were deleted: records of calls, and what is left of deleted objects",
    unit: Unit::Count,
    labels: &[NODE, STORE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "`rate(goverse_store_swept_rows_total[1h])`: in the long run as many as calls with a call id; less, and the store grows",
};

/// Calls that were answered without running.
pub const CALLS_DEDUPLICATED_TOTAL: Metric = Metric {
    name: "goverse_calls_deduplicated_total",
    kind: Kind::Counter,
    help: "Repeated calls that were answered with the result of the first, and did not run again",
    unit: Unit::Count,
    labels: &[NODE, TYPE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "`sum by (type) (rate(goverse_calls_deduplicated_total[5m]))`: callers who did not get the first answer; many mean slow calls, short deadlines or lost connections",
};

/// After-commit calls that wait.
pub const AFTER_COMMIT_PENDING: Metric = Metric {
    name: "goverse_after_commit_pending",
    kind: Kind::Gauge(Moves::BySet),
    help: "After-commit calls that are committed and not answered yet",
    unit: Unit::Count,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: false,
    usage: "Growth without end: callees fail, or are slower than their callers; see `goverse_after_commit_oldest_seconds`",
};

/// How long the oldest waits.
pub const AFTER_COMMIT_OLDEST_SECONDS: Metric = Metric {
    name: "goverse_after_commit_oldest_seconds",
    kind: Kind::Gauge(Moves::BySet),
    help: "Age of the oldest after-commit call that is not answered yet; 0 if there is none",
    unit: Unit::Seconds,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "How far callees lag behind their callers. Minutes mean a callee that fails again and again",
};

/// What became of attempts.
pub const AFTER_COMMIT_ATTEMPTS_TOTAL: Metric = Metric {
    name: "goverse_after_commit_attempts_total",
    kind: Kind::Counter,
    help: "Attempts to make after-commit calls, by what came of them",
    unit: Unit::Count,
    labels: &[NODE, Label { name: "outcome", values: Values::Closed(AfterCommitOutcome::VALUES) }],
    series_cap: 2_000,
    stability: Stability::Stable,
    essential: true,
    usage: "`dead` should not rise: each is a change that its callee will not get unless somebody sees to it. `retried` beside `delivered` shows how hard it is to deliver",
};
