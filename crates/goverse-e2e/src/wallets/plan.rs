//! What each operation of a load is.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// What the operations are, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Another seed makes other operations.
    pub seed: u64,
    /// How many wallets there are; at least 2.
    pub wallets: u64,
}

/// One change that a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Which; also the amount of money.
    pub number: u64,
    /// Which wallet is asked.
    pub wallet: String,
    /// For what.
    pub change: Change,
    /// How its client treats it.
    pub treatment: Treatment,
}

/// What a wallet is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// To take money from outside.
    Deposit,
    /// To pay another wallet.
    Pay(String),
}

/// How a client treats an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It is called once, without an id.
    Once,
    /// It is called, and again when it has been answered.
    Replayed,
    /// It is called twice at the same time.
    Doubled,
    /// The call is given up after so long, and repeated.
    Aborted(Duration),
}

// === impl Plan ===

impl Plan {
    /// The operation of this number, always the same.
    ///
    /// Half of all are of two wallets, which pay each other. A fifth of all are aborted, a third are replayed.
    pub fn operation(&self, number: u64) -> Operation {
        let mut choices = SmallRng::seed_from_u64(self.seed.rotate_left(32) ^ number);
        let among = if choices.random_bool(0.5) { 2 } else { self.wallets };
        let wallet = choices.random_range(0..among);
        let to = (wallet + choices.random_range(1..among)) % among;
        let is_deposit = choices.random_bool(0.5);
        let change = if is_deposit { Change::Deposit } else { Change::Pay(name(to)) };
        let treatment = match choices.random_range(0..15) {
            0..3 => Treatment::Aborted(Duration::from_millis(choices.random_range(2..=20))),
            3 => Treatment::Doubled,
            4..8 => Treatment::Replayed,
            _ => Treatment::Once,
        };
        Operation { number, wallet: name(wallet), change, treatment }
    }
}

fn name(wallet: u64) -> String {
    format!("wallet-{wallet:02}")
}

// === impl Operation ===

impl Operation {
    /// The id of the call, if it has one: it may be repeated as often as one likes.
    pub fn call_id(&self) -> Option<String> {
        (self.treatment != Treatment::Once).then(|| format!("operation-{}", self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Plan, Treatment};

    #[test]
    fn operations_are_spread_as_they_should_be() {
        let plan = Plan { seed: 7, wallets: 40 };
        let operations: Vec<_> = (0..15_000).map(|number| plan.operation(number)).collect();
        let share = |is: &dyn Fn(&super::Operation) -> bool| {
            operations.iter().filter(|operation| is(operation)).count() / 150
        };
        assert!((19..=21).contains(&share(&|it| matches!(it.treatment, Treatment::Aborted(_)))));
        let is_replayed = |treatment| matches!(treatment, Treatment::Replayed | Treatment::Doubled);
        assert!((32..=35).contains(&share(&|it| is_replayed(it.treatment))));
        for (from, to) in [("wallet-00", "wallet-01"), ("wallet-01", "wallet-00")] {
            let pay = Change::Pay(to.to_owned());
            assert!(share(&|it| it.wallet == from && it.change == pay) > 10);
        }
        assert!(operations.iter().all(|it| it.change != Change::Pay(it.wallet.clone())));
        assert_eq!(plan.operation(5), plan.operation(5));
    }
}
