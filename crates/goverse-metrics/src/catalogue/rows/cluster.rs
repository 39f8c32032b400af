//! Rows of the cluster: members, shards and how they move, the leader, and the coordinator.
//!
//! What is true of the whole cluster has one source, the leader; the others report 0, so sums are right.

use super::NODE;
use crate::catalogue::{Kind, Label, Metric, Moves, Stability, Unit, Values};
use crate::vocabulary::{
    CoordinatorOperation, CoordinatorOutcome, MemberState, RenewalOutcome, ShardMoveReason,
};

const OPERATION: Label =
    Label { name: "operation", values: Values::Closed(CoordinatorOperation::VALUES) };
const OUTCOME: Label =
    Label { name: "outcome", values: Values::Closed(CoordinatorOutcome::VALUES) };

/// Few, for there is one histogram for each operation and outcome: in this process, near by, slow, too slow.
const OPERATION_BUCKETS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0];

/// From a few round trips to a turn limit and more.
const HANDOFF_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// The metrics that only a node of a cluster has.
pub const OF_CLUSTERS: &[&Metric] = &[
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
];

/// Members of the cluster, from the leader alone.
pub const CLUSTER_MEMBERS: Metric = Metric {
    name: "goverse_cluster_members",
    kind: Kind::Gauge(Moves::BySet),
    help: "Members of the cluster by state, as the leader sees them; 0 on all other nodes",
    unit: Unit::Count,
    labels: &[NODE, Label { name: "state", values: Values::Closed(MemberState::VALUES) }],
    series_cap: 6_000,
    stability: Stability::Experimental,
    essential: true,
    usage: "`sum by (state) (goverse_cluster_members)`. Fewer `active` than nodes are running: some have not joined, or lost their membership",
};

/// Who leads.
pub const CLUSTER_LEADER: Metric = Metric {
    name: "goverse_cluster_leader",
    kind: Kind::Gauge(Moves::BySet),
    help: "Whether the node leads the cluster: 1 on the leader, 0 on all others",
    unit: Unit::Flag,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: true,
    usage: "`goverse_cluster_leader == 1` names the leader. `sum(goverse_cluster_leader) == 0` for long: no shard moves, and those of dead nodes stay where they were",
};

/// Times that a node became the leader.
pub const CLUSTER_LEADER_CHANGES_TOTAL: Metric = Metric {
    name: "goverse_cluster_leader_changes_total",
    kind: Kind::Counter,
    help: "Times that the node became the leader",
    unit: Unit::Count,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: false,
    usage: "`sum(increase(goverse_cluster_leader_changes_total[1h]))`: more than restarts explain means that leaders lose their leases",
};

/// Values that nobody understands.
pub const CLUSTER_UNREADABLE_RECORDS: Metric = Metric {
    name: "goverse_cluster_unreadable_records",
    kind: Kind::Gauge(Moves::BySet),
    help: "Values below the cluster's prefix that the node cannot read: put by hand, or by a later version",
    unit: Unit::Count,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: false,
    usage: "Must be 0; the node's log names the keys. A member whose record cannot be read keeps what it has",
};

/// Shards that a node may serve.
pub const SHARDS_OWNED: Metric = Metric {
    name: "goverse_shards_owned",
    kind: Kind::Gauge(Moves::BySet),
    help: "Shards that the node owns and serves",
    unit: Unit::Count,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: true,
    usage: "`sum(goverse_shards_owned)` is the number of shards while none is in handoff; it is never more. `by (node)` it shows the balance",
};

/// Shards on their way from one node to another, from the leader alone.
pub const SHARDS_IN_HANDOFF: Metric = Metric {
    name: "goverse_shards_in_handoff",
    kind: Kind::Gauge(Moves::BySet),
    help: "Shards that a former owner may still act for, as the leader sees them; 0 on all other nodes",
    unit: Unit::Count,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: true,
    usage: "`sum(goverse_shards_in_handoff)` is 0 at rest. Above 0 for minutes: a turn on the former owner does not end, or that node does not answer",
};

/// Shards that were given to another node.
pub const SHARD_MOVES_TOTAL: Metric = Metric {
    name: "goverse_shard_moves_total",
    kind: Kind::Counter,
    help: "Shards that the node, as the leader, has given to another owner, by reason",
    unit: Unit::Count,
    labels: &[NODE, Label { name: "reason", values: Values::Closed(ShardMoveReason::VALUES) }],
    series_cap: 10_000,
    stability: Stability::Experimental,
    essential: true,
    usage: "`sum by (reason) (increase(goverse_shard_moves_total[10m]))`. `failover`: the owner was gone; `drain`: it is leaving; `balance`: members came or went; `intent`: an operator asked; `first`: it had no owner",
};

