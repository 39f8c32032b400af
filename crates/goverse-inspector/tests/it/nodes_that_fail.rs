//! A node that fails is shown as down, with the reason, and costs the others nothing.

use std::time::Duration;

use expect_test::expect;
use goverse_inspector::InspectorConfig;
use serde_json::Value;

use crate::fake_node::{FakeNode, Pages};
use crate::harness::{Running, config};

#[tokio::test]
async fn a_node_that_never_answers_delays_nobody() {
    let (silent, healthy) = (FakeNode::silent().await, FakeNode::healthy("n1:47000", 2).await);
    let inspector = Running::start(config(&[&silent, &healthy])).await;

    assert_eq!(inspector.ready_node(1).await["objects"], 2);
    assert!(inspector.text("/metrics").await.contains("n1:47000"));
    // It is still waited for, as its time-out is the deadline of the test.
    let silent = inspector.node_when(0, |_| true).await;
    assert_eq!(silent["reason"], "has not answered yet");
}

#[tokio::test]
async fn a_node_that_never_answers_is_down_after_the_timeout() {
    let silent = FakeNode::silent().await;
    let timeout = Duration::from_millis(100);
    let inspector = Running::start(InspectorConfig { timeout, ..config(&[&silent]) }).await;
    assert_eq!(inspector.down_reason(0).await, "did not answer within 100ms");
}

#[tokio::test]
async fn a_node_that_goes_away_is_down_until_it_comes_back() {
    let (leaving, staying) =
        (FakeNode::healthy("n1:47000", 1).await, FakeNode::healthy("n2:47000", 2).await);
    let inspector = Running::start(config(&[&leaving, &staying])).await;
    inspector.ready_node(0).await;
    inspector.ready_node(1).await;

    let operations = leaving.operations.clone();
    leaving.stop().await;
    let refused = |node: &Value| {
        node["reason"].as_str().is_some_and(|reason| reason.starts_with("cannot be reached: "))
    };
    let node = inspector.node_when(0, refused).await;
    assert_eq!((&node["node"], &node["objects"]), (&"n1:47000".into(), &Value::Null));
    let metrics = inspector.text("/metrics").await;
    assert!(!metrics.contains("n1:47000") && metrics.contains("n2:47000"), "{metrics}");
    let targets: Value = inspector.get("/sd").await.json().await.unwrap();
    assert_eq!(targets[0]["targets"][0], operations);
    assert_eq!(targets[0]["labels"]["__meta_goverse_node"], "n1:47000");

    let _back = FakeNode::with_pages(&operations, Pages::of("n1:47000", 3)).await;
    assert_eq!(inspector.ready_node(0).await["objects"], 3);
}

#[tokio::test]
async fn what_is_no_node_is_down_and_says_why() {
    let page = Pages::of("n1:47000", 1);
    let no_metrics = Pages { metrics: "ok 1\n<html>\n".to_owned(), ..Pages::of("n1:47000", 1) };
    let no_counts = Pages { objects: "{}".to_owned(), ..Pages::of("n1:47000", 1) };
    let endless = Pages { objects: " ".repeat(2 << 20), ..page };
    let no_metrics = FakeNode::with_pages("127.0.0.1:0", no_metrics).await;
    let no_counts = FakeNode::with_pages("127.0.0.1:0", no_counts).await;
    let endless = FakeNode::with_pages("127.0.0.1:0", endless).await;
    let elsewhere = FakeNode::healthy("n2:47000", 1).await;
    let redirecting = FakeNode::redirecting(&elsewhere).await;
    let nodes = [&no_metrics, &no_counts, &endless, &redirecting];
    let inspector = Running::start(config(&nodes)).await;

    let mut reasons = Vec::new();
    for index in 0..nodes.len() {
        reasons.push(inspector.down_reason(index).await);
    }
    expect![[r#"
        its /metrics page cannot be read: line 2: "<html>" does not begin with the name of a metric
        its /objects page cannot be read: missing field `node` at line 1 column 2
        GET /objects?limit=0 answered more than 1 MiB
        GET /metrics answered 307 Temporary Redirect"#]]
    .assert_eq(&reasons.join("\n"));
    assert_eq!(inspector.text("/metrics").await, "");
}
