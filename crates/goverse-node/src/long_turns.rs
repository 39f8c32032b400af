//! Turns that take long, in the log: at most one line a second, so that a slow store fills no disk.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::clock;
use crate::object::Ctx;

const SECOND: u64 = 1_000_000_000;

/// Who writes the log lines of a node's long turns.
#[derive(Default)]
pub(crate) struct LongTurns {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    next: u64,
    left_out: u64,
}

// === impl LongTurns ===

impl LongTurns {
    /// Tells of a long turn, or only remembers it if a line was written within the last second.
    #[cold]
    pub(crate) fn tell(&self, cx: &Ctx, method: &'static str, duration: Duration) {
        let now = clock::now();
        let left_out = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if now < told.next {
                told.left_out += 1;
                return;
            }
            told.next = now.saturating_add(SECOND);
            std::mem::take(&mut told.left_out)
        };
        let (r#type, seconds) = (cx.type_name(), duration.as_secs_f64());
        tracing::warn!(%r#type, method, seconds, left_out, "long turn");
    }
}
