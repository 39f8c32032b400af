//! What a node reports of its cluster.

use goverse_metrics::{
    ClusterMetrics, ClusterSummary, CoordinatorOperation, CoordinatorOutcome, RenewalOutcome,
    ShardMoveReason,
};
use metrics_util::debugging::DebuggingRecorder;

use crate::guards::nonzero;

/// Makes the handles under a recorder of its own, runs `act`, and compares what is not 0.
fn check(act: impl FnOnce(&ClusterMetrics), expected: &[(&str, f64)]) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let metrics = metrics::with_local_recorder(&recorder, || ClusterMetrics::new("n1"));
    act(&metrics);
    let expected = expected.iter().map(|(series, value)| ((*series).to_owned(), *value)).collect();
    assert_eq!(nonzero(&snapshotter), expected);
    drop(metrics);
    let left = nonzero(&snapshotter);
    let gauges = ["members", "leader", "shards_owned", "in_handoff", "epoch", "left", "age"];
    let gauge = left.keys().find(|series| gauges.iter().any(|gauge| series.ends_with(gauge)));
    assert_eq!(gauge, None, "a node that is no member reports {left:?}");
}

#[test]
fn only_the_leader_tells_of_the_whole_cluster() {
    let summary = ClusterSummary { members: [1, 4, 2], shards_in_handoff: 7 };
    check(
        |metrics| {
            metrics.became_leader();
            metrics.leads(&summary);
        },
        &[
            ("cluster_leader", 1.0),
            ("cluster_leader_changes_total", 1.0),
            ("cluster_members/joining", 1.0),
            ("cluster_members/active", 4.0),
            ("cluster_members/draining", 2.0),
            ("shards_in_handoff", 7.0),
        ],
    );
    check(
        |metrics| {
            metrics.leads(&summary);
            metrics.follows();
        },
        &[],
    );
}

#[test]
fn an_operation_that_is_given_up_counts_as_timed_out() {
    check(
        |metrics| {
            drop(metrics.begin(CoordinatorOperation::Read));
            metrics.begin(CoordinatorOperation::Transact).finish(CoordinatorOutcome::Refused);
        },
        &[
            ("coordinator_operations_total/read/timed_out", 1.0),
            ("coordinator_operation_seconds/read/timed_out", 1.0),
            ("coordinator_operations_total/transact/refused", 1.0),
            ("coordinator_operation_seconds/transact/refused", 1.0),
        ],
    );
}

#[test]
fn what_happens_is_counted_by_why() {
    check(
        |metrics| {
            metrics.renewed(RenewalOutcome::Gone);
            metrics.shards_moved(ShardMoveReason::Failover, 12);
            metrics.map_changed();
            metrics.watch_restarted();
        },
        &[
            ("lease_renewals_total/gone", 1.0),
            ("shard_moves_total/failover", 12.0),
            ("shard_map_changes_total", 1.0),
            ("coordinator_watch_restarts_total", 1.0),
        ],
    );
}
