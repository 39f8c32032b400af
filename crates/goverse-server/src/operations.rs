//! The operations port: `/metrics`, health, the listing of objects and the busiest of them, over plain HTTP.

mod hot_page;
mod index_page;
mod metrics_page;
mod objects_page;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use goverse_core::NodeAddress;
use goverse_http::{Admission, ConnectionLimits, serve};
use goverse_metrics::{NodeMetrics, ScrapeMetrics};
use goverse_node::Node;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::recorder::Recorder;

/// What the operations port puts up with.
#[derive(Clone, Copy, Debug)]
pub struct OperationsLimits {
    /// How many connections there may be, how large and how slow.
    pub connections: ConnectionLimits,
    /// Scrapes that may wait until the page has been made for those before; further ones get 503. The
    /// same holds for listings of objects.
    pub scrapes_waiting_max: usize,
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
    open: AtomicBool,
    /// Why the store cannot be used, if so.
    store_problem: Mutex<Option<String>>,
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
    /// One page is made at a time, so that scrapes leave the other cores to the objects.
    renders: Admission,
    listings: Admission,
}

// === impl OperationsLimits ===

impl Default for OperationsLimits {
    fn default() -> Self {
        Self { connections: ConnectionLimits::default(), scrapes_waiting_max: 64 }
    }
}

// === impl Readiness ===

impl Readiness {
    pub(crate) fn new(address: &NodeAddress) -> Self {
        let metrics = NodeMetrics::new(address.as_str());
        Self { open: AtomicBool::new(false), store_problem: Mutex::default(), metrics }
    }

    /// Whether the node takes calls at all.
    pub(crate) fn set(&self, open: bool) {
        let problem = self.lock();
        self.open.store(open, Ordering::Release);
        self.metrics.set_ready(open && problem.is_none());
    }

    pub(crate) fn store_problem(&self) -> Option<String> {
        self.lock().clone()
    }

    pub(crate) fn set_store_problem(&self, problem: Option<String>) {
        let mut current = self.lock();
        self.metrics.set_ready(self.open.load(Ordering::Acquire) && problem.is_none());
        *current = problem;
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.problem().is_none()
    }

    /// Why the node is not ready, if so.
    fn problem(&self) -> Option<String> {
        if !self.open.load(Ordering::Acquire) {
            return Some("the node is shutting down".to_owned());
        }
        self.store_problem()
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.store_problem.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl OperationsPort ===

impl OperationsPort {
    /// Serves the port until it is closed.
    pub(crate) fn serve(
        listener: TcpListener,
        operations: Operations,
        limits: OperationsLimits,
    ) -> Self {
        let local_address = listener.local_addr().expect("a socket that listens has an address");
        let node = operations.node.address().clone();
        let one_at_a_time = || Admission::new(1, limits.scrapes_waiting_max);
        let (renders, listings) = (one_at_a_time(), one_at_a_time());
        let router = routes(Arc::new(Shared { operations, renders, listings }));
        let closing = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, limits.connections, closing.clone()));
        tracing::info!(%node, address = %local_address, "operations port open");
        Self { local_address, closing: closing.drop_guard(), serving }
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
        .route("/debug/hot", get(hot_page::show))
        .fallback(not_found)
        .with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    match shared.operations.readiness.problem() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {problem}\n")),
    }
}

async fn not_found() -> (StatusCode, &'static str) {
    let pages = "no such page; there are /metrics /livez /readyz /objects /debug/hot and /\n";
    (StatusCode::NOT_FOUND, pages)
}
