//! `/objects`: the node's objects as JSON, in pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use goverse_core::{NodeAddress, ObjectId, TypeName};
use goverse_node::{ListQuery, ObjectInfo};
use serde::{Deserialize, Serialize};

use super::Shared;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 10_000;

/// What a client may ask for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    r#type: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Page {
    node: NodeAddress,
    ready: bool,
    total: usize,
    types: BTreeMap<TypeName, usize>,
    objects: Vec<Row>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Row {
    r#type: TypeName,
    id: ObjectId,
    age_seconds: f64,
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    query: Result<axum::extract::Query<Query>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(query) => query.0.check(),
        Err(rejection) => Err(rejection.body_text()),
    };
    let query = match query {
        Ok(query) => query,
        Err(problem) => return (StatusCode::BAD_REQUEST, format!("{problem}\n")).into_response(),
    };
    let Some(admitted) = shared.listings.admit().await else {
        let busy = "too many listings at once\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], busy).into_response();
    };
    let listed = tokio::task::spawn_blocking(move || {
        let _admitted = admitted;
        page(&shared, &query)
    });
    match listed.await {
        Ok(page) => Json(page).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot list the objects");
            (StatusCode::INTERNAL_SERVER_ERROR, "cannot list the objects\n").into_response()
        }
    }
}

fn page(shared: &Shared, query: &ListQuery) -> Page {
    let node = &shared.operations.node;
    let types = node.count_by_type();
    let listing = node.list(query);
    let next = listing.objects.last().filter(|_| listing.more).map(token);
    Page {
        node: node.address().clone(),
        ready: shared.operations.readiness.is_ready(),
        total: types.values().sum(),
        types,
        objects: listing.objects.into_iter().map(Row::from).collect(),
        next,
    }
}

/// Names an object for the parameter `after`; a type's name has no `/`.
fn token(object: &ObjectInfo) -> String {
    format!("{}/{}", object.type_name, object.id)
}

// === impl Query ===

impl Query {
    fn check(self) -> Result<ListQuery, String> {
        let after = match self.after {
            None => None,
            Some(token) => {
                let (type_name, id) = token.split_once('/').ok_or_else(|| {
                    format!("after={token:?} is no place in the listing; use the `next` of the page before")
                })?;
                Some((type_name.to_owned(), id.to_owned()))
            }
        };
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if limit > LIMIT_MAX {
            return Err(format!(
                "limit={limit} is too large; at most {LIMIT_MAX} objects fit a page"
            ));
        }
        Ok(ListQuery { type_name: self.r#type, after, limit })
    }
}

// === impl Row ===

impl From<ObjectInfo> for Row {
    fn from(object: ObjectInfo) -> Self {
        let age_seconds = (object.age.as_secs_f64() * 1_000.0).round() / 1_000.0;
        Self { r#type: object.type_name, id: object.id, age_seconds }
    }
}
