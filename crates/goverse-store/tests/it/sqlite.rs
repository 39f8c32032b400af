//! The store in a file passes the suite.

mod durability;
mod files;

use std::sync::Arc;

use goverse_node::StateStore;
use goverse_store::{SqliteSettings, SqliteStore};
use tempfile::TempDir;

use crate::conformance::{Place, every_case};

/// A file in a folder of its own.
struct File(TempDir);

impl Place for File {
    async fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    async fn open(&self) -> Arc<dyn StateStore> {
        let settings = SqliteSettings::new(self.0.path().join("state.db"));
        Arc::new(SqliteStore::open(&settings).unwrap())
    }
}

every_case!(File);
