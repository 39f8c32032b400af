//! The pages of metrics, as Prometheus' own checker sees them.

use std::collections::BTreeMap;

use goverse_e2e::poll::SOON;
use goverse_e2e::{Demo, exposition, http, poll, promtool};

use crate::discovery::start_inspector;
use crate::steady::Steady;

/// The one complaint that we put up with: the metric keeps its name.
const COMPLAINT: &str =
    "goverse_objects_total non-counter metrics should not have \"_total\" suffix\n";

#[tokio::test]
async fn promtool_has_exactly_one_complaint() {
    let demo = Demo::start(&["--clients", "40", "--rooms", "6"]).await;
    let [first, ..] = demo.metrics();
    for url in [first, format!("http://{}/metrics", demo.inspector)] {
        let page = http::page(&url).await.unwrap();
        assert!(page.contains("goverse_objects_total{"), "{url}:\n{page}");
        let output = promtool::run(&["check", "metrics"], &page);
        assert_eq!(String::from_utf8_lossy(&output.stderr), COMPLAINT, "{url}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{url}");
    }
}

#[tokio::test]
async fn the_page_says_what_it_is() {
    let node = Steady::start("localhost:47000", &["ChatRoom=1"]).await;
    let reply = http::get(&node.url("/metrics")).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
}

/// The series of a metric, with their values.
fn of_metric(samples: &BTreeMap<String, f64>, metric: &str) -> BTreeMap<String, f64> {
    let mut samples = samples.clone();
    samples.retain(|series, _| series.starts_with(&format!("{metric}{{")));
    samples
}

#[tokio::test]
async fn the_inspector_shows_what_the_nodes_show() {
    let nodes = Steady::start_three().await;
    let (_inspector, address) = start_inspector(&nodes.each_ref()).await;
    let url = format!("http://{address}/metrics");
    let inspected = poll::until("all nodes", SOON, async || {
        let samples = exposition::samples(&http::page(&url).await?);
        let nodes = exposition::sum(&samples, "goverse_node_ready");
        poll::expect(nodes == 3.0, &samples).map(|()| samples)
    })
    .await;
    let mut shown = BTreeMap::new();
    for node in &nodes {
        shown.extend(node.samples().await.unwrap());
    }
    for metric in ["goverse_objects_total", "goverse_object_activations_total"] {
        assert_eq!(of_metric(&inspected, metric), of_metric(&shown, metric));
        assert_eq!(exposition::sum(&inspected, metric), 105.0);
    }
}
