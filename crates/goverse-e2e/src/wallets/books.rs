//! What a store holds of wallets, and whether that is right.

use std::collections::BTreeMap;
use std::sync::Arc;

use goverse::core::Payload;
use goverse::node::{Outgoing, StateStore, StoreError};
use goverse::prelude::*;
use goverse_samples::wallet::{Entry, Wallet};
use serde_json::Value;

use super::journal::{Answer, Failure, History};
use super::plan::{Change, Plan};
use crate::poll;

/// Fewer than the calls that are looked at in one go.
const PAGE: u32 = 10_000;

/// What a store holds, while nobody writes to it.
#[derive(Debug)]
pub struct Books {
    wallets: BTreeMap<String, Wallet>,
    outgoing: Vec<Outgoing>,
    dead_letters: usize,
}

/// What the ledgers say.
#[derive(Default)]
struct Ledgers {
    /// By the number of the operation, what was in the wallet after it.
    done: BTreeMap<u64, u64>,
    payments: BTreeMap<(String, String), Payments>,
}

/// The payments of one wallet to another.
#[derive(Default)]
struct Payments {
    /// As the payer's ledger has them, in its order.
    paid: Vec<u64>,
    /// As the other's has them.
    credited: Vec<u64>,
    /// As they are stored to be delivered.
    outgoing: Vec<u64>,
}

/// Lets a fresh node deliver every payment, and returns the books, which its wallets agree with.
///
/// # Panics
/// When payments do not arrive within a minute, or the wallets say other things than the store.
pub async fn settle(store: Arc<dyn StateStore>) -> Books {
    let address = "localhost:47999".parse().expect("a host and a port");
    let node = Node::builder(address).object::<Wallet>().store(Arc::clone(&store));
    let node = node.build().expect("one type and a store");
    node.open_store().await.expect("the store is there");
    poll::until("every payment to arrive", poll::LATER, async || {
        let left = store.outgoing(None, PAGE).await.map_err(|error| error.to_string())?;
        poll::expect(left.is_empty(), &left)
    })
    .await;
    let books = Books::read(&*store).await.expect("the store is there");
    for (id, stored) in &books.wallets {
        let wallet = node.object::<Wallet>(id);
        assert_eq!(wallet.ledger().await, Ok(stored.ledger()), "{id}");
        assert_eq!(wallet.balance().await, Ok(stored.balance()), "{id}");
    }
    node.shutdown(poll::SOON).await;
    books
}

// === impl Books ===

impl Books {
    /// Reads what is stored.
    ///
    /// # Errors
    /// When the store does not answer.
    ///
    /// # Panics
    /// When what is stored is no wallet.
    pub async fn read(store: &dyn StateStore) -> Result<Self, StoreError> {
        let mut wallets = BTreeMap::new();
        for listed in store.list(None, None, PAGE).await? {
            if let Some((_, state)) = store.read(&listed.object).await? {
                let wallet = state.decode().expect("a wallet was stored");
                wallets.insert(listed.object.id.as_str().to_owned(), wallet);
            }
        }
        let outgoing = store.outgoing(None, PAGE).await?;
        let dead_letters = store.dead_letters(None, PAGE).await?.len();
        Ok(Self { wallets, outgoing, dead_letters })
    }

    /// Compares the books with what clients were told, and with each other.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn audit(&self, plan: &Plan, history: &History) -> Result<(), String> {
        let ledgers = self.ledgers(plan)?;
        ledgers.audit_answers(plan, history)?;
        ledgers.audit_payments()?;
        if self.dead_letters > 0 {
            return Err(format!("{} calls failed for good", self.dead_letters));
        }
        self.audit_money()
    }

    fn ledgers(&self, plan: &Plan) -> Result<Ledgers, String> {
        let mut ledgers = Ledgers::default();
        for (id, wallet) in &self.wallets {
            let mut balance = 0;
            for entry in wallet.ledger() {
                balance = entry
                    .applied_to(balance)
                    .map_err(|error| format!("{entry:?} of {id}: {error}"))?;
                ledgers.enter(plan, id, &entry, balance)?;
            }
            if balance != wallet.balance() {
                return Err(format!("{id} has {}, its ledger {balance}", wallet.balance()));
            }
        }
        for call in &self.outgoing {
            let pair = (call.key.from.id.as_str().to_owned(), call.to.id.as_str().to_owned());
            ledgers.payments.entry(pair).or_default().outgoing.push(amount(call)?);
        }
        Ok(ledgers)
    }

    /// What is in the wallets and on its way is what came from outside.
    fn audit_money(&self) -> Result<(), String> {
        let ledgers = self.wallets.values().flat_map(Wallet::ledger);
        let (mut deposited, mut paid, mut credited) = (0, 0, 0);
        for entry in ledgers {
            match entry {
                Entry::Deposited(n) => deposited += n,
                Entry::PaidTo(_, n) => paid += n,
                Entry::PaidBy(_, n) => credited += n,
            }
        }
        let held: u64 = self.wallets.values().map(Wallet::balance).sum();
        let on_their_way = paid - credited;
        if held + on_their_way == deposited {
            return Ok(());
        }
        Err(format!("{deposited} was deposited, {held} is there, {on_their_way} is on its way"))
    }

    /// How many payments are stored to be delivered, or to be settled.
    pub fn outgoing(&self) -> usize {
        self.outgoing.len()
    }
}

