//! What a call of ours takes among a million objects, beside one among a thousand.
//!
//! One caller calls objects at random by their ids, which lie in memory in the order in which they are
//! called and are as many in all cases: what differs is what the node has to reach for. Either a thousand of the
//! million are called and the others idle, which shows what it costs that they are there; or any of them is, and then
//! no cache holds what a call reaches for.

use std::hint::black_box;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::callers::{Bell, per_second};
use super::competitor::Competitor;
use super::contest::{Quantity, Scenario, once};
use super::goverse::Goverse;
use super::many_objects::directory;
use crate::measure::{Runs, in_turns};
use crate::report::{Figure, Report};

const NAME: &str = "scale: a call at 1M objects";
const NAME_OF_ANY: &str = "scale: a call of any of 1M objects";
const MANY: usize = 1_000_000;
const FEW: usize = 1_000;
/// After so many calls the caller begins again.
const CALLS: usize = 100_000;

/// What a call takes, in ns, among so many objects, of which so many are called.
struct Among {
    objects: usize,
    called: usize,
}

/// Measures ours alone.
pub(super) fn run(report: &Report, runs: usize) {
    if !report.wants(NAME) && !report.wants(NAME_OF_ANY) {
        return;
    }
    let nanos =
        |objects, called| once::<_, Goverse<true>>(&Among { objects, called }).unwrap_or_default();
    let [many, any, few] = in_turns(
        runs,
        [&mut || nanos(MANY, FEW), &mut || nanos(MANY, MANY), &mut || nanos(FEW, FEW)],
    );
    let few = ("at 1k objects", Runs::new(few));
    report.add(&Figure::new(NAME, "ns", Runs::new(many), few.clone()));
    report.add(&Figure::new(NAME_OF_ANY, "ns", Runs::new(any), few));
}

// === impl Among ===

impl Scenario for Among {
    type Outcome = f64;

    fn quantities(&self) -> Vec<Quantity<f64>> {
        Vec::new()
    }

    fn measure<C: Competitor>(&self, competitor: Arc<C>, threads: &C::Threads) -> f64 {
        let ids = (0..self.objects).map(id).collect();
        let directory = directory(competitor, threads, ids);
        1e9 / per_second(threads, 1, |_, bell| {
            call::<C>(Arc::clone(&directory), self.random_ids(), bell)
        })
    }
}

impl Among {
    /// Those that are called lie far apart, in memory and in the order of their making.
    fn random_ids(&self) -> Vec<String> {
        let mut random = SmallRng::seed_from_u64(1);
        let apart = self.objects / self.called;
        (0..CALLS).map(|_| id(random.random_range(0..self.called) * apart)).collect()
    }
}

fn id(number: usize) -> String {
    format!("counter-{number:07}")
}

async fn call<C: Competitor>(directory: Arc<C::Directory>, ids: Vec<String>, bell: Bell) -> u64 {
    let mut ids = ids.iter().cycle();
    let mut calls = 0;
    while let (false, Some(id)) = (bell.rings(), ids.next()) {
        black_box(C::add_by_id(&directory, black_box(id), black_box(5)).await);
        calls += 1;
    }
    calls
}
