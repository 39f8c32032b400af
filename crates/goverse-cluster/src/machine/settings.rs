//! What a machine is told before it begins, and the times that follow from it.

use std::time::Duration;

use goverse_core::{NodeAddress, ShardCount};

use crate::mutant::Rules;
use crate::records::NodeFacts;

/// What a machine is told before it begins.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The node's address.
    pub address: NodeAddress,
    /// How many shards the cluster has; refused if it has another number.
    pub shards: ShardCount,
    /// How long a lease is asked to live; at least 3 s. By default 10 s.
    pub ttl: Duration,
    /// How long a shard may take to be released. By default 30 s.
    pub turn_limit: Duration,
    /// How long a drain may take. By default 5 minutes.
    pub drain_limit: Duration,
    /// How long a member must have been active before the leader gives it shards of living owners. By default 5 s.
    pub settling: Duration,
    /// With fewer members, the leader writes nothing. By default 1.
    pub min_quorum: usize,
    /// How many shards may be in handoff at once, for each node. By default 512.
    pub handoff_max: usize,
    /// What the node tells of itself.
    pub facts: NodeFacts,
    /// All of them, in every program.
    pub(crate) rules: Rules,
}

/// How long a holder that vanished without acknowledging is waited for.
pub(crate) const GRACE: Duration = Duration::from_millis(250);

/// The shortest lease.
const TTL_MIN: Duration = Duration::from_secs(3);
const MARGIN_MIN: Duration = Duration::from_millis(500);
const TICK_MAX: Duration = Duration::from_millis(100);

// === impl Settings ===

impl Settings {
    /// The defaults, for a node with this address.
    pub fn new(address: NodeAddress) -> Self {
        Self {
            address,
            shards: ShardCount::default(),
            ttl: Duration::from_secs(10),
            turn_limit: Duration::from_secs(30),
            drain_limit: Duration::from_secs(300),
            settling: Duration::from_secs(5),
            min_quorum: 1,
            handoff_max: 512,
            facts: NodeFacts::default(),
            rules: Rules::default(),
        }
    }

    /// How long a lease is asked to live: what was set, but not below 3 s.
    pub fn ttl(&self) -> Duration {
        self.ttl.max(TTL_MIN)
    }

    /// How often a lease is renewed, and how long any answer of the coordinator is waited for.
    pub fn period(&self) -> Duration {
        self.ttl() / 5
    }

    /// How long may pass between two events.
    pub fn tick(&self) -> Duration {
        (self.period() / 4).min(TICK_MAX)
    }
}

/// What a window keeps away from the end of its lease: clocks that run up to 5 % apart, and rounding.
pub(crate) fn margin(ttl: Duration) -> Duration {
    (ttl / 10).max(MARGIN_MIN)
}
