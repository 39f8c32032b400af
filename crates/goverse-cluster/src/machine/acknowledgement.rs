//! What a node says it has let go.
//!
//! Chapter *A shard on a node* of the protocol, *Acknowledgement*: `acked = e, releasing = R` means: I have applied epoch
//! e; I shall never again act by an older one; of the shards that e does not give me I hold exactly R. It is written when
//! a holder entry names the node with a release epoch above its `acked`, and when R shrinks; others write nothing.

use std::collections::BTreeSet;

use goverse_core::ShardId;

use super::settings::Settings;
use super::shard::Shards;
use super::view::View;
use crate::records::MemberRecord;
use crate::tenure::{Epoch, Incarnation};

/// What a member's record says of what it has let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acknowledgement {
    pub(super) acked: Epoch,
    pub(super) releasing: BTreeSet<ShardId>,
}

/// The highest epoch in which somebody is to let go of a shard; 0 if there is none.
pub(super) fn release_asked_of(view: &View, incarnation: Incarnation) -> Epoch {
    let Some(assignment) = view.assignment() else { return Epoch(0) };
    let Some(node) = assignment.node(incarnation) else { return Epoch(0) };
    let entries = assignment.holders.values().flat_map(|holders| holders.iter());
    entries
        .filter(|holder| holder.node == node)
        .map(|holder| holder.release)
        .max()
        .unwrap_or_default()
}

/// What to write, if something is to be written.
pub(super) fn due(
    written: &MemberRecord,
    view: &View,
    asked: Epoch,
    shards: &Shards,
    settings: &Settings,
) -> Option<Acknowledgement> {
    let mut releasing = shards.releasing_for_others();
    if left_out!(settings.rules, AckBeforeRelease) {
        releasing.clear();
    }
    if left_out!(settings.rules, OneAckForWholeEpoch) && !releasing.is_empty() {
        return None;
    }
    let is_asked = asked > written.acked;
    let has_shrunk = !written.releasing.is_subset(&releasing);
    let acked = view.epoch().max(written.acked);
    (is_asked || has_shrunk).then_some(Acknowledgement { acked, releasing })
}
