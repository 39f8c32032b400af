//! A process with wallets and clients, which is killed and started again.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use goverse_e2e::poll::{self, SOON};
use goverse_e2e::wallets::{History, Plan};
use goverse_e2e::{Process, Stream};
use rand::Rng;
use rand::rngs::SmallRng;
use tempfile::TempDir;

/// What goes on from one process to the next.
pub(super) struct Bank {
    pub(super) plan: Plan,
    pub(super) folder: TempDir,
    store: String,
    process: Option<Process>,
}

// === impl Bank ===

impl Bank {
    pub(super) fn new(seed: u64, store: impl FnOnce(&TempDir) -> String) -> Self {
        let folder = TempDir::new().unwrap();
        let store = store(&folder);
        Self { plan: Plan { seed, wallets: 8 }, folder, store, process: None }
    }

    /// Starts the process, see `src/bin/wallets.rs`.
    pub(super) fn start(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wallets"));
        command.args(["--store", &self.store, "--wait", "--advertise-address", "localhost:47000"]);
        command.arg("--journal").arg(self.journal()).args(["--seed", &self.plan.seed.to_string()]);
        command.args(["--wallets", &self.plan.wallets.to_string()]);
        self.process = Some(Process::start(command));
    }

    /// Kills the process at once, and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        let mut process = self.process.take().expect("it was started");
        process.kill();
        process.wait_exit(SOON).await;
    }

    /// Kills the process at a random moment: sometimes at once, mostly after it has answered something.
    pub(super) async fn kill_at_random(&mut self, choices: &mut SmallRng) {
        let answers = if choices.random_bool(0.1) { 0 } else { choices.random_range(1..120) };
        self.wait_for_answers(answers).await;
        poll::pause(Duration::from_micros(choices.random_range(0..30_000))).await;
        self.kill().await;
    }

    /// Waits until so many more operations have been answered.
    pub(super) async fn wait_for_answers(&mut self, answers: usize) {
        let before = self.history().answered();
        let process = self.process.as_mut().expect("it was started");
        let journal = self.folder.path().join("journal");
        poll::until("operations to be answered", poll::LATER, async || {
            if let Some(status) = process.try_exit() {
                panic!("ended by itself: {status}: {}", process.printed(Stream::Stderr));
            }
            let answered = History::read(&journal).unwrap().answered() - before;
            poll::expect(answered >= answers, answered)
        })
        .await;
    }

    /// What its clients were answered.
    pub(super) fn history(&self) -> History {
        History::read(&self.journal()).unwrap()
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }
}
