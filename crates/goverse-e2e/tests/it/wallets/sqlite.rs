//! The store is a file, and the process is killed.

use std::sync::Arc;

use goverse::store::{SqliteSettings, SqliteStore};
use goverse_e2e::wallets::{Books, settle};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::bank::Bank;
use super::{rounds, seed};

#[tokio::test]
async fn thirty_kills_lose_nothing_and_double_nothing() {
    let interrupted = kill(seed(), 30).await;
    assert!(interrupted > 0, "no kill came between a payment and its arrival");
}

#[tokio::test]
async fn soak_three_kills_of_a_young_bank_lose_nothing_and_double_nothing() {
    let seed = seed();
    for round in 0..rounds() {
        kill(seed.wrapping_add(round), 3).await;
    }
}

/// Kills a process so many times. What it leaves is right each time, and every third time payments arrive without it.
///
/// Returns how often it was looked at with payments on their way.
async fn kill(seed: u64, kills: u64) -> u64 {
    let mut interrupted = 0;
    let mut choices = SmallRng::seed_from_u64(seed);
    let mut bank =
        Bank::new(seed, |folder| format!("sqlite:{}/wallets.db", folder.path().display()));
    for kill in 1..=kills {
        bank.start();
        bank.kill_at_random(&mut choices).await;
        let settings = SqliteSettings::new(bank.folder.path().join("wallets.db"));
        if kill == 1 && !settings.path.exists() {
            continue;
        }
        let store = Arc::new(SqliteStore::open(&settings).unwrap());
        let books = match kill % 3 {
            0 => settle(store).await,
            _ => Books::read(&*store).await.unwrap(),
        };
        interrupted += u64::from(books.outgoing() > 0);
        let history = bank.history();
        assert_eq!(history.failures, [], "seed {seed}, kill {kill}");
        if let Err(problem) = books.audit(&bank.plan, &history) {
            panic!("seed {seed}, kill {kill}: {problem}");
        }
    }
    let answered = bank.history().answered();
    eprintln!(
        "seed {seed}: {kills} kills, {answered} operations answered, {interrupted} times interrupted"
    );
    interrupted
}
