//! `/`: where to go from here.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;

use super::Shared;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}\
    :root{color-scheme:light dark}code{font-size:.95em}li{margin:.3rem 0}";

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Html<String> {
    // An address consists of letters, digits and punctuation that means nothing in HTML.
    let node = shared.operations.node.address();
    let version = env!("CARGO_PKG_VERSION");
    let state = if shared.operations.readiness.is_ready() { "ready" } else { "not ready" };
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{node} · GoVerse</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>\
         <h1>GoVerse node <code>{node}</code></h1><p>{state}, version {version}</p><ul>\
         <li><a href=\"/metrics\">/metrics</a>: what Prometheus reads</li>\
         <li><a href=\"/objects\">/objects</a>: the objects on this node, as JSON \
         (<code>?type=</code>, <code>limit=</code>, <code>after=</code>)</li>\
         <li><a href=\"/debug/hot\">/debug/hot</a>: the busiest objects on this node, by calls and by time in \
         turns, as JSON; rates are averages of the last <code>window_seconds</code></li>\
         <li><a href=\"/readyz\">/readyz</a>: 200 while the node takes work, 503 otherwise</li>\
         <li><a href=\"/livez\">/livez</a>: 200 while the process answers</li></ul></html>\n"
    ))
}
