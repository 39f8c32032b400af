//! What a node reports of its cluster.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};
use quanta::Instant;

use crate::catalogue::{
    CLUSTER_LEADER, CLUSTER_LEADER_CHANGES_TOTAL, CLUSTER_MEMBERS, CLUSTER_UNREADABLE_RECORDS,
    COORDINATOR_OPERATION_SECONDS, COORDINATOR_OPERATIONS_TOTAL, COORDINATOR_WATCH_RESTARTS_TOTAL,
    LEASE_RENEWALS_TOTAL, SHARD_HANDOFF_SECONDS, SHARD_MAP_CHANGES_TOTAL, SHARD_MAP_EPOCH,
    SHARD_MOVES_TOTAL, SHARDS_IN_HANDOFF, SHARDS_OWNED, VIEW_AGE_SECONDS, WINDOW_LEFT_SECONDS,
};
use crate::facade::{counter, gauge, histogram};
use crate::vocabulary::{
    CoordinatorOperation, CoordinatorOutcome, MemberState, RenewalOutcome, ShardMoveReason,
};

/// The resolved handles of a node's part in its cluster; made once, before it joins.
///
/// Dropped, its gauges are 0: the node is no member any more.
#[derive(Debug)]
pub struct ClusterMetrics {
    members: Vec<Gauge>,
    leader: Gauge,
    leader_changes: Counter,
    unreadable: Gauge,
    shards_owned: Gauge,
    shards_in_handoff: Gauge,
    shard_moves: Vec<Counter>,
    handoff: Histogram,
    map_epoch: Gauge,
    map_changes: Counter,
    window_left: Gauge,
    renewals: Vec<Counter>,
    /// By operation, then by outcome.
    operations: Vec<Vec<(Counter, Histogram)>>,
    watch_restarts: Counter,
    view_age: Gauge,
}

/// What only the leader knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterSummary {
    /// Members by state, in the order of [`MemberState::ALL`].
    pub members: [usize; 3],
    /// Shards that a former owner may still act for.
    pub shards_in_handoff: usize,
}

/// An operation at the coordinator. It counts as [`CoordinatorOutcome::TimedOut`] unless it is told how it ended.
#[derive(Debug)]
#[must_use = "a dropped operation counts as timed out"]
pub struct OperationGuard<'a> {
    outcomes: &'a [(Counter, Histogram)],
    since: Instant,
    outcome: CoordinatorOutcome,
}

// === impl ClusterMetrics ===

impl ClusterMetrics {
    /// Resolves the handles of the node that advertises `node`; all series start at 0.
    pub fn new(node: &str) -> Self {
        let by = |values: &[&str], metric| {
            values.iter().map(|value| counter(metric, &[node, value])).collect()
        };
        let states = MemberState::VALUES.iter();
        let metrics = Self {
            members: states.map(|state| gauge(&CLUSTER_MEMBERS, &[node, state])).collect(),
            leader: gauge(&CLUSTER_LEADER, &[node]),
            leader_changes: counter(&CLUSTER_LEADER_CHANGES_TOTAL, &[node]),
            unreadable: gauge(&CLUSTER_UNREADABLE_RECORDS, &[node]),
            shards_owned: gauge(&SHARDS_OWNED, &[node]),
            shards_in_handoff: gauge(&SHARDS_IN_HANDOFF, &[node]),
            shard_moves: by(ShardMoveReason::VALUES, &SHARD_MOVES_TOTAL),
            handoff: histogram(&SHARD_HANDOFF_SECONDS, &[node]),
            map_epoch: gauge(&SHARD_MAP_EPOCH, &[node]),
            map_changes: counter(&SHARD_MAP_CHANGES_TOTAL, &[node]),
            window_left: gauge(&WINDOW_LEFT_SECONDS, &[node]),
            renewals: by(RenewalOutcome::VALUES, &LEASE_RENEWALS_TOTAL),
            operations: CoordinatorOperation::VALUES
                .iter()
                .map(|name| outcomes(node, name))
                .collect(),
            watch_restarts: counter(&COORDINATOR_WATCH_RESTARTS_TOTAL, &[node]),
            view_age: gauge(&VIEW_AGE_SECONDS, &[node]),
        };
        metrics.clear();
        metrics
    }

