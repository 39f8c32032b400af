//! The store in PostgreSQL passes the suite, on a real server that the tests start.

mod cut_batches;
mod encryption;
mod locks;
mod servers;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use goverse_node::StateStore;
use goverse_store::scratch_postgres::ScratchPostgres;
use goverse_store::{PostgresSettings, PostgresStore};

use crate::conformance::{Place, every_case};

/// A schema of its own, in the one server of all tests.
struct Schema(String);

impl Place for Schema {
    async fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // A name that has to be quoted.
        Self(format!("case \"{}\"", NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    async fn open(&self) -> Arc<dyn StateStore> {
        Arc::new(PostgresStore::open(&settings(&self.0)).await.unwrap())
    }
}

every_case!(Schema);

/// The server of the tests that leave it running. It ends with the process.
fn server() -> &'static ScratchPostgres {
    static SERVER: OnceLock<ScratchPostgres> = OnceLock::new();
    SERVER.get_or_init(|| ScratchPostgres::start(&[]).unwrap())
}

fn settings(schema: &str) -> PostgresSettings {
    let settings = PostgresSettings::new(server().url());
    PostgresSettings { schema: schema.to_owned(), connections: 4, ..settings }
}
