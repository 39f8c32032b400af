//! The clocks of a node: one that counts the time in which the machine was suspended, and the time of day.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::machine::Moment;

#[cfg(target_os = "linux")]
const BOOT: ClockId = ClockId::Boottime;
/// Counts suspend on macOS.
#[cfg(not(target_os = "linux"))]
const BOOT: ClockId = ClockId::Monotonic;

/// Both clocks, now.
pub(crate) fn now() -> Moment {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment { boot: boot(), wall }
}

/// The time since the machine was started, suspended or not. It is the same clock for all processes of a machine.
pub fn boot() -> Duration {
    let time = clock_gettime(BOOT);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_the_time_since_the_start_of_the_machine() {
        let text = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = text.split(' ').next().unwrap().parse().unwrap();
        assert!((boot().as_secs_f64() - uptime).abs() < 5.0, "{:?} and {uptime}", boot());
    }
}
