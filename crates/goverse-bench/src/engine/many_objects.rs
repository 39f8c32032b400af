//! 64 callers over 1000 objects that are addressed by id, each caller in an order of its own.

use std::hint::black_box;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

use super::callers::{Bell, per_second};
use super::competitor::{Competitor, complete};
use super::contest::{Beside, Quantity, Scenario};

/// How many call at once.
pub(super) const CALLERS: usize = 64;
const OBJECTS: usize = 1_000;

pub(super) struct ManyObjects;

impl Scenario for ManyObjects {
    type Outcome = f64;

    fn quantities(&self) -> Vec<Quantity<f64>> {
        let beside = Beside::MostOfFrameworks;
        vec![Quantity { name: "many_objects", unit: "calls/s", value: |calls| *calls, beside }]
    }

    fn measure<C: Competitor>(&self, competitor: Arc<C>, threads: &C::Threads) -> f64 {
        let ids: Arc<[String]> = (0..OBJECTS).map(|number| format!("counter-{number}")).collect();
        let directory = directory(competitor, threads, Arc::clone(&ids));
        per_second(threads, CALLERS, |caller, bell| {
            call::<C>(Arc::clone(&directory), Arc::clone(&ids), order(caller), bell)
        })
    }
}

/// Objects with these ids.
pub(super) fn directory<C: Competitor>(
    competitor: Arc<C>,
    threads: &C::Threads,
    ids: Arc<[String]>,
) -> Arc<C::Directory> {
    Arc::new(complete(threads, async move { competitor.directory(&ids).await }))
}

/// The same in every run.
fn order(caller: usize) -> Vec<usize> {
    let mut order: Vec<_> = (0..OBJECTS).collect();
    order.shuffle(&mut SmallRng::seed_from_u64(caller as u64));
    order
}

async fn call<C: Competitor>(
    directory: Arc<C::Directory>,
    ids: Arc<[String]>,
    order: Vec<usize>,
    bell: Bell,
) -> u64 {
    let mut order = order.iter().cycle();
    let mut calls = 0;
    while let (false, Some(number)) = (bell.rings(), order.next()) {
        let id = black_box(ids[*number].as_str());
        black_box(C::add_by_id(&directory, id, black_box(5)).await);
        calls += 1;
    }
    calls
}
