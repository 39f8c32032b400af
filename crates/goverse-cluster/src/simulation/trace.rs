//! What happened, as lines; kept only in a run that is to be shown.

use std::collections::VecDeque;

use goverse_core::ShardId;

use super::Time;

/// How many lines are kept.
const LINES_MAX: usize = 20_000;

/// The lines of one run.
pub(super) struct Trace {
    lines: Option<VecDeque<Line>>,
}

struct Line {
    at: Time,
    /// The shard that it is about, if it is about one.
    shard: Option<ShardId>,
    text: String,
}

// === impl Trace ===

impl Trace {
    pub(super) fn new(is_kept: bool) -> Self {
        Self { lines: is_kept.then(VecDeque::new) }
    }

    pub(super) fn tell(&mut self, at: Time, shard: Option<ShardId>, text: impl FnOnce() -> String) {
        let Some(lines) = &mut self.lines else { return };
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(Line { at, shard, text: text() });
    }

    /// The last lines that concern `shard`, or everything without one.
    pub(super) fn last(&self, count: usize, shard: Option<ShardId>) -> String {
        let Some(lines) = &self.lines else { return String::new() };
        let concerns =
            |line: &&Line| shard.is_none() || line.shard.is_none() || line.shard == shard;
        let lines: Vec<&Line> = lines.iter().rev().filter(concerns).take(count).collect();
        let shown = lines.iter().rev().map(|Line { at, text, .. }| {
            format!("{:>4}.{:03} {:03} s  {text}\n", at / 1_000_000, at / 1_000 % 1_000, at % 1_000)
        });
        shown.collect()
    }
}
