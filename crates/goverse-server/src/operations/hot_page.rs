//! `/debug/hot`: the objects that are busiest now, as JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use goverse_core::NodeAddress;
use goverse_node::HotReport;
use serde::Serialize;

use super::Shared;

#[derive(Serialize)]
pub(super) struct Page {
    node: NodeAddress,
    #[serde(flatten)]
    report: HotReport,
}

/// A few hundred objects at most, so it is made where it is asked for, however many there are on the node.
pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Json<Page> {
    let node = &shared.operations.node;
    Json(Page { node: node.address().clone(), report: node.hot_objects() })
}
