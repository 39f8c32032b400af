//! What the inspector answers to which request.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use crate::discovery::target_groups;
use crate::exposition;
use crate::page;
use crate::snapshot::Cluster;
use crate::view::ClusterView;

const PATHS: &str = "\
there is nothing here; try one of
  /           the page
  /metrics    the metrics of all nodes, for Prometheus
  /sd         the nodes, for Prometheus' HTTP service discovery
  /api/nodes  what the page shows, as JSON
  /livez      200 while the inspector runs
  /readyz     200 while the inspector runs
";

/// The page brings its style and its script along, and needs nothing from elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

/// Makes the routes; all answer from what is known of the cluster, and none waits for a node.
pub(crate) fn router(cluster: Arc<Cluster>) -> Router {
    Router::new()
        .route("/", get(show_page))
        .route("/metrics", get(show_metrics))
        .route("/sd", get(show_targets))
        .route("/api/nodes", get(show_nodes))
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(async || "ready\n"))
        .fallback(async || (StatusCode::NOT_FOUND, PATHS))
        .method_not_allowed_fallback(refuse_method)
        .with_state(cluster)
}

async fn show_page(State(cluster): State<Arc<Cluster>>) -> Response {
    let html = page::render(&ClusterView::new(&cluster.snapshot()));
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(html)).into_response()
}

async fn show_metrics(State(cluster): State<Arc<Cluster>>) -> Response {
    let Some(admitted) = cluster.merges.admit().await else {
        let busy = "too many scrapes at once\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], busy)
            .into_response();
    };
    let snapshot = cluster.snapshot();
    // The pages of many nodes take long enough to merge that other requests would notice.
    let merged = tokio::task::spawn_blocking(move || {
        let _admitted = admitted;
        snapshot.metrics_page()
    });
    match merged.await {
        Ok(page) => ([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn show_targets(State(cluster): State<Arc<Cluster>>) -> Response {
    Json(target_groups(&cluster.snapshot())).into_response()
}

async fn show_nodes(State(cluster): State<Arc<Cluster>>) -> Response {
    fresh_json(&ClusterView::new(&cluster.snapshot()))
}

async fn refuse_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n").into_response()
}

fn fresh_json(value: &impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(value)).into_response()
}
