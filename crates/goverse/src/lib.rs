//! GoVerse: distributed objects whose every node and type is visible in Prometheus.
//!
//! An application writes types and registers them; [`app`] does the rest: command line, configuration,
//! logs, metrics and signals.
//!
//! ```no_run
//! use goverse::prelude::*;
//!
//! #[derive(Default)]
//! struct ChatRoom {
//!     said: Vec<String>,
//! }
//!
//! #[goverse::object]
//! impl ChatRoom {
//!     fn say(&mut self, text: String) -> usize {
//!         self.said.push(text);
//!         self.said.len()
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> goverse::Result<()> {
//!     goverse::app().object::<ChatRoom>().run().await
//! }
//! ```
//!
//! Started with `--metrics-listen-address localhost:9090`, it shows `goverse_objects_total{node,type}` and
//! its family on `http://localhost:9090/metrics`, and the application's own `metrics::` macros beside them.

mod app;
mod logging;

pub use app::{App, Error, Result, app, run_until_stopped};
pub use goverse_core as core;
pub use goverse_metrics as metrics;
pub use goverse_node as node;
pub use goverse_node::object;
pub use goverse_server as server;
pub use goverse_store as store;
pub use logging::init_logging;

/// What applications use: `use goverse::prelude::*`.
pub mod prelude {
    pub use goverse_core::{ErrorCode, NodeAddress, ObjectId, TypeName};
    pub use goverse_node::{
        Call, CallError, Ctx, DeactivationReason, Encoding, HookError, ListQuery, Never, Node,
        Object, ObjectError, ObjectInfo, ObjectRef, Proto, Ran, StoredState, SystemError, Timer,
        TypeSettings, WritePolicy, object,
    };
    pub use goverse_server::{Server, ServerConfig};
}

/// The examples of the pages, compiled with those of the documentation.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/objects.md")]
    struct Objects;

    #[doc = include_str!("../../../docs/state.md")]
    struct State;
}
