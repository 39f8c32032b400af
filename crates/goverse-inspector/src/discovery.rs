//! Prometheus' HTTP service discovery: which nodes there are to scrape.
//!
//! The format: <https://prometheus.io/docs/prometheus/latest/http_sd/>.

use goverse_core::NodeAddress;
use serde::Serialize;

use crate::snapshot::Snapshot;

/// One node to scrape.
#[derive(Debug, Serialize)]
pub(crate) struct TargetGroup<'a> {
    targets: [&'a NodeAddress; 1],
    labels: TargetLabels<'a>,
}

/// Labels for relabelling alone. A label `node` would be in the way: the node's own series carry it.
#[derive(Debug, Serialize)]
struct TargetLabels<'a> {
    #[serde(rename = "__meta_goverse_node", skip_serializing_if = "Option::is_none")]
    node: Option<&'a NodeAddress>,
}

/// Every node of the configuration; also those that are down, so that Prometheus shows `up == 0`.
pub(crate) fn target_groups(snapshot: &Snapshot) -> Vec<TargetGroup<'_>> {
    let group =
        |(operations, node)| TargetGroup { targets: [operations], labels: TargetLabels { node } };
    snapshot.nodes.iter().map(|node| (&node.operations, node.state.node())).map(group).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::target_groups;
    use crate::snapshot::Snapshot;
    use crate::snapshot::tests::snapshot;

    #[test]
    fn every_node_is_a_target() {
        let json = serde_json::to_string_pretty(&target_groups(&snapshot())).unwrap();
        expect![[r#"
            [
              {
                "targets": [
                  "n1:9090"
                ],
                "labels": {
                  "__meta_goverse_node": "n1:47000"
                }
              },
              {
                "targets": [
                  "n2:9090"
                ],
                "labels": {
                  "__meta_goverse_node": "n2:47000"
                }
              },
              {
                "targets": [
                  "n3:9090"
                ],
                "labels": {
                  "__meta_goverse_node": "n3:47000"
                }
              },
              {
                "targets": [
                  "n4:9090"
                ],
                "labels": {}
              },
              {
                "targets": [
                  "10.0.0.1:9090"
                ],
                "labels": {
                  "__meta_goverse_node": "n1:47000"
                }
              }
            ]"#]]
        .assert_eq(&json);
    }

    #[test]
    fn without_nodes_the_list_is_empty() {
        let empty = Snapshot { nodes: Vec::new(), ..snapshot() };
        assert_eq!(serde_json::to_string(&target_groups(&empty)).unwrap(), "[]");
    }
}
