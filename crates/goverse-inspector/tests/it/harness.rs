//! Starts an inspector, asks it, and waits for what it is to show.

use std::time::{Duration, Instant};

use goverse_inspector::{Inspector, InspectorConfig};
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::fake_node::FakeNode;

const DEADLINE: Duration = Duration::from_secs(20);

/// An inspector that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) client: Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// A configuration for tests: a free port, and nodes asked often.
pub(crate) fn config(nodes: &[&FakeNode]) -> InspectorConfig {
    InspectorConfig {
        listen_address: "localhost:0".to_owned(),
        nodes: nodes.iter().map(|node| node.operations.clone()).collect(),
        refresh: Duration::from_millis(300),
        timeout: DEADLINE,
    }
}

// === impl Running ===

impl Running {
    pub(crate) async fn start(config: InspectorConfig) -> Self {
        let inspector = Inspector::bind(config).await.unwrap();
        let url = format!("http://{}", inspector.local_addr());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            inspector.run(async { drop(stopped.await) }).await;
        });
        let client = Client::builder().no_proxy().build().unwrap();
        Self { url, client, stop: Some(stop), task }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    /// Asks for `/api/nodes` until node number `index` is as wanted; fails with what it was last.
    pub(crate) async fn node_when(&self, index: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let view: Value = self.get("/api/nodes").await.json().await.unwrap();
            let node = &view["nodes"][index];
            if wanted(node) {
                return node.clone();
            }
            assert!(Instant::now() < deadline, "still {node}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn ready_node(&self, index: usize) -> Value {
        self.node_when(index, |node| node["state"] == "ready").await
    }

    /// Why node number `index` is down, once it was asked.
    pub(crate) async fn down_reason(&self, index: usize) -> String {
        let asked =
            |node: &Value| node["state"] == "down" && node["reason"] != "has not answered yet";
        self.node_when(index, asked).await["reason"].as_str().unwrap().to_owned()
    }

    /// Stops it, and waits until it has ended.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        tokio::time::timeout(DEADLINE, self.task).await.expect("it ends").unwrap();
    }
}
