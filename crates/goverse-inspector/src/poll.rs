//! Asking one node, again and again, and publishing what is known of it.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use goverse_core::{InvalidAddress, NodeAddress};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use crate::config::Schedule;
use crate::exposition::{ExpositionError, NodeFamily, parse};
use crate::node_state::{Answer, NodeState};

/// The longest `/metrics` page of a node that is read.
const METRICS_BYTES_MAX: usize = 32 << 20;
/// The longest `/objects` answer that is read: it is asked for counts by type alone.
const OBJECTS_BYTES_MAX: usize = 1 << 20;
/// A reason is a short text on a page; what a node says is not trusted to be.
const REASON_CHARS_MAX: usize = 200;

/// One node that is asked, and where its state is published.
#[derive(Debug)]
pub(crate) struct Poller {
    pub(crate) client: Client,
    pub(crate) operations: NodeAddress,
    pub(crate) schedule: Schedule,
    pub(crate) state: watch::Sender<NodeState>,
}

/// Why a node counts as down.
#[derive(Debug, Error)]
enum PollError {
    #[error("did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("GET {path} failed: {cause}")]
    Broken { path: &'static str, cause: String },
    #[error("GET {path} answered {status}")]
    Status { path: &'static str, status: StatusCode },
    #[error("GET {path} answered more than {} MiB", .limit >> 20)]
    TooLarge { path: &'static str, limit: usize },
    #[error("its /metrics page is not UTF-8")]
    NotText,
    #[error("its /metrics page cannot be read: {0}")]
    Metrics(#[from] ExpositionError),
    #[error("its /objects page cannot be read: {0}")]
    Objects(#[from] serde_json::Error),
    #[error("its /objects page names no node: {0}")]
    Node(#[from] InvalidAddress),
    #[error("reading its pages failed: {0}")]
    Reading(#[from] tokio::task::JoinError),
}

/// What `/objects` says beside the objects.
#[derive(Deserialize)]
struct ObjectCounts {
    node: String,
    ready: bool,
    total: u64,
    types: BTreeMap<String, u64>,
}

/// Makes the client that asks all nodes: straight, without proxies and redirects.
pub(crate) fn client() -> reqwest::Result<Client> {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()
}

// === impl Poller ===

impl Poller {
    /// Asks until nobody wants to know any more.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(self.schedule.refresh);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_up = None;
        while !self.state.is_closed() {
            ticks.tick().await;
            let attempt = self.ask().await.map_err(|error| error.reason());
            let state = self.state.borrow().after(attempt, Instant::now());
            let is_up = matches!(state, NodeState::Up(_));
            if was_up.replace(is_up) != Some(is_up) {
                self.log(&state);
            }
            self.state.send_replace(state);
        }
    }

    fn log(&self, state: &NodeState) {
        let operations = self.operations.as_str();
        match state {
            NodeState::Up(_) => info!(operations, "node is up"),
            NodeState::Down(down) => warn!(operations, reason = down.reason, "node is down"),
        }
    }

    async fn ask(&self) -> Result<Answer, PollError> {
        let pages = async {
            tokio::try_join!(
                self.get("/metrics", METRICS_BYTES_MAX),
                self.get("/objects?limit=0", OBJECTS_BYTES_MAX)
            )
        };
        let timeout = self.schedule.timeout;
        let timed = tokio::time::timeout(timeout, pages).await;
        let (metrics, objects) = timed.map_err(|_| PollError::TimedOut(timeout))??;
        // A large page takes long enough to read that requests would notice.
        tokio::task::spawn_blocking(move || read(&metrics, &objects)).await?
    }

    async fn get(&self, path: &'static str, limit: usize) -> Result<Vec<u8>, PollError> {
        let url = format!("http://{}{path}", self.operations);
        let response = self.client.get(url).send().await.map_err(|e| PollError::http(path, &e))?;
        if response.status() != StatusCode::OK {
            return Err(PollError::Status { path, status: response.status() });
        }
        read_body(response, path, limit).await
    }
}

async fn read_body(
    mut response: Response,
    path: &'static str,
    limit: usize,
) -> Result<Vec<u8>, PollError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| PollError::http(path, &e))? {
        if body.len() + chunk.len() > limit {
            return Err(PollError::TooLarge { path, limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn read(metrics: &[u8], objects: &[u8]) -> Result<Answer, PollError> {
    let counts: ObjectCounts = serde_json::from_slice(objects)?;
    let node: NodeAddress = counts.node.parse()?;
    let page = std::str::from_utf8(metrics).map_err(|_| PollError::NotText)?;
    let families = NodeFamily::select(&parse(page)?, &node)?;
    let (ready, objects, objects_by_type) = (counts.ready, counts.total, counts.types);
    Ok(Answer { node, ready, objects, objects_by_type, families })
}

// === impl PollError ===

impl PollError {
    fn http(path: &'static str, error: &reqwest::Error) -> Self {
        let cause = root_cause(error);
        if error.is_connect() { Self::Unreachable(cause) } else { Self::Broken { path, cause } }
    }

    /// What the page shows.
    fn reason(&self) -> String {
        self.to_string().chars().take(REASON_CHARS_MAX).collect()
    }
}

/// The innermost error says what happened; those around it repeat the address.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::read;

    fn check(metrics: &[u8], objects: &str, expected: Expect) {
        let shown = match read(metrics, objects.as_bytes()) {
            Ok(answer) => {
                let (node, ready, types) = (answer.node, answer.ready, answer.objects_by_type);
                format!("{node} ready={ready} {} {types:?}", answer.objects)
            }
            Err(error) => error.reason(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn answers_and_what_is_wrong_with_them() {
        let objects = r#"{"node":"n1:1","ready":true,"total":3,"types":{"A":1,"B":2},"objects":[],"next":null}"#;
        check(b"", objects, expect![[r#"n1:1 ready=true 3 {"A": 1, "B": 2}"#]]);
        check(
            b"a\n",
            objects,
            expect![[r#"its /metrics page cannot be read: line 1: "" is no number"#]],
        );
        check(b"a{x=\"\xff\"} 1\n", objects, expect!["its /metrics page is not UTF-8"]);
        check(
            b"",
            "{}",
            expect!["its /objects page cannot be read: missing field `node` at line 1 column 2"],
        );
        check(
            b"",
            r#"{"node":"n1","ready":true,"total":0,"types":{}}"#,
            expect![[
                r#"its /objects page names no node: "n1" has no port; write host:port, such as localhost:47000"#
            ]],
        );
    }

    #[test]
    fn a_reason_is_short() {
        let objects = format!(r#"{{"node":1,"ready":"{}"}}"#, "x".repeat(10_000));
        assert!(read(b"", objects.as_bytes()).unwrap_err().reason().len() <= 200);
        let objects = format!(r#"{{"ready":"{}"}}"#, "x".repeat(10_000));
        assert_eq!(read(b"", objects.as_bytes()).unwrap_err().reason().len(), 200);
    }
}
