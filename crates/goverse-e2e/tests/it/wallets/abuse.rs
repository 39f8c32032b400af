//! Calls are given up, repeated and doubled, and take effect once.

use std::sync::Arc;
use std::time::Duration;

use goverse::node::StateStore;
use goverse::prelude::*;
use goverse::store::{PostgresSettings, PostgresStore, SqliteSettings, SqliteStore};
use goverse_e2e::poll::{LATER, SOON};
use goverse_e2e::wallets::{Books, Journal, Load, Plan, settle};
use goverse_samples::wallet::Wallet;
use goverse_store::scratch_postgres::ScratchPostgres;
use tempfile::TempDir;
use tokio::time::timeout;

use super::slow_store::SlowStore;
use super::{rounds, seed};

const OPERATIONS: u64 = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_abused_calls_take_effect_once_in_memory() {
    let seed = seed();
    for seed in (0..rounds()).map(|round| seed.wrapping_add(round)) {
        abuse(seed, Arc::new(SlowStore::new(seed, Duration::from_millis(4)))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_abused_calls_take_effect_once_on_sqlite() {
    let seed = seed();
    for seed in (0..rounds()).map(|round| seed.wrapping_add(round)) {
        let folder = TempDir::new().unwrap();
        let settings = SqliteSettings::new(folder.path().join("wallets.db"));
        abuse(seed, Arc::new(SqliteStore::open(&settings).unwrap())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_abused_calls_take_effect_once_on_postgresql() {
    let seed = seed();
    let server = ScratchPostgres::start(&[]).unwrap();
    for seed in (0..rounds()).map(|round| seed.wrapping_add(round)) {
        let mut settings = PostgresSettings::new(server.url());
        settings.schema = format!("round {seed}");
        abuse(seed, Arc::new(PostgresStore::open(&settings).await.unwrap())).await;
    }
}

/// 40 wallets, 8 clients: nothing is lost, doubled or stuck, and every repeat is answered as the first was.
async fn abuse(seed: u64, store: Arc<dyn StateStore>) {
    let plan = Plan { seed, wallets: 40 };
    let journal = Arc::new(Journal::in_memory());
    let node = Node::builder("localhost:47000".parse().unwrap()).object::<Wallet>();
    let node = node.store(Arc::clone(&store)).build().unwrap();
    let load = Load { plan, clients: 8, operations: Some(OPERATIONS) };
    let run = load.run(node.clone(), Arc::clone(&journal));
    timeout(LATER, run).await.unwrap_or_else(|_| panic!("seed {seed}: clients are stuck"));
    let history = journal.history();
    assert_eq!(history.failures, [], "seed {seed}");
    // A client that looks back may be first to call an operation from before the others began.
    assert!(history.answered() as u64 >= OPERATIONS, "seed {seed}: {}", history.answered());
    node.shutdown(SOON).await;
    drop(node);
    let left = Books::read(&*store).await.unwrap();
    for books in [left, settle(store).await] {
        books.audit(&plan, &history).unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
    }
}
