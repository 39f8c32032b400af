//! What is shown of a cluster: the JSON of `/api/nodes`, and what the page is made of.

use std::collections::BTreeMap;
use std::time::Instant;

use goverse_core::NodeAddress;
use serde::Serialize;

use crate::node_state::{Down, NodeState, Up};
use crate::snapshot::{NodeSnapshot, Snapshot};

/// What is shown of a cluster.
#[derive(Debug, Serialize)]
pub(crate) struct ClusterView {
    /// Nodes that answer.
    pub(crate) up: usize,
    /// Objects on the nodes that answer.
    pub(crate) objects: u64,
    /// Those objects by type.
    pub(crate) types: BTreeMap<String, u64>,
    /// In the order of the configuration.
    pub(crate) nodes: Vec<NodeView>,
}

/// What is shown of a node.
#[derive(Debug, Serialize)]
pub(crate) struct NodeView {
    /// Where it is asked.
    pub(crate) operations: NodeAddress,
    /// Its advertise address, once it is known.
    pub(crate) node: Option<NodeAddress>,
    pub(crate) state: Standing,
    /// Why it is down.
    pub(crate) reason: Option<String>,
    /// For how long it is down.
    pub(crate) down_seconds: Option<f64>,
    /// The age of its last answer.
    pub(crate) last_seen_seconds: Option<f64>,
    /// Objects on it, if it answers.
    pub(crate) objects: Option<u64>,
    /// Those objects by type.
    pub(crate) types: BTreeMap<String, u64>,
}

/// How a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// It answers, and takes objects.
    Ready,
    /// It answers, and takes no objects: it starts or shuts down.
    NotReady,
    /// It does not answer, or not so that it can be understood.
    Down,
}

// === impl ClusterView ===

impl ClusterView {
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let mut view = Self { up: 0, objects: 0, types: BTreeMap::new(), nodes: Vec::new() };
        for node in &snapshot.nodes {
            view.push(NodeView::new(node, snapshot.at));
        }
        view
    }

    /// What nodes say is not trusted to be small, so sums stop at the largest number.
    fn push(&mut self, node: NodeView) {
        if node.state != Standing::Down {
            self.up += 1;
        }
        self.objects = self.objects.saturating_add(node.objects.unwrap_or(0));
        for (name, count) in &node.types {
            let sum = self.types.entry(name.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        self.nodes.push(node);
    }
}

// === impl NodeView ===

impl NodeView {
    fn new(node: &NodeSnapshot, now: Instant) -> Self {
        let operations = node.operations.clone();
        match &node.state {
            NodeState::Up(up) => Self::of_up(operations, up, now),
            NodeState::Down(down) => Self::of_down(operations, down, now),
        }
    }

    fn of_up(operations: NodeAddress, up: &Up, now: Instant) -> Self {
        Self {
            operations,
            node: Some(up.answer.node.clone()),
            state: if up.answer.ready { Standing::Ready } else { Standing::NotReady },
            reason: None,
            down_seconds: None,
            last_seen_seconds: Some(seconds_between(up.at, now)),
            objects: Some(up.answer.objects),
            types: up.answer.objects_by_type.clone(),
        }
    }

    fn of_down(operations: NodeAddress, down: &Down, now: Instant) -> Self {
        let seen = down.last_seen.as_ref();
        Self {
            operations,
            node: seen.map(|seen| seen.node.clone()),
            state: Standing::Down,
            reason: Some(down.reason.clone()),
            down_seconds: Some(seconds_between(down.since, now)),
            last_seen_seconds: seen.map(|seen| seconds_between(seen.at, now)),
            objects: None,
            types: BTreeMap::new(),
        }
    }
}

/// In whole milliseconds, which read better than nanoseconds.
fn seconds_between(start: Instant, end: Instant) -> f64 {
    end.saturating_duration_since(start).as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::ClusterView;
    use crate::snapshot::tests::snapshot;

    #[test]
    fn up_nodes_count_and_down_nodes_say_why() {
        let json = serde_json::to_string_pretty(&ClusterView::new(&snapshot())).unwrap();
        expect![[r#"
            {
              "up": 2,
              "objects": 16,
              "types": {
                "<Room>": 1,
                "ChatClient": 10,
                "ChatRoom": 5
              },
              "nodes": [
                {
                  "operations": "n1:9090",
                  "node": "n1:47000",
                  "state": "ready",
                  "reason": null,
                  "down_seconds": null,
                  "last_seen_seconds": 1.5,
                  "objects": 12,
                  "types": {
                    "ChatClient": 10,
                    "ChatRoom": 2
                  }
                },
                {
                  "operations": "n2:9090",
                  "node": "n2:47000",
                  "state": "not_ready",
                  "reason": null,
                  "down_seconds": null,
                  "last_seen_seconds": 0.0,
                  "objects": 4,
                  "types": {
                    "<Room>": 1,
                    "ChatRoom": 3
                  }
                },
                {
                  "operations": "n3:9090",
                  "node": "n3:47000",
                  "state": "down",
                  "reason": "cannot be reached: Connection refused (os error 111)",
                  "down_seconds": 65.0,
                  "last_seen_seconds": 90.0,
                  "objects": null,
                  "types": {}
                },
                {
                  "operations": "n4:9090",
                  "node": null,
                  "state": "down",
                  "reason": "has not answered yet",
                  "down_seconds": 90.0,
                  "last_seen_seconds": null,
                  "objects": null,
                  "types": {}
                },
                {
                  "operations": "10.0.0.1:9090",
                  "node": "n1:47000",
                  "state": "down",
                  "reason": "is the same node as n1:9090; give each node once",
                  "down_seconds": 0.0,
                  "last_seen_seconds": 0.0,
                  "objects": null,
                  "types": {}
                }
              ]
            }"#]]
        .assert_eq(&json);
    }
}