    /// The node knows nothing of its cluster, and has no part in it.
    pub fn clear(&self) {
        self.follows();
        let Self { unreadable, shards_owned, map_epoch, window_left, view_age, .. } = self;
        for gauge in [unreadable, shards_owned, map_epoch, window_left, view_age] {
            gauge.set(0.0);
        }
    }

    /// The node leads, and sees this.
    pub fn leads(&self, summary: &ClusterSummary) {
        self.leader.set(1.0);
        self.set_summary(summary);
    }

    /// The node does not lead.
    pub fn follows(&self) {
        self.leader.set(0.0);
        self.set_summary(&ClusterSummary::default());
    }

    fn set_summary(&self, summary: &ClusterSummary) {
        for (gauge, count) in self.members.iter().zip(summary.members) {
            gauge.set(count as f64);
        }
        self.shards_in_handoff.set(summary.shards_in_handoff as f64);
    }

    /// Counts that the node became the leader.
    pub fn became_leader(&self) {
        self.leader_changes.increment(1);
    }

    /// So many values below the prefix cannot be read.
    pub fn unreadable_records(&self, count: usize) {
        self.unreadable.set(count as f64);
    }

    /// The node serves so many shards.
    pub fn shards_owned(&self, count: usize) {
        self.shards_owned.set(count as f64);
    }

    /// Counts a map that the node wrote.
    pub fn map_changed(&self) {
        self.map_changes.increment(1);
    }

    /// Counts shards that the node gave to another owner.
    pub fn shards_moved(&self, reason: ShardMoveReason, count: u64) {
        self.shard_moves[reason as usize].increment(count);
    }

    /// A shard was served this long after the node learned that it is its own.
    pub fn handed_over(&self, after: Duration) {
        self.handoff.record(after);
    }

    /// The node knows the map of this epoch.
    pub fn map_epoch(&self, epoch: u64) {
        self.map_epoch.set(epoch as f64);
    }

    /// What is left of the window, and how old the view is.
    pub fn times(&self, window_left: Duration, view_age: Duration) {
        self.window_left.set(window_left.as_secs_f64());
        self.view_age.set(view_age.as_secs_f64());
    }

    /// Counts a renewal.
    pub fn renewed(&self, outcome: RenewalOutcome) {
        self.renewals[outcome as usize].increment(1);
    }

    /// Counts a watch that began anew.
    pub fn watch_restarted(&self) {
        self.watch_restarts.increment(1);
    }

    /// Begins an operation; it is counted when it ends.
    pub fn begin(&self, operation: CoordinatorOperation) -> OperationGuard<'_> {
        OperationGuard {
            outcomes: &self.operations[operation as usize],
            since: Instant::now(),
            outcome: CoordinatorOutcome::TimedOut,
        }
    }
}

fn outcomes(node: &str, operation: &str) -> Vec<(Counter, Histogram)> {
    let outcomes = CoordinatorOutcome::VALUES.iter().map(|outcome| {
        let labels = [node, operation, outcome];
        let count = counter(&COORDINATOR_OPERATIONS_TOTAL, &labels);
        (count, histogram(&COORDINATOR_OPERATION_SECONDS, &labels))
    });
    outcomes.collect()
}

impl Drop for ClusterMetrics {
    fn drop(&mut self) {
        self.clear();
    }
}

// === impl OperationGuard ===

impl OperationGuard<'_> {
    /// The operation ended so.
    pub fn finish(mut self, outcome: CoordinatorOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for OperationGuard<'_> {
    fn drop(&mut self) {
        let (count, seconds) = &self.outcomes[self.outcome as usize];
        count.increment(1);
        seconds.record(self.since.elapsed());
    }
}