/// How long a shard was on its way.
pub const SHARD_HANDOFF_SECONDS: Metric = Metric {
    name: "goverse_shard_handoff_seconds",
    kind: Kind::Histogram { buckets: HANDOFF_BUCKETS },
    help: "Time from when the node learned that a shard is its own until it served it",
    unit: Unit::Seconds,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: false,
    usage: "`histogram_quantile(0.99, sum by (le) (rate(goverse_shard_handoff_seconds_bucket[5m])))`: calls to a shard wait as long as this when it moves",
};

/// Which map a node knows.
pub const SHARD_MAP_EPOCH: Metric = Metric {
    name: "goverse_shard_map_epoch",
    kind: Kind::Gauge(Moves::BySet),
    help: "Epoch of the shard map that the node knows; it rises with every change, in milliseconds since 1970 or just above the one before",
    unit: Unit::Count,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: false,
    usage: "`max(goverse_shard_map_epoch) - goverse_shard_map_epoch` above 0 for long: that node does not learn of changes",
};

/// Maps that were written.
pub const SHARD_MAP_CHANGES_TOTAL: Metric = Metric {
    name: "goverse_shard_map_changes_total",
    kind: Kind::Counter,
    help: "Shard maps that the node has written as the leader",
    unit: Unit::Count,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: false,
    usage: "`sum(rate(goverse_shard_map_changes_total[5m]))`: 0 at rest; each costs the coordinator one write of the whole map",
};

/// How long a node may still act.
pub const WINDOW_LEFT_SECONDS: Metric = Metric {
    name: "goverse_window_left_seconds",
    kind: Kind::Gauge(Moves::BySet),
    help: "Time for which the node may act without renewing its lease; 0 when it may not",
    unit: Unit::Seconds,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: true,
    usage: "With a ttl of 10 s it is 7 to 9 s. Falling below means that renewals fail; at 0 the node starts no turn",
};

/// Renewals of the lease.
pub const LEASE_RENEWALS_TOTAL: Metric = Metric {
    name: "goverse_lease_renewals_total",
    kind: Kind::Counter,
    help: "Renewals of the node's lease, by outcome",
    unit: Unit::Count,
    labels: &[NODE, Label { name: "outcome", values: Values::Closed(RenewalOutcome::VALUES) }],
    series_cap: 6_000,
    stability: Stability::Experimental,
    essential: true,
    usage: "`failed`: no answer in time, the next endpoint is tried; `gone`: the lease had ended, so the node lost its membership and joins anew",
};

/// What was asked of the coordinator.
pub const COORDINATOR_OPERATIONS_TOTAL: Metric = Metric {
    name: "goverse_coordinator_operations_total",
    kind: Kind::Counter,
    help: "Operations at the coordinator, by what was asked and how it ended",
    unit: Unit::Count,
    labels: &[NODE, OPERATION, OUTCOME],
    series_cap: 100_000,
    stability: Stability::Experimental,
    essential: false,
    usage: "`unavailable`, `timed_out`, `unknown`: the coordinator or the way to it; `refused`: a guard did not hold, which is nothing bad; `denied`: user or password; `failed`: the rest, see the log",
};

/// How long the coordinator took.
pub const COORDINATOR_OPERATION_SECONDS: Metric = Metric {
    name: "goverse_coordinator_operation_seconds",
    kind: Kind::Histogram { buckets: OPERATION_BUCKETS },
    help: "Time that operations at the coordinator took, by what was asked and how it ended",
    unit: Unit::Seconds,
    labels: &[NODE, OPERATION, OUTCOME],
    series_cap: 100_000,
    stability: Stability::Experimental,
    essential: false,
    usage: "`histogram_quantile(0.99, sum by (le, operation) (rate(goverse_coordinator_operation_seconds_bucket[5m])))`: near the period of renewal, a fifth of the ttl, windows are in danger",
};

/// Watches that had to begin anew.
pub const COORDINATOR_WATCH_RESTARTS_TOTAL: Metric = Metric {
    name: "goverse_coordinator_watch_restarts_total",
    kind: Kind::Counter,
    help: "Times that the node's watch on the coordinator ended and its content was read again",
    unit: Unit::Count,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: false,
    usage: "Should rise only when the coordinator restarts, compacts far, or the network is cut",
};

/// How old a node's knowledge is.
pub const VIEW_AGE_SECONDS: Metric = Metric {
    name: "goverse_view_age_seconds",
    kind: Kind::Gauge(Moves::BySet),
    help: "Time since the node last made sure that what it knows of the cluster is current",
    unit: Unit::Seconds,
    labels: &[NODE],
    series_cap: 2_000,
    stability: Stability::Experimental,
    essential: true,
    usage: "At most about a fifth of the ttl. Above the ttl the node stops renewing its lease, for it may decide by an old map",
};
