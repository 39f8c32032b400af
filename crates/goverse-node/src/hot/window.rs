//! The time that the counts are of: the last seconds in full, older ones less and less.
//!
//! Every ten seconds what was counted is halved, and so is the time that it was counted in; their quotient is right
//! at any moment, and a count that grows no more is half as much ten seconds later. Halving at fixed moments costs
//! nothing between them, keeps the order of the counts and the errors in proportion, and needs one set of sketches,
//! where two windows that take turns need two, and forget half of what they know at once.

use std::time::Duration;

pub(super) const HALF_LIFE: Duration = Duration::from_secs(10);

/// A window that has only begun counts as a second: rates are then too low, not far too high.
const SECONDS_MIN: f64 = 1.0;

const HALF_LIFE_NANOS: u64 = HALF_LIFE.as_nanos() as u64;

#[derive(Debug)]
pub(super) struct Window {
    /// When the counts were halved last, or began.
    halved_at: u64,
    /// How much time was left of that before, halved as often as its counts.
    seconds_before: f64,
}

// === impl Window ===

impl Window {
    pub(super) fn new(now: u64) -> Self {
        Self { halved_at: now, seconds_before: 0.0 }
    }

    /// Goes on to `now`; what is left of the counts so far, if they are to be halved, once or many times.
    pub(super) fn advance(&mut self, now: u64) -> Option<f64> {
        // Threads come with their `now` in any order.
        let halvings = now.saturating_sub(self.halved_at) / HALF_LIFE_NANOS;
        if halvings == 0 {
            return None;
        }
        let left = 0.5_f64.powi(i32::try_from(halvings).unwrap_or(i32::MAX));
        let half_life = HALF_LIFE.as_secs_f64();
        // As if it were `(seconds_before + half_life) / 2` so many times.
        self.seconds_before = half_life + (self.seconds_before - half_life) * left;
        self.halved_at += halvings * HALF_LIFE_NANOS;
        Some(left)
    }

    /// The time that the counts are of: from ten to twenty seconds, once that many have passed.
    pub(super) fn seconds(&self, now: u64) -> f64 {
        let since = Duration::from_nanos(now.saturating_sub(self.halved_at));
        (self.seconds_before + since.as_secs_f64()).max(SECONDS_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Advances to each of the seconds, and checks what is left at each and how long the window is.
    fn check(seconds: &[u64], expected: &[(f64, f64)]) {
        let mut window = Window::new(0);
        let advance = |second: &u64| {
            let now = second * 1_000_000_000;
            (window.advance(now).unwrap_or(1.0), window.seconds(now))
        };
        assert_eq!(seconds.iter().map(advance).collect::<Vec<_>>(), expected, "{seconds:?}");
    }

    #[test]
    fn counts_and_their_time_are_halved_together() {
        check(&[0, 5, 9], &[(1.0, 1.0), (1.0, 5.0), (1.0, 9.0)]);
        check(&[10, 19, 20], &[(0.5, 5.0), (1.0, 14.0), (0.5, 7.5)]);
        check(&[1_000, 1_009], &[(0.5_f64.powi(100), 10.0), (1.0, 19.0)]);
    }

    #[test]
    fn many_halvings_at_once_are_the_same_as_one_by_one() {
        check(&[10, 20, 35], &[(0.5, 5.0), (0.5, 7.5), (0.5, 13.75)]);
        check(&[35], &[(0.125, 13.75)]);
    }

    #[test]
    fn a_time_that_is_late_changes_nothing() {
        check(&[12, 8, 12], &[(0.5, 7.0), (1.0, 5.0), (1.0, 7.0)]);
    }
}
