//! Sets of shards as text: `0-3,7,9-11`.

use std::collections::BTreeSet;
use std::fmt::Write;

use goverse_core::{ShardCount, ShardId};

/// Writes the runs of an ascending sequence.
pub(super) fn encode(shards: impl IntoIterator<Item = ShardId>) -> String {
    let mut text = String::new();
    let mut run: Option<(u32, u32)> = None;
    for ShardId(shard) in shards {
        run = match run {
            Some((first, last)) if last + 1 == shard => Some((first, shard)),
            ended => {
                push(&mut text, ended);
                Some((shard, shard))
            }
        };
    }
    push(&mut text, run);
    text
}

fn push(text: &mut String, run: Option<(u32, u32)>) {
    let Some((first, last)) = run else { return };
    let comma = if text.is_empty() { "" } else { "," };
    let written = if first == last {
        write!(text, "{comma}{first}")
    } else {
        write!(text, "{comma}{first}-{last}")
    };
    written.expect("a string takes whatever is written");
}

/// Reads runs that ascend and do not touch; `None` if they are anything else.
pub(super) fn decode(text: &str) -> Option<BTreeSet<ShardId>> {
    let mut shards = BTreeSet::new();
    let mut free = 0;
    if text.is_empty() {
        return Some(shards);
    }
    for run in text.split(',') {
        let (first, last) = decode_run(run)?;
        if first < free {
            return None;
        }
        shards.extend((first..=last).map(ShardId));
        free = last + 1;
    }
    Some(shards)
}

/// Reads `7` or `9-11`, as `(7, 7)` or `(9, 11)`.
pub(super) fn decode_run(run: &str) -> Option<(u32, u32)> {
    let (first, last) = run.split_once('-').unwrap_or((run, run));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number < ShardCount::MAX.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_their_text_again() {
        for text in ["", "0", "0-3,7,9-11", "65535"] {
            let shards = decode(text).unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!(encode(shards), text);
        }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in [",", "1,", "3-1", "1-", "-1", "a", "+1", "1,1", "5,1", "0-65536", "1-2-3"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
