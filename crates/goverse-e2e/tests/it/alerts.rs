//! The shipped alerts in a real Prometheus.

use goverse_e2e::poll::LATER;
use goverse_e2e::prometheus::{Alert, ShippedConfig};
use goverse_e2e::{Prometheus, poll};

use crate::steady::Steady;

const HIGH_OBJECT_COUNT: &str =
    "        expr: sum by (node) (goverse_objects_total) > 10000\n        for: 5m\n";
const LOW_OBJECT_COUNT: &str =
    "        expr: sum by (node) (goverse_objects_total) > 100\n        for: 1s\n";
const NODE_DOWN: &str = "        expr: up{job=\"goverse\"} == 0\n        for: 1m\n";
const NODE_SOON_DOWN: &str = "        expr: up{job=\"goverse\"} == 0\n        for: 1s\n";

/// The firing alerts of this name.
async fn firing(prometheus: &Prometheus, name: &str) -> Result<Vec<Alert>, String> {
    let mut alerts = prometheus.alerts().await?;
    alerts.retain(|alert| alert.state == "firing" && alert.labels["alertname"] == name);
    Ok(alerts)
}

/// Waits until exactly one alert of this name fires.
async fn until_fires(prometheus: &Prometheus, name: &str) -> Alert {
    poll::until(format!("{name} to fire once"), LATER, async || {
        let alerts = firing(prometheus, name).await?;
        let [alert] = &alerts[..] else { return Err(format!("{:?}", prometheus.alerts().await?)) };
        Ok(alert.clone())
    })
    .await
}

async fn until_resolves(prometheus: &Prometheus, name: &str) {
    poll::until(format!("{name} to resolve"), LATER, async || {
        let alerts = firing(prometheus, name).await?;
        poll::expect(alerts.is_empty(), alerts)
    })
    .await;
}

#[tokio::test]
async fn high_object_count_fires_for_its_node_and_resolves() {
    let mut many = Steady::start("localhost:47000", &["ChatRoom=60", "ChatClient=20"]).await;
    let few = Steady::start("localhost:47001", &["ChatRoom=90"]).await;
    let idle = Steady::start("localhost:47002", &[]).await;
    let operations = [&many, &few, &idle].map(|node| node.operations.as_str());
    let config = ShippedConfig::with_static_targets(&operations);
    let config = config.replace("rules/alerts.yml", HIGH_OBJECT_COUNT, LOW_OBJECT_COUNT);
    let prometheus = Prometheus::start(config).await;

    // It is about the sum of all types, and 80 on one node with 90 on another are not many.
    poll::until("all nodes to be seen", LATER, async || {
        let nodes = prometheus.query("sum by (node) (goverse_objects_total)").await?;
        poll::expect(nodes.len() == 3, nodes)
    })
    .await;
    assert_eq!(firing(&prometheus, "HighObjectCount").await.unwrap(), []);

    many.order("create ChatClient 21").await;
    let alert = until_fires(&prometheus, "HighObjectCount").await;
    assert_eq!(alert.annotations["summary"], "Node localhost:47000 has high object count");
    assert!(alert.annotations["description"].ends_with("now 101."), "{alert:?}");
    assert_eq!(alert.labels["node"], "localhost:47000");
    assert_eq!(alert.labels["severity"], "warning");

    many.order("destroy ChatClient 1").await;
    until_resolves(&prometheus, "HighObjectCount").await;
}

#[tokio::test]
async fn node_down_fires_for_a_node_that_stands_still_and_resolves() {
    let mut paused = Steady::start("localhost:47000", &["ChatRoom=1"]).await;
    let other = Steady::start("localhost:47001", &["ChatRoom=1"]).await;
    let operations = [&paused, &other].map(|node| node.operations.as_str());
    let config = ShippedConfig::with_static_targets(&operations);
    let config = config.replace("rules/alerts.yml", NODE_DOWN, NODE_SOON_DOWN);
    let prometheus = Prometheus::start(config).await;
    poll::until("both nodes to be up", LATER, async || {
        let up = prometheus.query("up == 1").await?;
        poll::expect(up.len() == 2, up)
    })
    .await;

    paused.process.pause();
    let alert = until_fires(&prometheus, "GoverseNodeDown").await;
    assert_eq!(alert.labels["instance"], paused.operations);
    assert_eq!(alert.labels["severity"], "critical");
    paused.process.resume();
    until_resolves(&prometheus, "GoverseNodeDown").await;
}
