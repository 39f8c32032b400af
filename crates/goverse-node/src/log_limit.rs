//! How often a node writes a line of one kind: at most once a second, so that a slow store fills no disk.

use std::sync::{Mutex, PoisonError};

const SECOND: u64 = 1_000_000_000;

/// Admits one line a second.
#[derive(Default)]
pub(crate) struct LogLimit {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    next: u64,
    left_out: u64,
}

// === impl LogLimit ===

impl LogLimit {
    /// If a line may be written now, how many were left out since the last; otherwise this one is left out.
    pub(crate) fn admit(&self, now: u64) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if now < told.next {
            told.left_out += 1;
            return None;
        }
        told.next = now.saturating_add(SECOND);
        Some(std::mem::take(&mut told.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_tells_how_many_were_left_out() {
        let limit = LogLimit::default();
        let admitted =
            [1, 2, SECOND, SECOND + 1, SECOND + 2, 9 * SECOND].map(|now| limit.admit(now));
        assert_eq!(admitted, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
