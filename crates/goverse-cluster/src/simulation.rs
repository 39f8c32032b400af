//! Whole clusters in virtual time: every run is made from a seed, checked after every step, and replayed from it.
//!
//! A run has some nodes with their machines, a coordinator that behaves as etcd does, a store with fences, and clients
//! whose calls become turns. A [`Plan`] says what befalls them. Nothing in it reads a clock; everything random comes from
//! the seed. It is part of the tests, and of `cargo xtask sim`; no program has it.

mod checks;
mod etcd;
mod faults;
mod lockstep;
mod objects;
mod plan;
mod process;
mod requests;
mod shrink;
mod store;
mod trace;
mod world;

use std::fmt;

use goverse_core::ShardId;

pub use lockstep::{Cost, Lockstep};
pub use plan::{Fault, FaultKind, Lagging, Plan};
pub use shrink::shrink;

use crate::mutant::Mutant;
use world::World;

/// Virtual time since a run began, in µs.
type Time = u64;

/// What a protocol must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invariant {
    /// I1: for each shard at most one node may act.
    OneActor(ShardId),
    /// I2: while a node may act and has no save under way, its state is the newest.
    NewestState(ShardId),
    /// I3: views and epochs never go back, and nobody acknowledges what it has not seen.
    NeverBack,
    /// I4: when failures stop, every shard is served within a bounded time.
    Served(ShardId),
}

/// How a run went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was broken.
    pub invariant: Invariant,
    /// When, in µs of virtual time.
    pub at: u64,
    /// By what.
    pub message: String,
}

/// What became of a run that went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many things happened.
    pub steps: u64,
    /// How many turns began.
    pub turns: u64,
    /// How many revisions the coordinator made, since it was last wiped.
    pub revisions: u64,
}

/// Runs a plan to its end, or until something is wrong.
///
/// # Errors
/// What was wrong first.
pub fn run(plan: &Plan, mutant: Option<Mutant>) -> Result<Summary, Failure> {
    let mut world = World::new(plan.clone(), mutant, false);
    world.run();
    match world.failure {
        Some(failure) => Err(failure),
        None => Ok(Summary {
            steps: world.steps,
            turns: world.turns.len() as u64,
            revisions: world.etcd.log.len() as u64,
        }),
    }
}

/// Runs a plan again, for the last lines of what happened before it went wrong.
pub fn trace(plan: &Plan, mutant: Option<Mutant>, lines: usize) -> String {
    let mut world = World::new(plan.clone(), mutant, true);
    world.run();
    let shard = world.failure.and_then(|failure| failure.invariant.shard());
    world.trace.last(lines, shard)
}

/// Everything that somebody wants to know of a failure: what, the smallest plan that still fails, what happened in it,
/// and how to see it again.
pub fn report(plan: &Plan, failure: &Failure, mutant: Option<Mutant>) -> String {
    let (small, its) = shrink(plan, failure, mutant);
    let trace = trace(&small, mutant, 80);
    format!(
        "{failure}\n\n{plan}\nshrunk to {} of {} faults:\n{small}\n{its}\n\nthe last of what happened in the \
         shrunk one:\n{trace}\nagain: cargo xtask sim --seed {}\n",
        small.faults.len(),
        plan.faults.len(),
        plan.seed
    )
}

// === impl Invariant ===

impl Invariant {
    fn shard(self) -> Option<ShardId> {
        match self {
            Self::OneActor(shard) | Self::NewestState(shard) | Self::Served(shard) => Some(shard),
            Self::NeverBack => None,
        }
    }

    /// Whether another failure is of the same kind, of whatever shard.
    fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, turns, revisions } = self;
        write!(f, "{steps} steps, {turns} turns, {revisions} revisions")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.invariant {
            Invariant::OneActor(_) => "I1, at most one node may act",
            Invariant::NewestState(_) => "I2, a node that may act has the newest state",
            Invariant::NeverBack => "I3, nothing goes back",
            Invariant::Served(_) => "I4, every shard is served",
        };
        let Self { at, message, .. } = self;
        write!(f, "{name}: at {}.{:06} s {message}", at / 1_000_000, at % 1_000_000)
    }
}

#[cfg(test)]
mod tests;
