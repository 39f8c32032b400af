//! Stores: durable calls a second of one and of many callers, each with an object of its own.

mod callers;
mod postgres;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use goverse_node::StateStore;
use tokio::runtime::Runtime;

use crate::arguments::Arguments;
use crate::measure::{Runs, in_turns};
use crate::report::{Figure, Report};

/// How long one run of a contender takes. Commits come in bursts, so it is longer than elsewhere.
const RUN_TIME: Duration = Duration::from_secs(1);

/// How many callers save at the same time.
const CALLERS: &[usize] = &[1, 64];

/// How large a state is, in bytes.
const STATE_BYTES: usize = 100;

/// What the bare loop is called.
const BARE: &str = "bare upserts";

/// A store, and a bare loop on its database that gives commits a second.
struct Contest<'a> {
    name: &'a str,
    store: Arc<dyn StateStore>,
    bare: &'a mut dyn FnMut() -> f64,
}

/// Measures every figure that was asked for.
pub fn run(arguments: &Arguments) {
    let report = arguments.report();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().expect("threads can be started");
    if figures("sqlite").any(|figure| report.wants(&figure)) {
        sqlite::run(&runtime, &report, arguments.runs());
    }
    if figures("postgres").any(|figure| report.wants(&figure)) {
        postgres::run(&runtime, &report, arguments.runs());
    }
}

fn figures(store: &str) -> impl Iterator<Item = String> {
    CALLERS.iter().map(move |callers| figure(store, *callers))
}

fn figure(store: &str, callers: usize) -> String {
    format!("{store}, {callers} calling")
}

// === impl Contest ===

impl Contest<'_> {
    fn run(self, runtime: &Runtime, report: &Report, runs: usize) {
        for callers in CALLERS {
            let name = figure(self.name, *callers);
            if !report.wants(&name) {
                continue;
            }
            let mut ours = || callers::calls_per_second(runtime, &self.store, *callers);
            let [ours, bare] = in_turns(runs, [&mut ours, &mut *self.bare]);
            let reference = (BARE, Runs::new(bare));
            report.add(&Figure::new(&name, "calls/s", Runs::new(ours), reference));
        }
    }
}
