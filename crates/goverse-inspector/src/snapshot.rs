//! The state of all nodes at one moment, from which every page is made.

use std::time::{Duration, Instant};

use goverse_core::NodeAddress;
use goverse_http::Admission;
use tokio::sync::watch;

use crate::exposition::merge;
use crate::node_state::NodeState;

/// The nodes that are watched. What is asked of it, it answers at once from what is known.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<WatchedNode>,
    pub(crate) stale_after: Duration,
    /// The merges of all nodes' pages: one at a time.
    pub(crate) merges: Admission,
}

/// One node, of which a poller publishes the state.
#[derive(Debug)]
pub(crate) struct WatchedNode {
    pub(crate) operations: NodeAddress,
    pub(crate) state: watch::Receiver<NodeState>,
}

/// The state of all nodes at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) at: Instant,
    /// In the order of the configuration.
    pub(crate) nodes: Vec<NodeSnapshot>,
}

/// The state of one node at that moment.
#[derive(Debug)]
pub(crate) struct NodeSnapshot {
    pub(crate) operations: NodeAddress,
    pub(crate) state: NodeState,
}

// === impl Cluster ===

impl Cluster {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let at = Instant::now();
        let nodes = self.nodes.iter().map(|node| {
            let state = node.state.borrow().at(at, self.stale_after);
            NodeSnapshot { operations: node.operations.clone(), state }
        });
        Snapshot::new(at, nodes)
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// A node that is reached by two operations addresses counts once, else its objects and series would be there twice.
    fn new(at: Instant, nodes: impl Iterator<Item = NodeSnapshot>) -> Self {
        let mut snapshot = Self { at, nodes: Vec::new() };
        for mut node in nodes {
            if let NodeState::Up(up) = &node.state
                && let Some(same) = snapshot.find_up(&up.answer.node)
            {
                let reason =
                    format!("is the same node as {}; give each node once", same.operations);
                node.state = NodeState::Down(up.ends(reason, up.at));
            }
            snapshot.nodes.push(node);
        }
        snapshot
    }

    fn find_up(&self, address: &NodeAddress) -> Option<&NodeSnapshot> {
        self.nodes
            .iter()
            .find(|node| matches!(&node.state, NodeState::Up(up) if up.answer.node == *address))
    }

    /// The cluster's `/metrics` page: what the nodes that are up expose of GoVerse.
    pub(crate) fn metrics_page(&self) -> String {
        merge(self.nodes.iter().filter_map(|node| match &node.state {
            NodeState::Up(up) => Some((&up.answer.node, up.answer.families.as_slice())),
            NodeState::Down(_) => None,
        }))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::{Duration, Instant};

    use super::{NodeSnapshot, Snapshot};
    use crate::node_state::NodeState;
    use crate::node_state::tests::answer;

    /// Two nodes that are up, one that was, one that never was, and one that is there twice.
    pub(crate) fn snapshot() -> Snapshot {
        let start = Instant::now();
        let at = start + Duration::from_secs(90);
        let unasked = NodeState::unasked(start);
        let page = "goverse_objects_total{node=\"n1:47000\",type=\"ChatRoom\"} 2\n";
        let first = answer("n1:47000", &[("ChatClient", 10), ("ChatRoom", 2)], page);
        let same = answer("n1:47000", &[("ChatRoom", 2)], page);
        let mut starting = answer("n2:47000", &[("<Room>", 1), ("ChatRoom", 3)], "");
        starting.ready = false;
        let gone = unasked.after(Ok(answer("n3:47000", &[("ChatRoom", 5)], "")), start);
        let gone = gone.after(
            Err("cannot be reached: Connection refused (os error 111)".to_owned()),
            start + Duration::from_secs(25),
        );
        let states = [
            ("n1:9090", unasked.after(Ok(first), at - Duration::from_millis(1500))),
            ("n2:9090", unasked.after(Ok(starting), at)),
            ("n3:9090", gone),
            ("n4:9090", unasked.clone()),
            ("10.0.0.1:9090", unasked.after(Ok(same), at)),
        ];
        let nodes = states.map(|(operations, state)| NodeSnapshot {
            operations: operations.parse().unwrap(),
            state,
        });
        Snapshot::new(at, nodes.into_iter())
    }

    #[test]
    fn a_node_given_by_two_addresses_counts_once() {
        let snapshot = snapshot();
        let NodeState::Down(down) = &snapshot.nodes[4].state else { panic!("{snapshot:?}") };
        assert_eq!(down.reason, "is the same node as n1:9090; give each node once");
        assert_eq!(snapshot.metrics_page().matches("n1:47000").count(), 1);
    }
}
