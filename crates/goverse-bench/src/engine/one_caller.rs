//! One caller with a reference to one object: calls a second, and how long each took.
//!
//! What it takes to read the clock is in every latency, so two of them are further apart than they look.
//! For actix it makes no difference here how many arbiters there are: caller and object share one.

use std::hint::black_box;
use std::sync::Arc;

use hdrhistogram::Histogram;
use quanta::Clock;

use super::actix::Actix;
use super::callers::{self, Bell, per_second};
use super::competitor::{Competitor, Peer, complete};
use super::contest::{Beside, Quantity, Scenario};

/// Calls a second, with no clock read between them.
pub(super) struct Throughput;

/// How long each call took, by a clock that is read before and after.
pub(super) struct Latency;

impl Scenario for Throughput {
    type Outcome = f64;

    fn quantities(&self) -> Vec<Quantity<f64>> {
        let beside = Beside::Named(<Actix<2> as Peer>::NAME);
        vec![Quantity { name: "one_caller", unit: "calls/s", value: |calls| *calls, beside }]
    }

    fn measure<C: Competitor>(&self, competitor: Arc<C>, threads: &C::Threads) -> f64 {
        let object = object(competitor, threads);
        per_second(threads, 1, |_, bell| call::<C>(object.clone(), bell))
    }
}

impl Scenario for Latency {
    type Outcome = Histogram<u64>;

    fn quantities(&self) -> Vec<Quantity<Histogram<u64>>> {
        let quantity = |name, value: fn(&Histogram<u64>) -> f64| Quantity {
            name,
            unit: "ns",
            value,
            beside: Beside::Mailbox,
        };
        vec![
            quantity("one_caller p50", |took| took.value_at_quantile(0.5) as f64),
            quantity("one_caller p99", |took| took.value_at_quantile(0.99) as f64),
        ]
    }

    fn measure<C: Competitor>(&self, competitor: Arc<C>, threads: &C::Threads) -> Histogram<u64> {
        let object = object(competitor, threads);
        callers::one(threads, |_, bell| call_and_time::<C>(object.clone(), bell))
    }
}

/// An object on the thread of the first caller.
fn object<C: Competitor>(competitor: Arc<C>, threads: &C::Threads) -> C::Reference {
    complete(threads, async move { competitor.activate(0, "counter").await })
}

async fn call<C: Competitor>(object: C::Reference, bell: Bell) -> u64 {
    let mut calls = 0;
    while !bell.rings() {
        black_box(C::add(&object, black_box(5)).await);
        calls += 1;
    }
    calls
}

async fn call_and_time<C: Competitor>(object: C::Reference, bell: Bell) -> Histogram<u64> {
    let clock = Clock::new();
    let mut latencies =
        Histogram::new_with_bounds(1, 1_000_000_000, 3).expect("the bounds are valid");
    while !bell.rings() {
        let begun = clock.raw();
        black_box(C::add(&object, black_box(5)).await);
        latencies.saturating_record(clock.delta_as_nanos(begun, clock.raw()));
    }
    latencies
}
