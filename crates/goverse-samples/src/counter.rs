//! A counter: the smallest object that does something.

use goverse::prelude::*;
use serde::{Deserialize, Serialize};

/// Counts.
#[derive(Debug, Default)]
pub struct Counter {
    n: i64,
}

/// Why a counter did not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CounterError {
    /// The number would have become too large.
    Overflow,
    /// The other counter gave no answer.
    NoAnswer(String),
}

#[goverse::object]
impl Counter {
    /// Adds, and tells the sum.
    pub fn add(&mut self, by: i64) -> Result<i64, CounterError> {
        self.n = self.n.checked_add(by).ok_or(CounterError::Overflow)?;
        Ok(self.n)
    }

    /// Adds what another counter has come to, and tells the sum.
    pub async fn add_from(&mut self, cx: &Ctx, other: String) -> Result<i64, CounterError> {
        let by = cx.object::<Counter>(&other).get().await;
        self.add(by.map_err(|error| CounterError::NoAnswer(error.to_string()))?)
    }

    /// What it has come to.
    pub fn get(&self) -> i64 {
        self.n
    }
}

impl std::fmt::Display for CounterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CounterError::Overflow => f.write_str("the number would become too large"),
            CounterError::NoAnswer(why) => write!(f, "the other counter gave no answer: {why}"),
        }
    }
}

impl std::error::Error for CounterError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> Node {
        let address = "localhost:47000".parse().expect("a host and a port");
        Node::builder(address).object::<Counter>().build().expect("the type has a name")
    }

    #[tokio::test]
    async fn counters_add_up() {
        let node = node();
        let (a, b) = (node.object::<Counter>("a"), node.object::<Counter>("b"));
        assert_eq!(a.add(3).await, Ok(3));
        assert_eq!(b.add(4).await, Ok(4));
        assert_eq!(a.add_from("b".to_owned()).await, Ok(7));
        assert_eq!(a.add(i64::MAX).await, Err(CallError::Method(CounterError::Overflow)));
        assert_eq!(a.get().await, Ok(7));
    }

    #[tokio::test]
    async fn a_counter_does_not_wait_for_itself() {
        let answer = node().object::<Counter>("a").add_from("a".to_owned()).await;
        assert!(matches!(answer, Err(CallError::Method(CounterError::NoAnswer(_)))), "{answer:?}");
    }
}
