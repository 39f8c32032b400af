//! What a simulated cluster goes through: made from a seed, shrunk when it fails, and printed.

use std::fmt;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// A cluster, and what befalls it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it was made from, and what every delay of its run comes from.
    pub seed: u64,
    /// How many nodes begin.
    pub nodes: usize,
    /// How many shards there are.
    pub shards: u32,
    /// The time to live of leases.
    pub ttl_ms: u64,
    /// How many percent each node's clocks run too fast, in thousandths.
    pub drift: Vec<i64>,
    /// Whether clocks run beyond the margin, or the coordinator forgets: then the store's fence alone is relied on.
    pub is_beyond: bool,
    /// How many members the leader wants before it writes.
    pub min_quorum: usize,
    /// How many calls come from clients in a second.
    pub calls_per_s: u64,
    /// When failures stop.
    pub quiet_ms: u64,
    /// What befalls it, by time.
    pub faults: Vec<Fault>,
}

/// Something that befalls a cluster, or an operator's wish.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// When.
    pub at_ms: u64,
    /// What.
    pub kind: FaultKind,
}

/// What befalls a cluster. Nodes are numbered from 0, in the order of their addresses.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is told by its `Display`")]
pub enum FaultKind {
    Pause { node: usize, ms: u64 },
    Suspend { node: usize, ms: u64 },
    Crash { node: usize },
    Start { node: usize },
    Twin { node: usize },
    Cut { node: usize, ms: u64 },
    LoseReplies { node: usize, ms: u64 },
    Slow { node: usize, ms: u64, delay_ms: u64 },
    SlowReplies { node: usize, ms: u64, delay_ms: u64 },
    Outage { ms: u64 },
    Wipe,
    Spoil,
    Delete,
    Compact,
    BreakWatch { node: usize },
    StallWatch { node: usize },
    Lag { node: usize, what: Lagging, ms: u64 },
    SlowStore { ms: u64, delay_ms: u64 },
    Drain { node: usize },
    Move { shard: u32, node: usize },
    Pin { shard: u32, node: usize },
    SlowTurn { shard: u32, ms: u64 },
}

/// Which events of a watch are late. A watch of the whole prefix is as late as the latest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are the keys")]
pub enum Lagging {
    Members,
    Assignment,
}

/// How far clocks may run apart within the margin, in thousandths of a percent.
pub(super) const DRIFT_MAX: i64 = 4_800;

// === impl Plan ===

impl Plan {
    /// A calm cluster, to put faults into.
    pub fn calm(seed: u64, nodes: usize, shards: u32) -> Self {
        Self {
            seed,
            nodes,
            shards,
            ttl_ms: 3_000,
            drift: vec![0; nodes],
            is_beyond: false,
            min_quorum: 1,
            calls_per_s: 20,
            quiet_ms: 20_000,
            faults: Vec::new(),
        }
    }

    /// The same with one more fault.
    #[must_use]
    pub fn with(mut self, at_ms: u64, kind: FaultKind) -> Self {
        self.faults.push(Fault { at_ms, kind });
        self.faults.sort_by_key(|fault| fault.at_ms);
        self
    }