/// The money of a call of `credit`.
fn amount(call: &Outgoing) -> Result<u64, String> {
    let arguments: Value = Payload::decode(call.encoding, &call.arguments)
        .map_err(|error| format!("{call:?}: {error}"))?;
    arguments["n"].as_u64().ok_or_else(|| format!("{call:?} has {arguments}"))
}

// === impl Ledgers ===

impl Ledgers {
    /// Takes an entry that has made this balance.
    fn enter(&mut self, plan: &Plan, id: &str, entry: &Entry, after: u64) -> Result<(), String> {
        let (n, by, change) = match entry {
            Entry::Deposited(n) => (*n, id, Change::Deposit),
            Entry::PaidTo(to, n) => {
                self.between(id, to).paid.push(*n);
                (*n, id, Change::Pay(to.clone()))
            }
            Entry::PaidBy(from, n) => {
                self.between(from, id).credited.push(*n);
                (*n, from.as_str(), Change::Pay(id.to_owned()))
            }
        };
        let operation = plan.operation(n);
        if (operation.wallet.as_str(), &operation.change) != (by, &change) {
            return Err(format!("{id} has {entry:?}, and {operation:?} is all there was"));
        }
        let is_own = !matches!(entry, Entry::PaidBy(..));
        if is_own && self.done.insert(n, after).is_some() {
            return Err(format!("{id} has {entry:?} twice"));
        }
        Ok(())
    }

    fn between(&mut self, from: &str, to: &str) -> &mut Payments {
        self.payments.entry((from.to_owned(), to.to_owned())).or_default()
    }

    fn audit_answers(&self, plan: &Plan, history: &History) -> Result<(), String> {
        for (number, answers) in &history.answers {
            if answers.iter().any(|answer| *answer != answers[0]) {
                return Err(format!("operation {number} was answered {answers:?}"));
            }
            let (told, done) = (answers[0], self.done.get(number).copied());
            let is_right = match told {
                Answer::Done(after) => done == Some(after),
                Answer::TooLittle(_) => done.is_none(),
            };
            if !is_right {
                let operation = plan.operation(*number);
                return Err(format!("{operation:?} was answered {told:?}, and came to {done:?}"));
            }
        }
        for (number, failure) in &history.failures {
            let is_repeated = plan.operation(*number).call_id().is_some();
            if failure.changed_nothing() && !is_repeated && self.done.contains_key(number) {
                return Err(format!(
                    "operation {number} has taken effect, and was told {failure:?}"
                ));
            }
        }
        Ok(())
    }

    /// Payments arrive once, in their order; what has not arrived is stored to be delivered.
    fn audit_payments(&self) -> Result<(), String> {
        for ((from, to), payments) in &self.payments {
            let Payments { paid, credited, .. } = payments;
            let are_equal = |at: &usize| paid.get(*at) == credited.get(*at);
            if let Some(at) = (0..credited.len()).find(|at| !are_equal(at)) {
                let (paid, got) = (paid.get(at), credited[at]);
                return Err(format!(
                    "payment {at} of {from} to {to} is {paid:?}, and it got {got}"
                ));
            }
            let (on_their_way, left) = (payments.on_their_way(), payments.left());
            if on_their_way != left {
                return Err(format!(
                    "{from} paid {to} {on_their_way:?}, which did not arrive; stored is {left:?}"
                ));
            }
        }
        Ok(())
    }
}

// === impl Payments ===

impl Payments {
    /// Those that the other has not got.
    fn on_their_way(&self) -> &[u64] {
        &self.paid[self.credited.len().min(self.paid.len())..]
    }

    /// Those that are stored and that it has not got: what it has got may not be settled yet.
    fn left(&self) -> Vec<u64> {
        self.outgoing.iter().copied().filter(|n| !self.credited.contains(n)).collect()
    }
}

// === impl Failure ===

impl Failure {
    /// Whether the operation had no effect, and never will have.
    fn changed_nothing(&self) -> bool {
        self.ran == "no" || matches!(self.code.as_str(), "store_unavailable" | "store_conflict")
    }
}
