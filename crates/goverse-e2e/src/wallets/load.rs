//! Clients that deposit and pay, and write down what they were answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use goverse::prelude::*;
use goverse_samples::wallet::{Wallet, WalletError};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::journal::{Answer, Failure, Journal, Line};
use super::plan::{Change, Operation, Plan, Treatment};
use crate::poll;

/// How far back an operation may lie that is replayed.
const MEMORY: u64 = 300;
/// How often a call with an id is made that fails.
const ATTEMPTS_MAX: u32 = 20;
/// How long a client rests after a call that failed.
const REST: Duration = Duration::from_millis(20);

/// Clients of wallets.
#[derive(Clone, Debug)]
pub struct Load {
    /// What they do.
    pub plan: Plan,
    /// How many there are.
    pub clients: u64,
    /// How many operations they do; without end if that is not said.
    pub operations: Option<u64>,
}

/// One of them.
struct Client {
    plan: Plan,
    node: Node,
    journal: Arc<Journal>,
    next: Arc<AtomicU64>,
    end: u64,
    choices: SmallRng,
}

type Answered = Result<u64, CallError<WalletError>>;

// === impl Load ===

impl Load {
    /// Runs the clients to their end.
    ///
    /// # Panics
    /// When a client panics, as it does when the journal cannot be written.
    pub async fn run(self, node: Node, journal: Arc<Journal>) {
        let first = journal.begin(self.clients);
        let next = Arc::new(AtomicU64::new(first));
        let end = self.operations.map_or(u64::MAX, |operations| first + operations);
        let mut clients = JoinSet::new();
        for number in 0..self.clients {
            let client = Client {
                plan: self.plan,
                node: node.clone(),
                journal: Arc::clone(&journal),
                next: Arc::clone(&next),
                end,
                choices: SmallRng::seed_from_u64(self.plan.seed ^ (first + number)),
            };
            clients.spawn(client.run());
        }
        while let Some(ended) = clients.join_next().await {
            ended.expect("a client ends by itself");
        }
    }
}

// === impl Client ===

impl Client {
    async fn run(mut self) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.end {
                return;
            }
            self.perform(&self.plan.operation(number)).await;
            if self.choices.random_bool(0.25) {
                let earlier = number - self.choices.random_range(1..=MEMORY.min(number));
                self.replay(&self.plan.operation(earlier)).await;
            }
        }
    }

    async fn perform(&self, operation: &Operation) {
        match operation.treatment {
            Treatment::Once => {
                self.attempt(operation).await;
            }
            Treatment::Replayed => {
                self.until_answered(operation).await;
                self.until_answered(operation).await;
            }
            Treatment::Doubled => {
                tokio::join!(self.until_answered(operation), self.until_answered(operation));
            }
            Treatment::Aborted(after) => {
                // Given up, the call is dropped, wherever it is.
                if timeout(after, self.attempt(operation)).await != Ok(true) {
                    self.until_answered(operation).await;
                }
            }
        }
    }

    /// Repeats an operation of the past, if it may be repeated.
    async fn replay(&self, operation: &Operation) {
        if operation.number > 0 && operation.call_id().is_some() {
            self.until_answered(operation).await;
        }
    }

    async fn until_answered(&self, operation: &Operation) {
        for _ in 0..ATTEMPTS_MAX {
            if self.attempt(operation).await {
                return;
            }
        }
    }

    /// Whether the operation was answered.
    async fn attempt(&self, operation: &Operation) -> bool {
        let number = operation.number;
        let line = match self.call(operation).await {
            Ok(balance) => Line::Answered(number, Answer::Done(balance)),
            Err(CallError::Method(WalletError::TooLittle(balance))) => {
                Line::Answered(number, Answer::TooLittle(balance))
            }
            Err(CallError::Method(error)) => panic!("operation {number}: {error}"),
            Err(CallError::System(error)) => {
                let (ran, code) = (error.ran().to_string(), error.code().to_string());
                Line::Failed(number, Failure { ran, code })
            }
        };
        let is_answered = matches!(line, Line::Answered(..));
        self.journal.add(line);
        if !is_answered {
            poll::pause(REST).await;
        }
        is_answered
    }

    async fn call(&self, operation: &Operation) -> Answered {
        let wallet = self.node.object::<Wallet>(&operation.wallet);
        let n = operation.number;
        match (&operation.change, operation.call_id()) {
            (Change::Deposit, None) => wallet.deposit(n).await,
            (Change::Deposit, Some(id)) => wallet.deposit(n).call_id(id).await,
            (Change::Pay(to), None) => wallet.pay(to.clone(), n).await,
            (Change::Pay(to), Some(id)) => wallet.pay(to.clone(), n).call_id(id).await,
        }
    }
}
