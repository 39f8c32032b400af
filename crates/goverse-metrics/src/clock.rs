//! The clock of deadlines and durations: nanoseconds since it was first read.

use std::sync::OnceLock;
use std::time::Duration;

use quanta::Clock;

/// A deadline that never comes.
pub const NEVER: u64 = u64::MAX;

/// Nanoseconds since the clock was first read; it never goes back.
#[inline]
pub fn now() -> u64 {
    static CLOCK: OnceLock<(Clock, u64)> = OnceLock::new();
    let (clock, origin) = CLOCK.get_or_init(|| {
        let clock = Clock::new();
        let origin = clock.raw();
        (clock, origin)
    });
    clock.delta_as_nanos(*origin, clock.raw())
}

/// The time `duration` after `now`.
pub fn after(now: u64, duration: Duration) -> u64 {
    now.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(NEVER))
}

/// What lies between two readings.
pub fn between(earlier: u64, later: u64) -> Duration {
    Duration::from_nanos(later.saturating_sub(earlier))
}

/// What lies between two readings, in seconds.
#[inline]
pub fn seconds(earlier: u64, later: u64) -> f64 {
    later.saturating_sub(earlier) as f64 * 1e-9
}
