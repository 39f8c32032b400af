//! The store of a server: how it is opened, and how the node comes to have it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use goverse_node::{Node, StateStore, StoreError};
use goverse_store::{MemoryStore, OpenError};

use crate::config::{StoreConfig, StoreUrl};
use crate::operations::Readiness;

/// How long to wait between two attempts to open a store.
const REST: Duration = Duration::from_secs(1);
/// How often the store is asked whether it is there.
const CHECK_PERIOD: Duration = Duration::from_secs(1);

/// Opens the store that the configuration names.
///
/// # Errors
/// As of [`OpenError`]. A configuration that says to wait waits while the store is not available.
pub async fn open_store(config: &StoreConfig) -> Result<Arc<dyn StateStore>, OpenError> {
    let may_mend = |error: &OpenError| matches!(error, OpenError::Unavailable { .. });
    patiently(config, may_mend, async || open_once(config).await).await
}

/// Begins to use the store that a node has.
///
/// # Errors
/// As of [`StoreError`]. A configuration that says to wait waits while the store is not available.
pub(crate) async fn begin(config: &StoreConfig, node: &Node) -> Result<(), StoreError> {
    let may_mend =
        |error: &StoreError| matches!(error, StoreError::Unavailable(_) | StoreError::Unknown(_));
    patiently(config, may_mend, async || node.open_store().await).await
}

/// Tries once, or, if the configuration says to wait, until it succeeds or fails in a way that time does not mend.
async fn patiently<T, E: Display>(
    config: &StoreConfig,
    may_mend: impl Fn(&E) -> bool,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    loop {
        match attempt().await {
            Err(error) if config.wait && may_mend(&error) => {
                tracing::warn!(%error, "waiting for the store");
                tokio::time::sleep(REST).await;
            }
            tried => return tried,
        }
    }
}

async fn open_once(config: &StoreConfig) -> Result<Arc<dyn StateStore>, OpenError> {
    match &config.url {
        StoreUrl::Memory => Ok(Arc::new(MemoryStore::new())),
        #[cfg(feature = "sqlite")]
        StoreUrl::Sqlite(path) => {
            let settings = goverse_store::SqliteSettings::new(path);
            let opened = move || goverse_store::SqliteStore::open(&settings);
            let opened = tokio::task::spawn_blocking(opened).await;
            Ok(Arc::new(opened.unwrap_or_else(|_| Err(ended(config)))?))
        }
        #[cfg(feature = "postgres")]
        StoreUrl::Postgres(url) => {
            let mut settings = goverse_store::PostgresSettings::new(url);
            if let Some(schema) = &config.schema {
                settings.schema.clone_from(schema);
            }
            if let Some(file) = &config.ca_file {
                settings.tls = goverse_store::Tls::On { authorities: Some(file.clone()) };
            }
            Ok(Arc::new(goverse_store::PostgresStore::open(&settings).await?))
        }
        #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
        other => Err(OpenError::Unusable {
            place: other.to_string(),
            problem: "this program was built without it; enable the feature `sqlite` or `postgres`"
                .to_owned(),
        }),
    }
}

#[cfg(feature = "sqlite")]
fn ended(config: &StoreConfig) -> OpenError {
    let problem = "the runtime ended while it was opened".to_owned();
    OpenError::Unavailable { place: config.url.to_string(), problem }
}

/// Asks the store again and again whether it is there, and tells whoever asks whether the node is ready.
pub(crate) async fn watch(node: Node, readiness: Arc<Readiness>) {
    loop {
        let problem = node.check_store().await.err().map(|error| error.to_string());
        match (&problem, readiness.store_problem()) {
            (Some(error), None) => tracing::warn!(error, "store not there"),
            (None, Some(_)) => tracing::info!("store there again"),
            _ => {}
        }
        readiness.set_store_problem(problem);
        tokio::time::sleep(CHECK_PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_store_does_so_until_it_is_there_and_nobody_else() {
        let mut config = StoreConfig::new(StoreUrl::Memory);
        let mut answers = vec![Ok(()), Err("lost"), Err("away")];
        let may_mend = |error: &&str| *error != "broken";
        let tried = patiently(&config, may_mend, async || answers.pop().unwrap_or(Err("gone")));
        assert_eq!(tried.await, Err("away"));
        config.wait = true;
        let tried = patiently(&config, may_mend, async || answers.pop().unwrap_or(Err("gone")));
        assert_eq!(tried.await, Ok(()));
        let broken: Result<(), _> = patiently(&config, may_mend, async || Err("broken")).await;
        assert_eq!(broken, Err("broken"));
    }
}
