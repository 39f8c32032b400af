//! A live page has exactly the families of the catalogue, and its numbers behave.

use std::collections::{BTreeMap, BTreeSet};

use goverse_metrics::catalogue::OF_CLUSTERS;
use goverse_metrics::{CATALOGUE, Metric, Values};

use crate::fixture::{page, server};
use crate::scrape::Scrape;

/// Families of what a node keeps, of which a node without a store has no series.
const OF_A_STORE: &[&str] =
    &["goverse_store_", "goverse_calls_deduplicated_", "goverse_after_commit_"];

/// What has series on a node that is in no cluster and has no store.
fn expected() -> impl Iterator<Item = &'static Metric> {
    let is_of_clusters = |metric: &Metric| OF_CLUSTERS.iter().any(|of| of.name == metric.name);
    let is_of_a_store =
        |metric: &Metric| OF_A_STORE.iter().any(|start| metric.name.starts_with(start));
    let metrics = CATALOGUE.iter().copied();
    metrics.filter(move |metric| !is_of_clusters(metric) && !is_of_a_store(metric))
}

#[tokio::test]
async fn the_families_are_those_of_the_catalogue() {
    let server = server().start().await.unwrap();
    let scrape = Scrape::parse(&page(&server).await);
    let ours =
        scrape.families.iter().filter(|(name, _)| goverse_metrics::catalogue::is_reserved(name));
    let live: BTreeMap<&str, (&str, &str)> = ours
        .map(|(name, family)| (name.as_str(), (family.kind.as_str(), family.help.as_str())))
        .collect();
    let catalogue: BTreeMap<&str, (&str, &str)> =
        CATALOGUE.iter().map(|metric| (metric.name, (metric.kind.as_str(), metric.help))).collect();
    assert_eq!(live, catalogue);
    for Metric { name, .. } in expected() {
        let series = &scrape.families[*name].series;
        assert!(!series.is_empty(), "{name} has no series on a running server");
    }
}

#[tokio::test]
async fn closed_labels_are_there_at_zero_from_the_start() {
    let server = server().start().await.unwrap();
    let scrape = Scrape::parse(&page(&server).await);
    let node = server.node().address();
    for metric in expected().filter(|metric| metric.is_per_node()) {
        let Some(label) = metric.labels.last() else { continue };
        let Values::Closed(values) = label.values else { continue };
        let method = if metric.labels.iter().any(|label| label.name == "method") {
            "method=\"touch\","
        } else {
            ""
        };
        for value in values.iter().filter(|value| **value != "unknown_type") {
            let labels =
                format!("node=\"{node}\",type=\"Plain\",{method}{}=\"{value}\"", label.name);
            let series = format!("{}{{{labels}}}", metric.name);
            assert_eq!(scrape.value(&series), Some(0.0), "{series}");
        }
    }
    for unknown in [
        "goverse_object_activation_failures_total{node=\"NODE\",type=\"other\",code=\"unknown_type\"}",
        "goverse_call_rejections_total{node=\"NODE\",type=\"other\",code=\"unknown_type\"}",
        "goverse_method_calls_total{node=\"NODE\",type=\"other\",method=\"other\",status=\"rejected\"}",
    ] {
        let unknown = unknown.replace("NODE", node.as_str());
        assert_eq!(scrape.value(&unknown), Some(0.0), "{unknown}");
    }
    let overflow = &scrape.families["goverse_metrics_series_overflow_total"].series;
    for metric in CATALOGUE {
        let series = format!("goverse_metrics_series_overflow_total{{metric=\"{}\"}}", metric.name);
        assert!(overflow.contains_key(&series), "{series}");
    }
}

#[tokio::test]
async fn a_page_shows_its_own_node_alone() {
    let (one, two) = (server().start().await.unwrap(), server().start().await.unwrap());
    one.node().create_object("Plain", "a").await.unwrap();
    let nodes = |page: &str| -> BTreeSet<String> {
        let labels = page.lines().filter_map(|line| line.split("node=\"").nth(1));
        labels.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    };
    for server in [&one, &two] {
        let page = page(server).await;
        assert_eq!(nodes(&page), BTreeSet::from([server.node().address().to_string()]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_churn_every_page_parses_and_no_counter_goes_down() {
    let server = server().start().await.unwrap();
    let (running, stopped) = tokio::sync::watch::channel(());
    let churn: Vec<_> = (0..4)
        .map(|task| {
            let (node, stopped) = (server.node().clone(), stopped.clone());
            tokio::spawn(async move {
                while stopped.has_changed().is_ok() {
                    for index in 0..50 {
                        node.create_object("Plain", &format!("{task}-{index}")).await.unwrap();
                    }
                    for index in 0..50 {
                        node.destroy_object("Plain", &format!("{task}-{index}")).await.unwrap();
                    }
                    let _ = node.create_object("Nope", "a").await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut before = Scrape::default();
    let node = server.node().address();
    let gauge = format!("goverse_objects_total{{node=\"{node}\",type=\"Plain\"}}");
    for _ in 0..100 {
        let now = Scrape::parse(&page(&server).await);
        for (series, value) in before.rising() {
            assert!(now.value(series).is_some_and(|now| now >= value), "{series} went down");
        }
        assert!((0.0..=200.0).contains(&now.value(&gauge).unwrap()), "{:?}", now.value(&gauge));
        before = now;
    }
    drop(running);
    for task in churn {
        task.await.unwrap();
    }
    let activations = format!("goverse_object_activations_total{{node=\"{node}\",type=\"Plain\"}}");
    assert!(before.value(&activations).unwrap() > 0.0, "there was churn");
}
