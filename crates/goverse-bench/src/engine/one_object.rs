//! 64 callers on one object.

use std::hint::black_box;
use std::sync::Arc;

use super::callers::{Bell, per_second};
use super::competitor::{Competitor, complete};
use super::contest::{Beside, Quantity, Scenario};
use super::many_objects::CALLERS;

/// By what its method does.
#[derive(Clone, Copy)]
pub(super) enum OneObject {
    FinishesAtOnce,
    Yields,
    /// For another task.
    Waits,
}

impl Scenario for OneObject {
    type Outcome = f64;

    fn quantities(&self) -> Vec<Quantity<f64>> {
        let name = match self {
            Self::FinishesAtOnce => "one_object",
            Self::Yields => "one_object that yields",
            Self::Waits => "one_object that waits",
        };
        vec![Quantity { name, unit: "calls/s", value: |calls| *calls, beside: Beside::Mailbox }]
    }

    fn measure<C: Competitor>(&self, competitor: Arc<C>, threads: &C::Threads) -> f64 {
        let object = complete(threads, async move { competitor.activate(0, "counter").await });
        per_second(threads, CALLERS, |_, bell| call::<C>(object.clone(), *self, bell))
    }
}

async fn call<C: Competitor>(object: C::Reference, method: OneObject, bell: Bell) -> u64 {
    let mut calls = 0;
    while !bell.rings() {
        let by = black_box(5);
        black_box(match method {
            OneObject::FinishesAtOnce => C::add(&object, by).await,
            OneObject::Yields => C::add_yielding(&object, by).await,
            OneObject::Waits => C::add_waiting(&object, by).await,
        });
        calls += 1;
    }
    calls
}
