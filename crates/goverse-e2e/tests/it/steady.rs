//! Nodes whose objects stand still, so that what is measured can be compared exactly.

use std::collections::BTreeMap;
use std::process::Command;

use goverse_e2e::poll::SOON;
use goverse_e2e::{Process, exposition, http, poll};
use serde_json::Value;

/// A process with one node, see `src/bin/steady.rs`.
pub(crate) struct Steady {
    pub(crate) process: Process,
    /// Its operations address.
    pub(crate) operations: String,
    /// The orders that it was given, to tell when it has obeyed.
    orders: usize,
}

// === impl Steady ===

impl Steady {
    /// Starts a node known as `node`, with objects such as `ChatRoom=12`.
    pub(crate) async fn start(node: &str, objects: &[&str]) -> Self {
        Self::start_with(node, objects, &[]).await
    }

    pub(crate) async fn start_with(node: &str, objects: &[&str], flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steady"));
        command.args(["--advertise-address", node, "--metrics-listen-address", "127.0.0.1:0"]);
        command.args(objects.iter().flat_map(|batch| ["--objects", batch])).args(flags);
        let mut process = Process::start(command);
        let is_ready = |line: &str| line.starts_with("ready: ");
        let line = process.wait_for_line("its operations address", is_ready, SOON).await;
        let operations = line.trim_start_matches("ready: ").to_owned();
        Self { process, operations, orders: 0 }
    }

    /// Three nodes with different numbers of objects, as the shipped configuration has them.
    pub(crate) async fn start_three() -> [Self; 3] {
        [
            Self::start("localhost:47000", &["ChatRoom=12", "ChatClient=30"]).await,
            Self::start("localhost:47001", &["ChatRoom=7"]).await,
            Self::start("localhost:47002", &["ChatClient=55", "ChatRoom=1"]).await,
        ]
    }

    /// Gives an order, and waits until it is done.
    pub(crate) async fn order(&mut self, order: &str) {
        self.process.write_line(order);
        self.orders += 1;
        let (process, orders) = (&self.process, self.orders);
        poll::until(order, SOON, async || {
            let printed = process.printed(goverse_e2e::Stream::Stdout);
            let done = printed.lines().filter(|line| line.starts_with("done: ")).count();
            poll::expect(done == orders, printed)
        })
        .await;
    }

    /// What the node's listing of objects says: how many there are of each type.
    pub(crate) async fn listed(&self) -> BTreeMap<String, f64> {
        let listing = http::json(&self.url("/objects")).await.unwrap();
        let types = listing["types"].as_object().expect("the listing has types");
        let counts = types.iter().map(|(name, count)| (name.clone(), count.as_f64().unwrap()));
        let counts: BTreeMap<String, f64> = counts.collect();
        assert_eq!(listing["total"].as_f64().unwrap(), counts.values().sum::<f64>());
        let rows = listing["objects"].as_array().map_or(0, Vec::len);
        assert!(listing["next"] != Value::Null || rows as f64 == listing["total"], "{listing}");
        counts
    }

    /// The series of its page.
    pub(crate) async fn samples(&self) -> Result<BTreeMap<String, f64>, String> {
        Ok(exposition::samples(&http::page(&self.url("/metrics")).await?))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.operations)
    }
}
