//! What every store refuses before it looks, so that all refuse the same.

use std::collections::HashSet;

use goverse_node::{Change, Load, Save, StoreError, Tenure};

/// The largest state, answer or argument that a store takes, in bytes.
pub const STATE_BYTES_MAX: usize = 256 << 20;

/// Numbers are stored signed.
const NUMBER_MAX: u64 = i64::MAX as u64;

/// Refuses what no store can keep.
pub(crate) fn check_load(load: &Load) -> Result<(), StoreError> {
    check_tenure(&load.tenure)?;
    match load.raise_to {
        Some(version) if version.0 > NUMBER_MAX => refused("a version above the largest"),
        _ => Ok(()),
    }
}

/// One answer for each save: those that no store can keep are refused, and so is the second of one object.
pub(crate) fn check_saves(saves: &[Save]) -> Vec<Result<(), StoreError>> {
    let mut seen = HashSet::with_capacity(saves.len());
    let mut check = |save| {
        check_save(save)?;
        if seen.insert(&save.object) { Ok(()) } else { refused("two saves of one object at once") }
    };
    saves.iter().map(&mut check).collect()
}

fn check_save(save: &Save) -> Result<(), StoreError> {
    check_tenure(&save.tenure)?;
    if save.next <= save.expected || save.next.0 > NUMBER_MAX {
        return refused("a version that does not rise");
    }
    if let Change::Put(state) = &save.change {
        check_size("a state", &state.bytes)?;
    }
    for call in &save.calls {
        check_size("an answer", &call.answer)?;
    }
    for call in &save.outgoing {
        check_size("an argument", &call.arguments)?;
        if call.key.from != save.object || call.key.version != save.next {
            return refused("an outgoing call of another object or save");
        }
        if call.method.contains('\0') {
            return refused("a method's name with a NUL");
        }
    }
    Ok(())
}

fn check_tenure(tenure: &Tenure) -> Result<(), StoreError> {
    if tenure.since > NUMBER_MAX { refused("a tenure above the largest") } else { Ok(()) }
}

fn check_size(what: &str, bytes: &[u8]) -> Result<(), StoreError> {
    if bytes.len() <= STATE_BYTES_MAX {
        return Ok(());
    }
    refused(&format!("{what} of {} bytes; at most {STATE_BYTES_MAX} are allowed", bytes.len()))
}

fn refused(what: &str) -> Result<(), StoreError> {
    Err(StoreError::Refused(what.to_owned()))
}

/// A reason as it is kept: PostgreSQL has no room for a NUL.
pub(crate) fn reason(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
