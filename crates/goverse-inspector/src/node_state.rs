//! What is known of one node: its last answer, or since when and why there is none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goverse_core::NodeAddress;

use crate::exposition::NodeFamily;

/// What a node said when it was asked.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its advertise address.
    pub(crate) node: NodeAddress,
    pub(crate) ready: bool,
    pub(crate) objects: u64,
    pub(crate) objects_by_type: BTreeMap<String, u64>,
    pub(crate) families: Vec<NodeFamily>,
}

/// Whether a node answers. Each attempt to ask it makes the next state.
#[derive(Clone, Debug)]
pub(crate) enum NodeState {
    Up(Up),
    Down(Down),
}

/// The node has answered.
#[derive(Clone, Debug)]
pub(crate) struct Up {
    pub(crate) answer: Arc<Answer>,
    pub(crate) at: Instant,
}

/// The node does not answer, or not so that it can be understood.
#[derive(Clone, Debug)]
pub(crate) struct Down {
    pub(crate) reason: String,
    pub(crate) since: Instant,
    pub(crate) last_seen: Option<LastSeen>,
}

/// Who answered last, and when.
#[derive(Clone, Debug)]
pub(crate) struct LastSeen {
    pub(crate) node: NodeAddress,
    pub(crate) at: Instant,
}

// === impl NodeState ===

impl NodeState {
    /// The node was not asked yet.
    pub(crate) fn unasked(now: Instant) -> Self {
        let reason = "has not answered yet".to_owned();
        Self::Down(Down { reason, since: now, last_seen: None })
    }

    /// The state after an attempt that ended at `now`, whose failure is told by its reason.
    pub(crate) fn after(&self, attempt: Result<Answer, String>, now: Instant) -> Self {
        match attempt {
            Ok(answer) => Self::Up(Up { answer: Arc::new(answer), at: now }),
            Err(reason) => Self::Down(match self {
                Self::Up(up) => up.ends(reason, now),
                Self::Down(down) => Down { reason, ..down.clone() },
            }),
        }
    }

    /// The state at `now`, when no attempt has ended since: an answer of the age `stale_after` holds no longer.
    pub(crate) fn at(&self, now: Instant, stale_after: Duration) -> Self {
        match self {
            Self::Up(up) if now.saturating_duration_since(up.at) >= stale_after => {
                let reason = format!("has not answered for {stale_after:?}");
                Self::Down(up.ends(reason, up.at + stale_after))
            }
            state => state.clone(),
        }
    }

    /// The advertise address, once it is known.
    pub(crate) fn node(&self) -> Option<&NodeAddress> {
        match self {
            Self::Up(up) => Some(&up.answer.node),
            Self::Down(down) => down.last_seen.as_ref().map(|seen| &seen.node),
        }
    }
}

// === impl Up ===

impl Up {
    pub(crate) fn ends(&self, reason: String, since: Instant) -> Down {
        let last_seen = LastSeen { node: self.answer.node.clone(), at: self.at };
        Down { reason, since, last_seen: Some(last_seen) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::{Duration, Instant};

    use super::{Answer, NodeState};
    use crate::exposition::{NodeFamily, parse};

    /// The answer of the node `node` that has `objects` of each type and serves `page`.
    pub(crate) fn answer(node: &str, objects: &[(&str, u64)], page: &str) -> Answer {
        let node = node.parse().unwrap();
        let families = NodeFamily::select(&parse(page).unwrap(), &node).unwrap();
        Answer {
            ready: true,
            objects: objects.iter().map(|(_, count)| count).sum(),
            objects_by_type: objects.iter().map(|&(name, n)| (name.to_owned(), n)).collect(),
            node,
            families,
        }
    }

    /// Plays attempts (second, failure if any) and shows the state at a second.
    fn check(attempts: &[(u64, Option<&str>)], at: u64, expected: &str) {
        let start = Instant::now();
        let second = |second| start + Duration::from_secs(second);
        let mut state = NodeState::unasked(start);
        for &(when, failure) in attempts {
            let attempt =
                failure.map_or_else(|| Ok(answer("n1:1", &[], "")), |f| Err(f.to_owned()));
            state = state.after(attempt, second(when));
        }
        let shown = match state.at(second(at), Duration::from_secs(6)) {
            NodeState::Up(up) => format!("up, seen at {:?}", up.at - start),
            NodeState::Down(down) => {
                let seen = down.last_seen.map(|seen| seen.at - start);
                format!("down since {:?}: {}; seen at {seen:?}", down.since - start, down.reason)
            }
        };
        assert_eq!(shown, expected, "{attempts:?} at {at}");
    }

    #[test]
    fn attempts_and_age_decide_whether_a_node_is_up() {
        check(&[], 1, "down since 0ns: has not answered yet; seen at None");
        check(&[(2, None)], 3, "up, seen at 2s");
        check(&[(2, None), (4, None)], 9, "up, seen at 4s");
        check(&[(2, None)], 8, "down since 8s: has not answered for 6s; seen at Some(2s)");
        check(&[(2, Some("x"))], 3, "down since 0ns: x; seen at None");
        check(&[(2, None), (4, Some("x"))], 5, "down since 4s: x; seen at Some(2s)");
        check(
            &[(2, None), (4, Some("x")), (6, Some("y"))],
            7,
            "down since 4s: y; seen at Some(2s)",
        );
        check(&[(2, Some("x")), (4, None)], 5, "up, seen at 4s");
    }
}
