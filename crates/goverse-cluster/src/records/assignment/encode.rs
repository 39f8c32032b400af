//! Writing an assignment.

use std::collections::BTreeSet;
use std::fmt::Write;

use goverse_core::ShardId;

use super::{Assignment, Holder, Owner};
use crate::records::{FORMAT, ranges};
use crate::tenure::Epoch;

const NEVER_FAILS: &str = "a string takes whatever is written";

pub(super) fn encode(assignment: &Assignment) -> String {
    let mut text = String::new();
    header(&mut text, assignment).expect(NEVER_FAILS);
    let epochs: BTreeSet<Epoch> = assignment.owners.iter().map(|owner| owner.since).collect();
    let epochs: Vec<Epoch> = epochs.into_iter().collect();
    text.push_str("since");
    for epoch in &epochs {
        write!(text, " {epoch}").expect(NEVER_FAILS);
    }
    text.push_str("\nowners");
    for run in assignment.owners.chunk_by(|one, next| one == next) {
        owners(&mut text, run, &epochs).expect(NEVER_FAILS);
    }
    text.push('\n');
    let held: Vec<_> = assignment.holders.iter().collect();
    for run in held.chunk_by(|(one, its), (next, theirs)| one.0 + 1 == next.0 && its == theirs) {
        holders(&mut text, run.iter().map(|(shard, _)| **shard), run[0].1).expect(NEVER_FAILS);
    }
    text
}

fn header(text: &mut String, assignment: &Assignment) -> std::fmt::Result {
    writeln!(text, "format {FORMAT}")?;
    writeln!(text, "epoch {} {}", assignment.epoch, assignment.writer)?;
    assignment.nodes.iter().try_for_each(|node| {
        writeln!(text, "node {} {} {}", node.incarnation, node.address, node.since)
    })
}

/// A run of shards with one owner, whose epoch is written as its place in the list of epochs.
fn owners(text: &mut String, run: &[Owner], epochs: &[Epoch]) -> std::fmt::Result {
    let Owner { node, since } = run[0];
    let since = epochs.binary_search(&since).expect("the list has every epoch of an owner");
    match run.len() {
        1 => write!(text, " {node}.{since}"),
        len => write!(text, " {len}x{node}.{since}"),
    }
}

fn holders(
    text: &mut String,
    run: impl Iterator<Item = ShardId>,
    holders: &[Holder],
) -> std::fmt::Result {
    write!(text, "holders {}", ranges::encode(run))?;
    for Holder { node, release } in holders {
        write!(text, " {node}@{release}")?;
    }
    text.push('\n');
    Ok(())
}
