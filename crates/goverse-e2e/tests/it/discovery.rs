//! Prometheus on the shipped configuration for HTTP service discovery.

use goverse_e2e::poll::{LATER, SOON};
use goverse_e2e::prometheus::ShippedConfig;
use goverse_e2e::{Process, Prometheus, exposition, goverse_command, http, poll};

use crate::scraping::{until_health_is, until_sums_are_listed};
use crate::steady::Steady;

/// `goverse inspector` for these nodes, and its address.
pub(crate) async fn start_inspector(nodes: &[&Steady]) -> (Process, String) {
    let mut command = goverse_command();
    command.args(["inspector", "--listen-address", "127.0.0.1:0", "--refresh", "200ms"]);
    command.args(nodes.iter().flat_map(|node| ["--node", &node.operations]));
    let mut process = Process::start(command);
    let is_open = |line: &str| line.contains("inspector open");
    let line = process.wait_for_line("where the inspector is", is_open, SOON).await;
    let address = line.rsplit("address=").next().unwrap_or_default().to_owned();
    (process, address)
}

#[tokio::test]
async fn nodes_are_found_through_the_inspector() {
    let [first, mut second, third] = Steady::start_three().await;
    let operations = [&first, &second, &third].map(|node| node.operations.clone());
    let [a, b, c] = operations.each_ref().map(String::as_str);
    let (_inspector, inspector) = start_inspector(&[&first, &second, &third]).await;
    let prometheus = Prometheus::start(ShippedConfig::with_discovery(&inspector)).await;

    until_health_is(&prometheus, &[(a, "up"), (b, "up"), (c, "up")]).await;
    until_sums_are_listed(&prometheus, &[&first, &second, &third]).await;
    poll::until("the node's name as a label for relabelling", LATER, async || {
        let targets = prometheus.targets().await?;
        let is_named = |(operations, node): (&str, &str)| {
            let target = targets.iter().find(|target| target.instance == operations);
            target.is_some_and(|target| {
                target.discovered.get("__meta_goverse_node").map(String::as_str) == Some(node)
            })
        };
        let named = [(a, "localhost:47000"), (b, "localhost:47001"), (c, "localhost:47002")];
        poll::expect(named.into_iter().all(is_named), &targets)
    })
    .await;

    // A node that is gone is still listed: a target that vanished would raise no alert.
    second.process.kill();
    second.process.wait_exit(SOON).await;
    until_health_is(&prometheus, &[(a, "up"), (b, "down"), (c, "up")]).await;
    until_sums_are_listed(&prometheus, &[&first, &third]).await;
    poll::until("the inspector to know it too", SOON, async || {
        let page = http::page(&format!("http://{inspector}/metrics")).await?;
        let ready = exposition::sum(&exposition::samples(&page), "goverse_node_ready");
        poll::expect(ready == 2.0, page)
    })
    .await;
    let groups = http::json(&format!("http://{inspector}/sd")).await.unwrap();
    let groups = groups.as_array().unwrap();
    let targets: Vec<_> =
        groups.iter().map(|group| group["targets"][0].as_str().unwrap()).collect();
    assert_eq!(targets, [a, b, c]);
}
