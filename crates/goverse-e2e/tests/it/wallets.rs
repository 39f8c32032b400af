//! Money is neither lost nor made, and nothing is done twice: whoever is killed, whatever is cut off.

mod abuse;
mod bank;
mod postgres;
mod slow_store;
mod sqlite;

use rand::Rng;

/// The seed of a test: printed, and given again by `GOVERSE_WALLETS_SEED`. The moments of kills vary all the same.
fn seed() -> u64 {
    let given = std::env::var("GOVERSE_WALLETS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| rand::rng().random());
    eprintln!("GOVERSE_WALLETS_SEED={seed}");
    seed
}

/// How many rounds to run of a soak test: 1, or what a soak asks for.
fn rounds() -> u64 {
    std::env::var("GOVERSE_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}
