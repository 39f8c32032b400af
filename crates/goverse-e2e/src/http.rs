//! Pages over HTTP, without any proxy.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::HeaderMap;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

/// Asks for a page.
///
/// # Errors
/// When there is no whole answer, whatever its status.
pub async fn get(url: &str) -> Result<Reply, String> {
    let tell = |error: reqwest::Error| format!("{url}: {}", with_causes(&error));
    // One for each request: its connections belong to the runtime of the test.
    let client = Client::builder().no_proxy().timeout(PATIENCE).build().map_err(tell)?;
    let response = client.get(url).send().await.map_err(tell)?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.text().await.map_err(tell)?;
    Ok(Reply { status, headers, body })
}

/// Asks for a page that has to be there.
///
/// # Errors
/// When there is no answer with status 200.
pub async fn page(url: &str) -> Result<String, String> {
    let Reply { status, body, .. } = get(url).await?;
    if status == 200 {
        Ok(body)
    } else {
        Err(format!("{url}: status {status}: {}", body.trim_end()))
    }
}

/// Asks for a page of JSON.
///
/// # Errors
/// When there is no answer with status 200 and JSON.
pub async fn json(url: &str) -> Result<Value, String> {
    let body = page(url).await?;
    serde_json::from_str(&body).map_err(|error| format!("{url}: {error}: {body}"))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
