//! What a node reports of its store, and of the calls that it makes after a commit.

use metrics::{Counter, Gauge, Histogram};
use quanta::Instant;

use crate::catalogue::{
    AFTER_COMMIT_ATTEMPTS_TOTAL, AFTER_COMMIT_OLDEST_SECONDS, AFTER_COMMIT_PENDING,
    CALLS_DEDUPLICATED_TOTAL, STORE_BATCH_SIZE, STORE_CONFLICTS_TOTAL,
    STORE_OPERATION_DURATION_SECONDS, STORE_OPERATIONS_TOTAL, STORE_READ_BYTES_TOTAL,
    STORE_SAVE_LAG_SECONDS, STORE_SWEPT_ROWS_TOTAL, STORE_WRITTEN_BYTES_TOTAL,
};
use crate::facade::{counter, gauge, histogram};
use crate::vocabulary::{AfterCommitOutcome, ConflictKind, StoreKind, StoreOperation, StoreStatus};

/// The resolved handles of a node's store; made once, when the node is built.
#[derive(Debug)]
pub struct StoreMetrics {
    operations: [Operation; StoreOperation::ALL.len()],
    conflicts: [Counter; ConflictKind::ALL.len()],
    batch_size: Histogram,
    written: Counter,
    read: Counter,
    swept: Counter,
    save_lag: Gauge,
}

/// One operation's share of the handles.
#[derive(Debug)]
struct Operation {
    statuses: [Counter; StoreStatus::ALL.len()],
    duration: Histogram,
}

/// An operation that is under way. When it is dropped it is counted once, as [`StoreStatus::Cancelled`] unless
/// [`ends`](Self::ends) said how it ended.
#[derive(Debug)]
#[must_use = "a dropped guard counts the operation as cancelled"]
pub struct StoreOperationGuard<'a> {
    operation: &'a Operation,
    since: Instant,
    status: StoreStatus,
}

/// The resolved handles of the repeated calls of one type on one node; made once, when the type is registered.
#[derive(Debug)]
pub struct RepeatedCallMetrics {
    deduplicated: Counter,
}

/// The resolved handles of a node's after-commit calls; made once, when the node is built.
#[derive(Debug)]
pub struct AfterCommitMetrics {
    pending: Gauge,
    oldest: Gauge,
    attempts: [Counter; AfterCommitOutcome::ALL.len()],
}

// === impl StoreMetrics ===

impl StoreMetrics {
    /// Resolves the handles of the store that calls itself `store`, on the node that advertises `node`; all series
    /// start at 0.
    pub fn new(node: &str, store: &str) -> Self {
        let store = StoreKind::of(store).as_str();
        let operation = |index: usize| Operation::new(node, store, StoreOperation::ALL[index]);
        let conflict = |index: usize| {
            counter(&STORE_CONFLICTS_TOTAL, &[node, store, ConflictKind::ALL[index].as_str()])
        };
        let metrics = Self {
            operations: std::array::from_fn(operation),
            conflicts: std::array::from_fn(conflict),
            batch_size: histogram(&STORE_BATCH_SIZE, &[node, store]),
            written: counter(&STORE_WRITTEN_BYTES_TOTAL, &[node, store]),
            read: counter(&STORE_READ_BYTES_TOTAL, &[node, store]),
            swept: counter(&STORE_SWEPT_ROWS_TOTAL, &[node, store]),
            save_lag: gauge(&STORE_SAVE_LAG_SECONDS, &[node, store]),
        };
        metrics.save_lag.set(0.0);
        metrics
    }

    /// An operation begins.
    pub fn begin(&self, operation: StoreOperation) -> StoreOperationGuard<'_> {
        let operation = &self.operations[operation as usize];
        StoreOperationGuard { operation, since: Instant::now(), status: StoreStatus::Cancelled }
    }

    /// A guard of the store refused a load or a save.
    pub fn conflict(&self, kind: ConflictKind) {
        self.conflicts[kind as usize].increment(1);
    }

    /// So many saves go to the store in one transaction.
    pub fn batch(&self, saves: usize) {
        self.batch_size.record(saves as f64);
    }

    /// So many bytes of states, answers and arguments were saved.
    pub fn written(&self, bytes: usize) {
        self.written.increment(bytes as u64);
    }

    /// So many bytes of a state were loaded.
    pub fn read(&self, bytes: usize) {
        self.read.increment(bytes as u64);
    }

    /// So many rows past their time were deleted.
    pub fn swept(&self, rows: u64) {
        self.swept.increment(rows);
    }

    /// The oldest change that is not saved yet is so old; 0 if all are saved.
    pub fn set_save_lag(&self, seconds: f64) {
        self.save_lag.set(seconds);
    }
}

// === impl Operation ===

impl Operation {
    fn new(node: &str, store: &str, operation: StoreOperation) -> Self {
        let operation = operation.as_str();
        let status = |index: usize| {
            let status = StoreStatus::ALL[index].as_str();
            counter(&STORE_OPERATIONS_TOTAL, &[node, store, operation, status])
        };
        Self {
            statuses: std::array::from_fn(status),
            duration: histogram(&STORE_OPERATION_DURATION_SECONDS, &[node, store, operation]),
        }
    }
}

// === impl StoreOperationGuard ===

impl StoreOperationGuard<'_> {
    /// The store has answered.
    pub fn ends(mut self, status: StoreStatus) {
        self.status = status;
    }
}

impl Drop for StoreOperationGuard<'_> {
    fn drop(&mut self) {
        self.operation.statuses[self.status as usize].increment(1);
        self.operation.duration.record(self.since.elapsed());
    }
}

// === impl RepeatedCallMetrics ===

impl RepeatedCallMetrics {
    /// Resolves the handles of `type_name` on the node that advertises `node`; all series start at 0.
    pub fn new(node: &str, type_name: &str) -> Self {
        Self { deduplicated: counter(&CALLS_DEDUPLICATED_TOTAL, &[node, type_name]) }
    }

    /// A repeated call was answered with the result of the first.
    pub fn deduplicated(&self) {
        self.deduplicated.increment(1);
    }
}

// === impl AfterCommitMetrics ===

impl AfterCommitMetrics {
    /// Resolves the handles of the node that advertises `node`; all series start at 0.
    pub fn new(node: &str) -> Self {
        let attempt = |index: usize| {
            let outcome = AfterCommitOutcome::ALL[index].as_str();
            counter(&AFTER_COMMIT_ATTEMPTS_TOTAL, &[node, outcome])
        };
        let metrics = Self {
            pending: gauge(&AFTER_COMMIT_PENDING, &[node]),
            oldest: gauge(&AFTER_COMMIT_OLDEST_SECONDS, &[node]),
            attempts: std::array::from_fn(attempt),
        };
        metrics.set_pending(0, 0.0);
        metrics
    }

    /// So many calls are not answered yet, and the oldest is so old; 0 if there is none.
    pub fn set_pending(&self, calls: usize, oldest_seconds: f64) {
        self.pending.set(calls as f64);
        self.oldest.set(oldest_seconds);
    }

    /// An attempt to make a call has ended.
    pub fn attempted(&self, outcome: AfterCommitOutcome) {
        self.attempts[outcome as usize].increment(1);
    }
}
