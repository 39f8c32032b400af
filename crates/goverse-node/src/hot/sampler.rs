//! Which turns of a thread are recorded, and how many turns each of those stands for.
//!
//! A turn has one chance to be picked, and one more for each [`NANOS_PER_CHANCE`] that it took, so that samples go to
//! those who call often and to those who take long alike. A chance wins with probability `1 / interval`. How many
//! chances lose before the next wins is drawn at random beforehand, which leaves a subtraction to most turns, and no
//! period for callers to fall in step with. A turn with `c` chances is picked with probability
//! `p = 1 - (1 - 1 / interval)^c` and stands for `1 / p` turns, hence no estimate has a bias.
//!
//! Long turns are always picked, and stand for themselves. So is every turn of a thread that ends fewer than
//! [`SAMPLES_PER_SECOND`]: the interval is 1 until there are more.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// About how many turns that are not long a thread records in a second, at most.
///
/// With 200 ns each that is a thousandth of a core. An object with a hundredth of a thread's calls is still seen a
/// few hundred times in a window, which puts it within 5 %.
pub(super) const SAMPLES_PER_SECOND: u32 = 4_096;

/// From here on a turn is recorded in any case.
pub(super) const LONG_NANOS: u64 = 1_000_000;

/// What a turn takes for each chance beyond its first.
const NANOS_PER_CHANCE: u64 = 1_024;

/// The interval that any thread is fast enough with.
const INTERVAL_MAX: f64 = 1_024.0;

/// How long an interval lasts, unless there are too many samples before.
const SLICE_NANOS: u64 = 1_000_000_000;

/// Picks turns of one thread.
pub(super) struct Sampler {
    /// The chance that wins, counted from the next turn's first, which is 1.
    winner: Cell<u64>,
    /// When the interval began.
    since: Cell<u64>,
    interval: Cell<f64>,
    /// How many turns were picked with this interval.
    picked: Cell<u32>,
    random: Random,
}

/// xorshift64* of Vigna, "An Experimental Exploration of Marsaglia's xorshift Generators, Scrambled" (2016).
struct Random {
    /// 0 until it is needed.
    state: Cell<u64>,
}

// === impl Sampler ===

impl Sampler {
    pub(super) const fn new() -> Self {
        Self::seeded(0)
    }

    /// With 0 the seed is chosen at random.
    pub(super) const fn seeded(seed: u64) -> Self {
        Self {
            winner: Cell::new(1),
            since: Cell::new(0),
            interval: Cell::new(1.0),
            picked: Cell::new(0),
            random: Random { state: Cell::new(seed) },
        }
    }

    /// How many turns one that took `nanos` and ended at `now` stands for, if it is to be recorded.
    #[inline]
    pub(super) fn pick(&self, nanos: u64, now: u64) -> Option<f64> {
        let chances = 1 + nanos / NANOS_PER_CHANCE;
        let winner = self.winner.get();
        let has_lost = (chances < winner) & (self.age(now) < SLICE_NANOS) & (nanos < LONG_NANOS);
        if has_lost {
            self.winner.set(winner - chances);
            return None;
        }
        self.pick_slowly(nanos, now)
    }

    #[cold]
    #[inline(never)]
    fn pick_slowly(&self, nanos: u64, now: u64) -> Option<f64> {
        if nanos >= LONG_NANOS {
            return Some(1.0);
        }
        if self.age(now) >= SLICE_NANOS {
            self.adapt(now);
        }
        let chances = 1 + nanos / NANOS_PER_CHANCE;
        let winner = self.winner.get();
        if chances < winner {
            self.winner.set(winner - chances);
            return None;
        }
        let weight = self.weight(chances);
        self.picked.update(|picked| picked + 1);
        if self.picked.get() == SAMPLES_PER_SECOND {
            self.adapt(now);
        } else {
            self.draw();
        }
        Some(weight)
    }

    /// Huge for a `now` before that, as from a clock of another origin.
    #[inline]
    fn age(&self, now: u64) -> u64 {
        now.wrapping_sub(self.since.get())
    }

    /// Chooses the interval that suits what was picked with the last one.
    ///
    /// The draw that was under way is made anew: chances know nothing of those before them, so it takes no sides.
    fn adapt(&self, now: u64) {
        if now >= self.since.get() {
            let samples_wanted =
                self.age(now).max(1) as f64 * f64::from(SAMPLES_PER_SECOND) / SLICE_NANOS as f64;
            let factor = f64::from(self.picked.get()) / samples_wanted;
            self.interval.update(|interval| (interval * factor).clamp(1.0, INTERVAL_MAX));
        }
        self.since.set(now);
        self.picked.set(0);
        self.draw();
    }

    /// Draws which chance wins next: a geometric distribution, by inversion.
    fn draw(&self) {
        let losers = (self.random.uniform().ln() / self.log_loss()).floor();
        self.winner.set(1 + losers as u64);
    }

    fn weight(&self, chances: u64) -> f64 {
        -1.0 / (chances as f64 * self.log_loss()).exp_m1()
    }

    /// The logarithm of the probability that a chance loses: minus infinity while each wins.
    fn log_loss(&self) -> f64 {
        (-1.0 / self.interval.get()).ln_1p()
    }
}

// === impl Random ===

impl Random {
    /// Above 0, and up to 1.
    fn uniform(&self) -> f64 {
        if self.state.get() == 0 {
            self.state.set(RandomState::new().hash_one(()) | 1);
        }
        let mut state = self.state.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.state.set(state);
        let bits = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        (bits + 1) as f64 / (1_u64 << 53) as f64
    }
}
