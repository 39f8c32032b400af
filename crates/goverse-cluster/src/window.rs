//! The time in which an incarnation may act, as the rest of the node sees it: a number that is compared with the clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock;

/// Nobody's window any more.
const CLOSED: u64 = u64::MAX;

/// Until when one incarnation may act. Once it is closed it never opens again: the next incarnation has its own.
///
/// Whether it is open must be asked at the moment that counts. After a pause whoever holds an answer may run before those
/// who know better.
#[derive(Debug, Default)]
pub struct Window {
    /// The end in ns of the boot clock.
    end: AtomicU64,
}

// === impl Window ===

impl Window {
    /// Whether the incarnation may act now.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.is_open_at(clock::boot())
    }

    /// Whether the incarnation may act at that reading of [`boot_clock`](crate::boot_clock).
    #[inline]
    pub fn is_open_at(&self, boot: Duration) -> bool {
        let end = self.end.load(Ordering::SeqCst);
        end != CLOSED && nanos(boot) < end
    }

    /// What is left of it; 0 if it is over.
    pub fn left(&self) -> Duration {
        match self.end.load(Ordering::SeqCst) {
            CLOSED => Duration::ZERO,
            end => Duration::from_nanos(end.saturating_sub(nanos(clock::boot()))),
        }
    }

    /// Lets it end then, unless it was closed.
    pub(crate) fn set(&self, end: Duration) {
        let end = nanos(end);
        let replace = |old| (old != CLOSED).then_some(end);
        let _ = self.end.fetch_update(Ordering::SeqCst, Ordering::SeqCst, replace);
    }

    /// Ends it for good.
    pub(crate) fn close(&self) {
        self.end.store(CLOSED, Ordering::SeqCst);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(CLOSED - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn it_is_open_until_its_end() {
        let window = Window::default();
        assert!(!window.is_open());
        window.set(Duration::from_secs(5));
        assert!(window.is_open_at(Duration::from_nanos(4_999_999_999)));
        assert!(!window.is_open_at(Duration::from_secs(5)));
        window.set(clock::boot() + HOUR);
        assert!(window.is_open() && window.left() > HOUR / 2);
    }

    #[test]
    fn a_closed_window_does_not_open_again() {
        let window = Window::default();
        window.set(clock::boot() + HOUR);
        window.close();
        assert!(!window.is_open() && window.left().is_zero());
        window.set(clock::boot() + HOUR);
        assert!(!window.is_open() && window.left().is_zero());
    }
}
