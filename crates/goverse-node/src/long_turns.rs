//! Turns that take long, in the log.

use std::time::Duration;

use crate::clock;
use crate::log_limit::LogLimit;
use crate::object::Ctx;

/// Who writes the log lines of a node's long turns.
#[derive(Default)]
pub(crate) struct LongTurns {
    limit: LogLimit,
}

// === impl LongTurns ===

impl LongTurns {
    /// Tells of a long turn, or only remembers it if a line was written within the last second.
    #[cold]
    pub(crate) fn tell(&self, cx: &Ctx, method: &'static str, duration: Duration) {
        let Some(left_out) = self.limit.admit(clock::now()) else { return };
        let (r#type, seconds) = (cx.type_name(), duration.as_secs_f64());
        tracing::warn!(%r#type, method, seconds, left_out, "long turn");
    }
}
