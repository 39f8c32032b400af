//! Which turns of a thread are recorded, and how many turns each of those stands for.
//!
//! A turn has one chance to be picked, and one more for each [`NANOS_PER_CHANCE`] that it took, so that samples go to
//! those who call often and to those who take long alike. A chance wins with probability `1 / interval`. How many
//! chances lose before the next wins is drawn at random beforehand, which leaves a subtraction to most turns, and no
//! period for callers to fall in step with. A turn with `c` chances is picked with probability
//! `p = 1 - (1 - 1 / interval)^c` and stands for `1 / p` turns, hence no estimate has a bias.
//!
//! Long turns are always picked, and stand for themselves. So is every turn of a thread that ends fewer than
//! [`SAMPLES_PER_SECOND`]: the interval is 1 until there are more, and from second to second it is chosen so that
//! samples come about that fast. A fixed one would cost busy threads most, and tell least of those with few calls.

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
const INTERVAL_MAX: f64 = 65_536.0;

/// How much an interval may grow at once, so that a burst of a few milliseconds is not judged by its first.
const GROWTH_MAX: f64 = 8.0;

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

    /// Whether a turn that took `nanos` and ended at `now` is surely not picked. If it may be, ask [`pick`](Self::pick).
    #[inline]
    pub(super) fn passes_over(&self, nanos: u64, now: u64) -> bool {
        let (chances, winner) = (chances(nanos), self.winner.get());
        let has_lost = (nanos < LONG_NANOS) & (chances < winner) & (self.age(now) < SLICE_NANOS);
        if has_lost {
            self.winner.set(winner - chances);
        }
        has_lost
    }

    /// How many turns this one stands for, if it is picked. Only for a turn that was not passed over.
    pub(super) fn pick(&self, nanos: u64, now: u64) -> Option<f64> {
        if nanos >= LONG_NANOS {
            return Some(1.0);
        }
        if self.age(now) >= SLICE_NANOS {
            self.adapt(now);
        }
        let chances = chances(nanos);
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
            let factor = (f64::from(self.picked.get()) / samples_wanted).min(GROWTH_MAX);
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

fn chances(nanos: u64) -> u64 {
    1 + nanos / NANOS_PER_CHANCE
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

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn ended(sampler: &Sampler, nanos: u64, now: u64) -> Option<f64> {
        if sampler.passes_over(nanos, now) { None } else { sampler.pick(nanos, now) }
    }

    /// What a second of equally spaced turns is recorded as, from the `second` on.
    fn record(sampler: &Sampler, second: u64, calls: u64, nanos: u64) -> Vec<f64> {
        let now = |call| second * SECOND + call * SECOND / calls;
        (0..calls).filter_map(|call| ended(sampler, nanos, now(call))).collect()
    }

    #[test]
    fn every_turn_of_a_thread_with_few_is_recorded() {
        let sampler = Sampler::seeded(1);
        for second in 0..10 {
            assert_eq!(record(&sampler, second, 4_000, 100), [1.0; 4_000]);
        }
    }

    #[test]
    fn samples_stay_few_however_many_turns_there_are() {
        for (calls, nanos) in [(5_000, 100), (20_000, 200_000), (200_000, 3_000), (2_000_000, 150)]
        {
            let sampler = Sampler::seeded(2);
            (0..2).for_each(|second| drop(record(&sampler, second, calls, nanos)));
            let samples = record(&sampler, 2, calls, nanos).len();
            let wanted = SAMPLES_PER_SECOND as usize;
            assert!((wanted * 8 / 10..wanted * 12 / 10).contains(&samples), "{samples} of {calls}");
        }
    }

    #[test]
    fn after_a_busy_time_every_turn_counts_again() {
        let sampler = Sampler::seeded(3);
        record(&sampler, 0, 1_000_000, 150);
        assert!(record(&sampler, 1, 1_000_000, 150).iter().all(|weight| *weight > 100.0));
        (2..4).for_each(|second| drop(record(&sampler, second, 10, 150)));
        assert_eq!(record(&sampler, 4, 10, 150), [1.0; 10]);
    }

    #[test]
    fn long_turns_are_always_recorded() {
        let sampler = Sampler::seeded(4);
        record(&sampler, 0, 2_000_000, 150);
        let nanos = |turn: u64| if turn.is_multiple_of(100) { LONG_NANOS } else { 150 };
        let weights: Vec<f64> = (0..1_000_000)
            .filter_map(|turn| ended(&sampler, nanos(turn), SECOND + turn * 500))
            .collect();
        assert_eq!(weights.iter().filter(|weight| **weight == 1.0).count(), 10_000);
    }

    /// Turns of all lengths at changing speeds, estimated with many seeds: the mean of the estimates comes as close to
    /// the truth as their spread allows.
    #[test]
    fn estimates_have_no_bias() {
        const SEEDS: u64 = 200;
        let lengths = [0, 900, 1_024, 20_000, 300_000, 999_999, 1_000_000];
        let mut estimates = vec![Vec::new(); lengths.len()];
        let mut truth = vec![0.0; lengths.len()];
        for seed in 1..=SEEDS {
            let mut estimate = vec![0.0; lengths.len()];
            let sampler = Sampler::seeded(seed);
            let mut turns = SmallRng::seed_from_u64(1);
            truth.fill(0.0);
            let mut now = 0;
            for turn in 0..30_000 {
                let kind =
                    if turns.random_ratio(1, 20) { turns.random_range(0..7) } else { turn % 2 };
                // Some 10 ms at each speed, with pauses in which the interval falls back.
                now += if turn % 10_000 == 9_999 {
                    2 * SECOND
                } else {
                    100 + 700 * (turn as u64 / 5_000)
                };
                truth[kind] += 1.0;
                estimate[kind] += ended(&sampler, lengths[kind], now).unwrap_or(0.0);
            }
            estimates.iter_mut().zip(estimate).for_each(|(all, one)| all.push(one));
        }
        for ((length, truth), estimates) in lengths.iter().zip(truth).zip(estimates) {
            let mean = estimates.iter().sum::<f64>() / SEEDS as f64;
            let squares = estimates.iter().map(|estimate| (estimate - mean).powi(2));
            let error = (squares.sum::<f64>() / SEEDS as f64 / SEEDS as f64).sqrt();
            println!("{length} ns: {mean:.0} +- {error:.1} for {truth}");
            assert!(
                (mean - truth).abs() <= 4.0 * error,
                "{length} ns: {mean} +- {error} for {truth}"
            );
            assert!(error < 0.05 * truth, "{length} ns: {mean} +- {error} for {truth}");
        }
    }

    #[test]
    fn a_clock_of_another_origin_changes_no_interval() {
        let sampler = Sampler::seeded(6);
        record(&sampler, 100, 1_000_000, 150);
        let interval = sampler.interval.get();
        ended(&sampler, 150, 3 * SECOND);
        assert_eq!(sampler.interval.get(), interval);
    }

    #[test]
    fn threads_draw_differently() {
        let draw = || {
            let random = Random { state: Cell::new(0) };
            random.uniform()
        };
        assert_ne!(draw(), draw());
    }
}
