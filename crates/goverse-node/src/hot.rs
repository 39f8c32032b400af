//! Which objects are hot just now: those with the most calls, and those with the most time in turns.
//!
//! Most turns cost two reads and a write of their thread's own `sampler`. A turn that it picks goes into two
//! `sketch`es, which keep the busiest objects whatever ids come; a `window` has them forget what is over, and a
//! `report` says what they know, and how well. Each step states its error:
//!
//! - Sampling adds noise but no bias: a turn that is picked with probability `p` stands for `1 / p` turns.
//! - A sketch knows what it may have missed of an object before it kept it.
//! - The window halves what was counted and the time it was counted in together, so rates stay right.
//!
//! **Memory.** Whatever ids come, a node spends less than 400 KiB here: 512 slots, each with 100 bytes and a name and
//! an id of the greatest length. Of objects that are there no names are copied, which leaves some 50 KiB. Each thread
//! adds the few words of its sampler.
//!
//! **Waiting.** A sample waits for the mutex instead of being dropped when others hold it: drops would hit what runs
//! beside others, so the hottest most, and would make exact counts wrong. Samples are few, see
//! [`sampler::SAMPLES_PER_SECOND`], and each holds the mutex for a fraction of a microsecond; a report holds it for
//! some ten.

mod ranks;
mod report;
mod sampler;
mod sketch;
mod tally;
#[cfg(test)]
mod tests;
mod window;

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use goverse_core::{ObjectId, TypeName};

pub use report::{HotObject, HotReport};

use report::Counts;
use sampler::Sampler;
use sketch::{Key, Sketch};
use tally::{Measure, Tally};
use window::Window;

/// How many objects each sketch keeps: any with more than 1/256 of all calls, or of all time, is among them.
const KEPT: usize = 256;

thread_local! {
    static SAMPLER: Sampler = const { Sampler::new() };
}

/// The hot objects of one node.
pub(crate) struct HotObjects {
    /// Keyed, so that nobody can choose ids that meet.
    hasher: RandomState,
    state: Mutex<State>,
}

struct State {
    window: Window,
    by_calls: Sketch,
    by_time: Sketch,
    all: Tally,
    /// How many turns were recorded, forgotten like what they stand for.
    samples: f64,
}

// === impl HotObjects ===

impl HotObjects {
    /// Begins to look at `now`, in nanoseconds of the clock that each turn is told with.
    pub(crate) fn new(now: u64) -> Self {
        let state = State {
            window: Window::new(now),
            by_calls: Sketch::new(Measure::Calls, KEPT),
            by_time: Sketch::new(Measure::Nanos, KEPT),
            all: Tally::default(),
            samples: 0.0,
        };
        Self { hasher: RandomState::new(), state: Mutex::new(state) }
    }

    /// Tells of a turn that took `nanos` and ended at `now`; `who` is asked only if the turn is recorded.
    ///
    /// `now` comes from a monotonic clock, best the same one for all nodes of the process: threads learn from it how
    /// many turns they end, whichever node's. Where clocks differ the sampling adapts badly but adds no bias.
    #[inline]
    pub(crate) fn turn_ended(
        &self,
        nanos: u64,
        now: u64,
        who: impl FnOnce() -> (TypeName, ObjectId),
    ) {
        if !SAMPLER.with(|sampler| sampler.passes_over(nanos, now)) {
            SAMPLER.with(|sampler| self.look_at(sampler, nanos, now, who));
        }
    }

    /// What is hot at `now`.
    pub(crate) fn report(&self, now: u64) -> HotReport {
        let mut state = self.lock();
        state.catch_up(now);
        let counts = state.counts(now);
        // Others record while the report is made.
        drop(state);
        counts.report()
    }

    #[cold]
    #[inline(never)]
    fn look_at(
        &self,
        sampler: &Sampler,
        nanos: u64,
        now: u64,
        who: impl FnOnce() -> (TypeName, ObjectId),
    ) {
        if let Some(weight) = sampler.pick(nanos, now) {
            self.record(who(), &Tally::of_turn(nanos, weight), now);
        }
    }

    fn record(&self, (type_name, id): (TypeName, ObjectId), seen: &Tally, now: u64) {
        let hash = self.hasher.hash_one((&type_name, &id));
        let key = Key { hash, type_name, id };
        let mut state = self.lock();
        state.catch_up(now);
        state.record(&key, seen);
    }

    /// A poisoned state is whole: nothing that changes it calls foreign code or panics half way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn record(&mut self, key: &Key, seen: &Tally) {
        self.samples += 1.0;
        self.all.add(seen);
        self.by_calls.add(key, seen);
        self.by_time.add(key, seen);
    }

    /// Forgets what `now` makes old.
    fn catch_up(&mut self, now: u64) {
        let Some(left) = self.window.advance(now) else { return };
        self.samples *= left;
        self.all.scale(left);
        self.by_calls.scale(left);
        self.by_time.scale(left);
    }

    fn counts(&self, now: u64) -> Counts {
        Counts {
            window_seconds: self.window.seconds(now),
            all: self.all,
            samples: self.samples,
            by_calls: self.by_calls.counters().to_vec(),
            by_calls_absent_max: self.by_calls.absent_max(),
            by_time: self.by_time.counters().to_vec(),
            by_time_absent_max: self.by_time.absent_max(),
        }
    }
}
