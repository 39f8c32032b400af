//! The store in memory passes the suite.

use std::sync::Arc;

use goverse_node::StateStore;
use goverse_store::MemoryStore;

use crate::conformance::{Place, every_case};

/// The same maps for all.
struct Memory(MemoryStore);

impl Place for Memory {
    async fn new() -> Self {
        Self(MemoryStore::new())
    }

    async fn open(&self) -> Arc<dyn StateStore> {
        Arc::new(self.0.clone())
    }
}

every_case!(Memory);
