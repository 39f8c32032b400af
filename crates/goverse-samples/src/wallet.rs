//! A wallet: money that is neither lost nor made, whoever dies in between.
//!
//! A payment is two changes of two objects. The wallet that pays takes the money out and asks for the other's credit by a
//! call after the commit: both are stored in one transaction, and the credit is delivered until it has been answered, once.

use goverse::prelude::*;
use serde::{Deserialize, Serialize};

/// Money, and how it came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    balance: u64,
    ledger: Vec<Entry>,
}

/// One change of a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// Money that came from outside.
    Deposited(u64),
    /// Money that went to another wallet.
    PaidTo(String, u64),
    /// Money that came from another wallet.
    PaidBy(String, u64),
}

/// Why a wallet refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WalletError {
    /// It has too little: this much.
    TooLittle(u64),
    /// It would have more than it can count.
    TooMuch,
}

#[goverse::object(persist)]
impl Wallet {
    /// Puts money in; the new balance.
    pub fn deposit(&mut self, n: u64) -> Result<u64, WalletError> {
        self.change(Entry::Deposited(n))
    }

    /// Pays money to another wallet, which gets it a moment later; what is left.
    pub fn pay(&mut self, cx: &Ctx, to: String, n: u64) -> Result<u64, WalletError> {
        let left = self.change(Entry::PaidTo(to.clone(), n))?;
        cx.object::<Wallet>(to).credit(cx.id().to_string(), n).after_commit(cx);
        Ok(left)
    }

    /// Takes what another wallet has paid.
    pub fn credit(&mut self, from: String, n: u64) -> Result<u64, WalletError> {
        self.change(Entry::PaidBy(from, n))
    }

    /// What is in it.
    pub fn balance(&self) -> u64 {
        self.balance
    }

    /// Every change, the oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.ledger.clone()
    }
}

impl Wallet {
    fn change(&mut self, entry: Entry) -> Result<u64, WalletError> {
        self.balance = entry.applied_to(self.balance)?;
        self.ledger.push(entry);
        Ok(self.balance)
    }
}

// === impl Entry ===

impl Entry {
    /// The balance after this change.
    ///
    /// # Errors
    /// When there is too little for it, or there would be too much.
    pub fn applied_to(&self, balance: u64) -> Result<u64, WalletError> {
        match self {
            Entry::Deposited(n) | Entry::PaidBy(_, n) => {
                balance.checked_add(*n).ok_or(WalletError::TooMuch)
            }
            Entry::PaidTo(_, n) => balance.checked_sub(*n).ok_or(WalletError::TooLittle(balance)),
        }
    }
}

impl std::fmt::Display for WalletError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WalletError::TooLittle(balance) => write!(f, "there is too little: {balance}"),
            WalletError::TooMuch => f.write_str("there would be too much"),
        }
    }
}

impl std::error::Error for WalletError {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use goverse::store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_payment_arrives_and_the_ledgers_tell_of_it() {
        let address = "localhost:47000".parse().expect("a host and a port");
        let store = Arc::new(MemoryStore::new());
        let node =
            Node::builder(address).object::<Wallet>().store(store).build().expect("all is well");
        let (ann, ben) = (node.object::<Wallet>("ann"), node.object::<Wallet>("ben"));
        assert_eq!(ann.deposit(10).await, Ok(10));
        assert_eq!(ann.pay("ben".to_owned(), 4).await, Ok(6));
        let short = ann.pay("ben".to_owned(), 7).await;
        assert_eq!(short, Err(CallError::Method(WalletError::TooLittle(6))));
        while ben.balance().await != Ok(4) {
            tokio::task::yield_now().await;
        }
        assert_eq!(ben.ledger().await, Ok(vec![Entry::PaidBy("ann".to_owned(), 4)]));
        let paid = Entry::PaidTo("ben".to_owned(), 4);
        assert_eq!(ann.ledger().await, Ok(vec![Entry::Deposited(10), paid]));
    }
}
