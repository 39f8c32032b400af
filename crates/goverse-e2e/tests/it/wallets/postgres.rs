//! The store is a server: it is killed, the program is killed, and what is between them is cut.

use std::sync::Arc;
use std::time::Duration;

use goverse::store::{PostgresSettings, PostgresStore};
use goverse_e2e::wallets::settle;
use goverse_e2e::{FaultyLink, poll, port};
use goverse_store::scratch_postgres::ScratchPostgres;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::block_in_place;

use super::bank::Bank;
use super::{rounds, seed};

/// How often the program is given another port, if others were faster.
const PORTS: usize = 5;

/// A server that listens on loopback.
struct Database {
    server: ScratchPostgres,
    port: u16,
}

/// A bank on such a server, and the way to it.
struct World {
    seed: u64,
    choices: SmallRng,
    database: Database,
    link: FaultyLink,
    bank: Bank,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_under_a_living_program_is_found_again() {
    let mut world = World::new(seed()).await;
    world.bank.start();
    for _ in 0..4 {
        world.run().await;
        world.crash_and_resume().await;
    }
    world.run().await;
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_in_mid_transaction_lose_nothing_and_double_nothing() {
    let mut world = World::new(seed()).await;
    world.bank.start();
    world.run().await;
    world.link.cut_one_in(40);
    for _ in 0..6 {
        world.run().await;
    }
    world.link.cut_one_in(0);
    world.run().await;
    assert!(world.link.cuts() > 5, "{} cuts", world.link.cuts());
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_whoever_crashes_and_whatever_is_cut_nothing_is_lost_or_doubled() {
    let seed = seed();
    for round in 0..rounds() {
        let mut world = World::new(seed.wrapping_add(round)).await;
        world.bank.start();
        world.link.cut_one_in(100);
        for _ in 0..3 {
            world.run().await;
            world.disturb().await;
        }
        world.link.cut_one_in(0);
        world.run().await;
        world.audit().await;
    }
}

// === impl World ===

impl World {
    async fn new(seed: u64) -> Self {
        let database = block_in_place(Database::start);
        let link = FaultyLink::start(database.port, seed).await.unwrap();
        let url = format!("postgres://postgres@{}/postgres", link.address());
        let choices = SmallRng::seed_from_u64(seed);
        Self { seed, choices, database, link, bank: Bank::new(seed, |_| url) }
    }

    /// Lets the bank answer some calls, and goes on at a random moment after that.
    async fn run(&mut self) {
        self.bank.wait_for_answers(self.choices.random_range(20..80)).await;
        self.pass_time(30).await;
    }

    async fn pass_time(&mut self, ms_max: u64) {
        poll::pause(Duration::from_micros(self.choices.random_range(0..ms_max * 1_000))).await;
    }

    async fn disturb(&mut self) {
        match self.choices.random_range(0..3) {
            0 => self.crash_and_resume().await,
            1 => {
                self.bank.kill().await;
                self.bank.start();
            }
            _ => {
                self.crash();
                self.pass_time(20).await;
                self.bank.kill().await;
                self.bank.start();
                self.pass_time(200).await;
                self.resume();
            }
        }
    }

    async fn crash_and_resume(&mut self) {
        self.crash();
        self.pass_time(300).await;
        self.resume();
    }

    fn crash(&mut self) {
        block_in_place(|| self.database.server.crash()).unwrap();
    }

    fn resume(&mut self) {
        block_in_place(|| self.database.server.resume()).unwrap();
    }

    /// Kills the bank, and looks at what it has left.
    async fn audit(&mut self) {
        self.bank.kill().await;
        let (seed, history) = (self.seed, self.bank.history());
        let words = ["store_unavailable", "outcome_unknown"];
        let mut failures = history.failures.iter();
        let wrong = failures.find(|(_, failure)| !words.contains(&failure.code.as_str()));
        assert_eq!(wrong, None, "seed {seed}");
        let store = self.database.open().await;
        let books = settle(Arc::new(store)).await;
        if let Err(problem) = books.audit(&self.bank.plan, &history) {
            panic!("seed {seed}: {problem}");
        }
        let (answered, failed) = (history.answered(), history.failures.len());
        eprintln!("seed {seed}: {answered} operations answered, {failed} calls failed");
    }
}

// === impl Database ===

impl Database {
    fn start() -> Self {
        let mut problem = None;
        for _ in 0..PORTS {
            let port = port::free_port();
            let options = ["listen_addresses=127.0.0.1", &format!("port={port}")];
            match ScratchPostgres::start(&options) {
                Ok(server) => return Self { server, port },
                Err(error) => problem = Some(error),
            }
        }
        panic!("no server: {problem:?}");
    }

    /// The store, without anything in between.
    async fn open(&self) -> PostgresStore {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        PostgresStore::open(&PostgresSettings::new(url)).await.unwrap()
    }
}
