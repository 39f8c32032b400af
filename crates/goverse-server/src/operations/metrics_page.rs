//! `/metrics`: the page that Prometheus reads, rendered off the async workers and one at a time.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER, VARY,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Shared;

const TEXT_FORMAT: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(super) async fn show(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Some(admitted) = shared.renders.admit().await else {
        shared.operations.scrapes.refused();
        let busy = "too many scrapes at once\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], busy).into_response();
    };
    let gzip = accepts_gzip(&headers);
    let renderer = Arc::clone(&shared);
    let rendered = tokio::task::spawn_blocking(move || {
        let _admitted = admitted;
        render(&renderer, gzip)
    });
    let rendered = rendered.await;
    match rendered {
        Ok(body) if gzip => {
            let gzip = HeaderValue::from_static("gzip");
            let vary = HeaderValue::from_static("accept-encoding");
            ([(CONTENT_TYPE, TEXT_FORMAT), (CONTENT_ENCODING, gzip), (VARY, vary)], body)
                .into_response()
        }
        Ok(body) => ([(CONTENT_TYPE, TEXT_FORMAT)], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot render /metrics");
            (StatusCode::INTERNAL_SERVER_ERROR, "cannot render the page\n").into_response()
        }
    }
}

fn render(shared: &Shared, gzip: bool) -> Vec<u8> {
    let begun = Instant::now();
    let operations = &shared.operations;
    let page = operations.recorder.render(operations.node.address().as_str());
    let size = page.len();
    let body = if gzip { compress(page.as_bytes()) } else { page.into_bytes() };
    operations.scrapes.served(begun.elapsed(), size);
    body
}

fn compress(page: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(page.len() / 8), Compression::fast());
    let written = encoder.write_all(page);
    written.and_then(|()| encoder.finish()).expect("writing to memory cannot fail")
}

/// Whether the client takes gzip: it names it, and does not give it the weight 0 (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        named && weight.is_none_or(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::header::{ACCEPT_ENCODING, HeaderMap};

    use super::accepts_gzip;

    #[test]
    fn gzip_is_for_those_who_ask() {
        let check = |value: &str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
            assert_eq!(accepts_gzip(&headers), expected, "{value:?}");
        };
        check("gzip", true);
        check("deflate, GZIP;q=0.5", true);
        check("gzip;q=0", false);
        check("gzip; q=0.0", false);
        check("identity", false);
        check("", false);
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
