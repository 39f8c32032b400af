//! Prometheus on the shipped configuration for fixed addresses.

use std::collections::BTreeMap;

use goverse_e2e::poll::LATER;
use goverse_e2e::prometheus::{Sample, ShippedConfig};
use goverse_e2e::{Demo, Prometheus, poll};

use crate::steady::Steady;

pub(crate) type Counts = BTreeMap<String, f64>;

/// The values of a query's series, by one label. An empty name is for a query with one value.
pub(crate) fn by_label(samples: &[Sample], label: &str) -> Counts {
    let counts: Counts =
        samples.iter().map(|sample| (sample.label(label).to_owned(), sample.value)).collect();
    assert_eq!(counts.len(), samples.len(), "{label} does not tell them apart: {samples:?}");
    counts
}

/// Waits until the answer is this.
pub(crate) async fn until_query_is(
    prometheus: &Prometheus,
    query: &str,
    label: &str,
    expected: &Counts,
) {
    poll::until(format!("{query} to be {expected:?}"), LATER, async || {
        let counts = by_label(&prometheus.query(query).await?, label);
        poll::expect(counts == *expected, counts)
    })
    .await;
}

/// Waits until the sums and the values of each node are what the nodes' own listings say.
pub(crate) async fn until_sums_are_listed(prometheus: &Prometheus, nodes: &[&Steady]) {
    let mut by_type = Counts::new();
    for node in nodes {
        for (name, count) in node.listed().await {
            *by_type.entry(name).or_default() += count;
        }
    }
    let total = Counts::from([(String::new(), by_type.values().sum())]);
    until_query_is(prometheus, "sum by (type) (goverse_objects_total)", "type", &by_type).await;
    until_query_is(prometheus, "sum(goverse_objects_total)", "", &total).await;
    // The recorded sum is as old as its last evaluation.
    until_query_is(prometheus, "goverse:objects:sum", "", &total).await;
}

/// Waits until the targets have these states.
pub(crate) async fn until_health_is(prometheus: &Prometheus, expected: &[(&str, &str)]) {
    poll::until(format!("targets to be {expected:?}"), LATER, async || {
        let targets = prometheus.targets().await?;
        let is_expected = |(instance, health): &(&str, &str)| {
            let mut targets = targets.iter();
            targets.any(|target| target.instance == *instance && target.health == *health)
        };
        let all = targets.len() == expected.len() && expected.iter().all(is_expected);
        poll::expect(all, &targets)
    })
    .await;
}

#[tokio::test]
async fn sums_over_scraped_nodes_are_what_the_nodes_list() {
    let [first, mut second, third] = Steady::start_three().await;
    let operations = [&first, &second, &third].map(|node| node.operations.clone());
    let [a, b, c] = operations.each_ref().map(String::as_str);
    let prometheus = Prometheus::start(ShippedConfig::with_static_targets(&[a, b, c])).await;

    until_health_is(&prometheus, &[(a, "up"), (b, "up"), (c, "up")]).await;
    until_sums_are_listed(&prometheus, &[&first, &second, &third]).await;
    for (node, number) in [(&first, 0), (&second, 1), (&third, 2)] {
        let query = format!("goverse_objects_total{{node=\"localhost:4700{number}\"}}");
        let samples = prometheus.query(&query).await.unwrap();
        assert_eq!(by_label(&samples, "type"), node.listed().await, "{query}");
        assert!(samples.iter().all(|sample| sample.label("instance") == node.operations));
        assert!(samples.iter().all(|sample| sample.label("job") == "goverse"));
    }
    // What the rooms of the whole cluster are, told here once without any listing.
    let rooms = prometheus.query("sum(goverse_objects_total{type=\"ChatRoom\"})").await.unwrap();
    assert_eq!(by_label(&rooms, "")[""], 20.0);

    second.process.terminate();
    assert!(second.process.wait_exit(LATER).await.success());
    until_health_is(&prometheus, &[(a, "up"), (b, "down"), (c, "up")]).await;
    until_sums_are_listed(&prometheus, &[&first, &third]).await;
}

#[tokio::test]
async fn the_nodes_of_the_demo_are_up_and_show_its_objects() {
    let demo = Demo::start(&["--clients", "40", "--rooms", "6"]).await;
    let [a, b, c] = demo.operations.each_ref().map(String::as_str);
    let prometheus = Prometheus::start(ShippedConfig::with_static_targets(&[a, b, c])).await;

    until_health_is(&prometheus, &[(a, "up"), (b, "up"), (c, "up")]).await;
    poll::until("objects of both types on all nodes", LATER, async || {
        let nodes = prometheus.query("sum by (node) (goverse_objects_total) > 0").await?;
        let types = prometheus.query("sum by (type) (goverse_objects_total) > 0").await?;
        poll::expect(nodes.len() == 3 && types.len() == 2, (nodes, types))
    })
    .await;
    // Nothing that we ship says that something is wrong with it.
    assert_eq!(
        prometheus.alerts().await.unwrap().iter().filter(|alert| alert.state == "firing").count(),
        0
    );
}

/// As in Kubernetes, where `node` may be the machine.
#[tokio::test]
async fn a_label_of_the_target_does_not_hide_the_node() {
    let node = Steady::start("localhost:47000", &["ChatRoom=3"]).await;
    let config = ShippedConfig::with_static_targets(&[&node.operations]);
    let targets = ("      - targets:\n", "      - labels: {node: machine-7}\n        targets:\n");
    let prometheus =
        Prometheus::start(config.replace("prometheus.yml", targets.0, targets.1)).await;
    let expected = Counts::from([("localhost:47000".to_owned(), 3.0)]);
    until_query_is(&prometheus, "goverse:objects:sum_by_node", "node", &expected).await;
}
