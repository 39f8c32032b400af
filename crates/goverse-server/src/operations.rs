//! The operations port: `/metrics`, health, and the listing of objects, over plain HTTP.

mod connections;
mod index_page;
mod metrics_page;
mod objects_page;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use goverse_core::NodeAddress;
use goverse_metrics::{NodeMetrics, ScrapeMetrics};
use goverse_node::Node;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::recorder::Recorder;
use metrics_page::Renders;

/// What the operations port puts up with.
#[derive(Clone, Copy, Debug)]
pub struct OperationsLimits {
    /// Connections at once; further ones wait to be accepted.
    pub connections_max: usize,
    /// Scrapes that may wait for their turn to be rendered; further ones get 503.
    pub scrapes_waiting_max: usize,
    /// How long a client may take to send the head of a request, also on a connection that stands idle.
    pub head_timeout: Duration,
    /// How long a client may leave a response unread.
    pub write_timeout: Duration,
    /// The largest head of a request, in bytes; at least 8192.
    pub head_bytes_max: usize,
}

/// What the pages show.
pub(crate) struct Operations {
    pub(crate) node: Node,
    pub(crate) recorder: Recorder,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) scrapes: ScrapeMetrics,
}

/// Whether the node takes work: `/readyz` and its gauge.
pub(crate) struct Readiness {
    ready: AtomicBool,
    metrics: NodeMetrics,
}

/// A port that is being served.
pub(crate) struct OperationsPort {
    local_address: SocketAddr,
    /// Closes the port when it is dropped.
    closing: DropGuard,
    serving: JoinHandle<()>,
}

/// What the routes share.
struct Shared {
    operations: Operations,
    renders: Renders,
}

// === impl OperationsLimits ===

impl Default for OperationsLimits {
    fn default() -> Self {
        Self {
            connections_max: 256,
            scrapes_waiting_max: 64,
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(10),
            head_bytes_max: 16 << 10,
        }
    }
}

// === impl Readiness ===

impl Readiness {
    pub(crate) fn new(address: &NodeAddress) -> Self {
        Self { ready: AtomicBool::new(false), metrics: NodeMetrics::new(address.as_str()) }
    }

    pub(crate) fn set(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
        self.metrics.set_ready(ready);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}

// === impl OperationsPort ===

impl OperationsPort {
    /// Serves the port until it is closed.
    pub(crate) fn serve(
        listener: TcpListener,
        operations: Operations,
        limits: OperationsLimits,
    ) -> io::Result<Self> {
        let local_address = listener.local_addr()?;
        let node = operations.node.address().clone();
        let renders = Renders::new(limits.scrapes_waiting_max);
        let router = routes(Arc::new(Shared { operations, renders }));
        let closing = CancellationToken::new();
        let serving = tokio::spawn(connections::serve(listener, router, limits, closing.clone()));
        tracing::info!(%node, address = %local_address, "operations port open");
        Ok(Self { local_address, closing: closing.drop_guard(), serving })
    }

    pub(crate) fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Accepts nothing more, and lets what is being answered end, for a short while.
    pub(crate) async fn close(self) {
        drop(self.closing);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "operations port ended badly");
        }
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(index_page::show))
        .route("/metrics", get(metrics_page::show))
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/objects", get(objects_page::show))
        .fallback(not_found)
        .with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    if shared.operations.readiness.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: the node is shutting down\n")
    }
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "no such page; there are /metrics /livez /readyz /objects and /\n")
}
