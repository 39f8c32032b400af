//! The web page that shows a cluster, the cluster-wide `/metrics`, and Prometheus service discovery.
//!
//! An [`Inspector`] asks the operations port of each node of its [`InspectorConfig`], every
//! [`refresh`](InspectorConfig::refresh), and answers from what it knows. A node that does not answer
//! therefore delays neither the other nodes nor a request, and what the inspector says is up to
//! `refresh` old. A node counts as down once it fails to answer within
//! [`timeout`](InspectorConfig::timeout), or when its last answer is three times `refresh` old.
//!
//! | path | answer |
//! |---|---|
//! | `/` | the page |
//! | `/metrics` | the metrics of GoVerse on every node that is up, in one exposition |
//! | `/sd` | every node of the configuration, for Prometheus' HTTP service discovery |
//! | `/api/nodes` | what the page shows, as JSON |
//! | `/livez`, `/readyz` | 200 while the inspector runs |
//!
//! Scrape the nodes or the inspector, never both: their series are the same.
//!
//! ```no_run
//! # async fn run() -> Result<(), goverse_inspector::InspectorError> {
//! use goverse_inspector::{Inspector, InspectorConfig};
//!
//! let nodes = vec!["localhost:9090".to_owned(), "localhost:9091".to_owned()];
//! let inspector = Inspector::bind(InspectorConfig { nodes, ..Default::default() }).await?;
//! println!("http://{}", inspector.local_addr());
//! inspector.run(async { drop(tokio::signal::ctrl_c().await) }).await;
//! # Ok(())
//! # }
//! ```

mod config;
mod discovery;
mod error;
mod exposition;
mod inspector;
mod node_state;
mod page;
mod poll;
mod routes;
mod snapshot;
mod view;

pub use config::InspectorConfig;
pub use error::InspectorError;
pub use inspector::Inspector;
