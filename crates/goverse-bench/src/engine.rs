//! The bench `engine`: what a call costs, beside other ways to have objects with one turn at a time.
//!
//! The peers: `ractor`, `kameo`, `actix`, `xtra`, and a `mailbox` as one writes it by hand. Each
//! has the same counter, the same two workers (actix two arbiters, which are its workers) and, where it can
//! be chosen, the same bound on what waits. Every reply is awaited, and nothing is sent in batches.
//! Each of them is a `competitor`, and a `contest` lets them take turns at a scenario:
//!
//! * `one_caller`: calls a second and latency, for one caller with a reference to one object.
//! * `many_objects`: calls a second of 64 callers over 1000 objects that are addressed by id.
//! * `one_object`: calls a second of 64 callers on one object, by methods that finish at once, yield, or wait for another
//!   task.
//! * `spawn_stop`: objects that come and go, a second; with hooks that run then, and without.
//! * [`idle_memory`]: bytes of an object that does nothing.
//! * `scale`, `metrics_cost`: of ours alone.
//!
//! A figure whose name ends in a peer's (`many_objects/ractor`) is the peer's own beside the mailbox's.

mod actix;
mod callers;
mod competitor;
mod contest;
mod goverse;
pub mod idle_memory;
mod kameo;
mod mailbox;
mod many_objects;
mod metrics_cost;
mod one_caller;
mod one_object;
mod ractor;
mod scale;
mod spawn_stop;
mod waits;
mod xtra;

use crate::arguments::Arguments;
use contest::contest;

/// Measures every figure that was asked for; `million` idle objects of ours, or as many as of the peers.
pub fn run(arguments: &Arguments, million: bool) {
    let (report, runs) = (arguments.report(), arguments.runs());
    contest(&one_caller::Throughput, &report, runs);
    contest(&one_caller::Latency, &report, runs);
    contest(&many_objects::ManyObjects, &report, runs);
    contest(&one_object::OneObject::FinishesAtOnce, &report, runs);
    contest(&one_object::OneObject::Yields, &report, runs);
    contest(&one_object::OneObject::Waits, &report, runs);
    contest(&spawn_stop::SpawnStop::Nothing, &report, runs);
    contest(&spawn_stop::SpawnStop::Hooks, &report, runs);
    idle_memory::run(&report, runs, million);
    scale::run(&report, runs);
    metrics_cost::run(&report, runs);
}
