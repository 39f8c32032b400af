//! The composition root of a GoVerse node: configuration, the metrics recorder, and the operations port.
//!
//! [`Server::start`](ServerBuilder::start) installs the recorder, then makes the node, then serves
//! `/metrics`, health and `/objects`. The order matters: metrics of a node that was made before its
//! recorder stay at nothing for ever.
//!
//! ```no_run
//! use goverse_server::{Server, ServerConfig};
//!
//! # #[derive(Default)] struct ChatRoom;
//! # impl goverse_node::Object for ChatRoom { const TYPE: &'static str = "ChatRoom"; }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = ServerConfig::new("localhost:47000".parse()?);
//! config.metrics_listen_address = Some("localhost:9090".parse()?);
//! let server = Server::builder(config).object::<ChatRoom>().start().await?;
//! server.node().create_object("ChatRoom", "lobby").await?;
//! server.run_until_signal().await;
//! # Ok(())
//! # }
//! ```

mod config;
mod operations;
mod recorder;
mod server;
mod signals;
mod store;

pub use config::{ConfigArgs, ConfigError, ObjectsConfig, ServerConfig, StoreConfig, StoreUrl};
pub use goverse_http::ConnectionLimits;
pub use operations::OperationsLimits;
pub use recorder::{NodeClaim, Recorder, RecorderBuilder, RecorderError};
pub use server::{Server, ServerBuilder, StartError};
pub use signals::stop_signal;
pub use store::open_store;