    /// The plan of a seed.
    pub fn random(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed ^ 0x9e37_79b9_7f4a_7c15);
        let nodes = random.random_range(2..=5);
        let shards = random.random_range(3..=8);
        let mut plan = Self::calm(seed, nodes, shards);
        plan.ttl_ms = random.random_range(3_000..8_000);
        plan.calls_per_s = random.random_range(10..40);
        plan.quiet_ms = 30_000;
        plan.is_beyond = random.random_ratio(1, 8);
        plan.min_quorum = if random.random_ratio(1, 8) { 2 } else { 1 };
        let drift = |random: &mut SmallRng| random.random_range(-DRIFT_MAX..=DRIFT_MAX);
        plan.drift = (0..nodes).map(|_| drift(&mut random)).collect();
        let forgets = plan.is_beyond && random.random();
        if forgets {
            // Epochs rise over a coordinator that forgets, by wall clocks that are right.
            plan.drift.fill(0);
        } else if plan.is_beyond {
            let node = random.random_range(0..nodes);
            plan.drift[node] = [-30_000, -50_000, 30_000][random.random_range(0..3)];
        }
        for _ in 0..random.random_range(4..=24) {
            plan.befall(&mut random, forgets);
        }
        plan.faults.sort_by_key(|fault| fault.at_ms);
        plan
    }

    fn befall(&mut self, random: &mut SmallRng, forgets: bool) {
        let at_ms = random.random_range(500..self.quiet_ms - 2_000);
        let node = random.random_range(0..self.nodes);
        let shard = random.random_range(0..self.shards);
        let ms = random.random_range(100..3 * self.ttl_ms);
        let delay_ms = random.random_range(100..2 * self.ttl_ms);
        let kind = match random.random_range(0..41) {
            0..2 if self.is_beyond => FaultKind::Suspend { node, ms },
            0..4 => FaultKind::Pause { node, ms },
            4..6 => FaultKind::Crash { node },
            6..9 => FaultKind::Start { node },
            9..11 => {
                self.push(at_ms.saturating_sub(100), FaultKind::Cut { node, ms });
                FaultKind::Twin { node }
            }
            11..14 => FaultKind::Cut { node, ms },
            14..16 => FaultKind::LoseReplies { node, ms },
            16..18 => FaultKind::Slow { node, ms, delay_ms },
            18..20 => FaultKind::SlowReplies { node, ms, delay_ms },
            20 => FaultKind::Outage { ms },
            21 if forgets => FaultKind::Wipe,
            21..23 => FaultKind::Compact,
            23..25 => FaultKind::BreakWatch { node },
            25 => FaultKind::Lag { node, what: Lagging::Members, ms },
            26 => FaultKind::Lag { node, what: Lagging::Assignment, ms },
            27..29 => FaultKind::SlowStore { ms, delay_ms },
            29..31 => FaultKind::Drain { node },
            31..34 => FaultKind::Move { shard, node },
            34..36 => FaultKind::Pin { shard, node },
            // A leader that knows of no map goes by its wall clock, which is then to be right.
            36 if forgets || !self.is_beyond => FaultKind::Spoil,
            37 if forgets || !self.is_beyond => FaultKind::Delete,
            38 => FaultKind::StallWatch { node },
            _ => FaultKind::SlowTurn { shard, ms },
        };
        if matches!(kind, FaultKind::Crash { .. } | FaultKind::Drain { .. }) && random.random() {
            self.push(at_ms + random.random_range(50..5_000), FaultKind::Start { node });
        }
        self.push(at_ms, kind);
    }

    fn push(&mut self, at_ms: u64, kind: FaultKind) {
        self.faults.push(Fault { at_ms, kind });
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, nodes, shards, ttl_ms, drift, min_quorum, calls_per_s, .. } = self;
        writeln!(f, "seed {seed}: {nodes} nodes, {shards} shards, leases of {ttl_ms} ms,")?;
        writeln!(f, "clocks off by {drift:?} thousandths of a percent, {calls_per_s} calls/s,")?;
        let beyond = if self.is_beyond { "; beyond what is promised of clocks" } else { "" };
        writeln!(f, "quorum {min_quorum}, failures stop at {} ms{beyond}", self.quiet_ms)?;
        self.faults.iter().try_for_each(|fault| writeln!(f, "  {fault}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} ms  {}", self.at_ms, self.kind)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pause { node, ms } => write!(f, "node {node} is paused for {ms} ms"),
            Self::Suspend { node, ms } => {
                write!(f, "node {node} is suspended for {ms} ms, which its boot clock misses")
            }
            Self::Crash { node } => write!(f, "node {node} crashes"),
            Self::Start { node } => write!(f, "node {node} is started, unless it runs"),
            Self::Twin { node } => write!(f, "node {node} is started, although it runs"),
            Self::Cut { node, ms } => write!(f, "node {node} is cut off for {ms} ms"),
            Self::LoseReplies { node, ms } => {
                write!(f, "replies to node {node} are lost for {ms} ms")
            }
            Self::Slow { node, ms, delay_ms } => {
                write!(f, "requests of node {node} take up to {delay_ms} ms for {ms} ms")
            }
            Self::SlowReplies { node, ms, delay_ms } => {
                write!(f, "replies to node {node} take up to {delay_ms} ms for {ms} ms")
            }
            Self::Outage { ms } => write!(f, "the coordinator is gone for {ms} ms"),
            Self::Wipe => write!(f, "the coordinator forgets everything"),
            Self::Spoil => write!(f, "somebody puts nonsense in the place of the assignment"),
            Self::Delete => write!(f, "somebody deletes the assignment"),
            Self::Compact => write!(f, "the coordinator compacts its history"),
            Self::BreakWatch { node } => write!(f, "the watch of node {node} breaks"),
            Self::StallWatch { node } => {
                write!(f, "the watch of node {node} says nothing any more")
            }
            Self::Lag { node, what, ms } => {
                write!(f, "node {node} hears of {what:?} late for {ms} ms")
            }
            Self::SlowStore { ms, delay_ms } => {
                write!(f, "the store takes up to {delay_ms} ms for {ms} ms")
            }
            Self::Drain { node } => write!(f, "node {node} is to drain"),
            Self::Move { shard, node } => write!(f, "shard {shard} is to move to node {node}"),
            Self::Pin { shard, node } => write!(f, "shard {shard} is pinned to node {node}"),
            Self::SlowTurn { shard, ms } => write!(f, "a turn of {ms} ms begins in shard {shard}"),
        }
    }
}
