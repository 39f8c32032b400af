//! The next assignment: who owns what, and who may still hold it.
//!
//! Moving a shard from X to Y at epoch e: `since = e`; the holders stay, minus those cleared, plus `(X, e)`, which replaces
//! X's older entry, for an acknowledgement of e covers all before. No entry is dropped for any other reason, also not Y's.

use std::collections::BTreeMap;
use std::sync::Arc;

use goverse_core::ShardId;

use super::super::Machine;
use super::super::event::Moment;
use super::super::view::View;
use crate::placement::{self, Move};
use crate::records::{AssignedNode, Assignment, Holder, Owner};
use crate::tenure::Epoch;

// === impl Machine ===

impl Machine {
    /// A map in place of one that is missing or unreadable: whoever is a member may hold anything.
    pub(super) fn assign_anew(&self, view: &View, epoch: Epoch) -> Option<Assignment> {
        let nodes = with_members(&[], view, epoch);
        let everybody = (0..nodes.len() as u32).map(|node| Holder { node, release: epoch });
        let everybody: Arc<[Holder]> = everybody.collect();
        let shards = self.settings.shards;
        let nobodys = placement::anew(
            nodes.iter().map(|node| {
                let member = view.member(&node.address, node.incarnation).flatten();
                member.map_or((false, 0), |member| {
                    (member.state == crate::records::MemberState::Active, member.facts.weight)
                })
            }),
            shards,
        )?;
        Some(Assignment {
            epoch,
            writer: self.incarnation,
            nodes,
            owners: nobodys.into_iter().map(|node| Owner { node, since: epoch }).collect(),
            holders: shards.shards().map(|shard| (shard, Arc::clone(&everybody))).collect(),
        })
    }

    /// The map after `former`, if anything is to change.
    pub(super) fn reassign(
        &self,
        view: &View,
        former: &Assignment,
        epoch: Epoch,
        now: Moment,
    ) -> Option<Assignment> {
        let nodes = with_members(&former.nodes, view, epoch);
        let moves = placement::place(&self.situation(view, former, &nodes, now));
        if moves.is_empty() && nodes.len() == former.nodes.len() {
            return None;
        }
        let mut next = Assignment {
            epoch,
            writer: self.incarnation,
            nodes,
            owners: former.owners.clone(),
            holders: self.uncleared(view, former, now),
        };
        for Move { shard, to } in moves {
            let owner = &mut next.owners[shard.0 as usize];
            let from = std::mem::replace(owner, Owner { node: to, since: epoch });
            self.let_go(&mut next, shard, from.node, now);
        }
        forget_strangers(&mut next, view);
        Some(next)
    }

    /// The holders of `former` that may still act.
    fn uncleared(
        &self,
        view: &View,
        former: &Assignment,
        now: Moment,
    ) -> BTreeMap<ShardId, Arc<[Holder]>> {
        let at = (now, &self.settings);
        let left = former.holders.iter().map(|(shard, holders)| {
            let stays = |holder: &&Holder| {
                let node = (&former.nodes[holder.node as usize], holder.release);
                !self.departed.is_cleared(view, *shard, node, at)
            };
            (*shard, holders.iter().filter(stays).copied().collect::<Arc<[Holder]>>())
        });
        left.filter(|(_, holders)| !holders.is_empty()).collect()
    }

    /// Enters the former owner among the holders, unless it has been gone for the grace.
    fn let_go(&self, next: &mut Assignment, shard: ShardId, from: u32, now: Moment) {
        let former = next.holders.get(&shard).map_or(&[][..], |holders| &holders[..]);
        let mut holders: Vec<Holder> = match left_out!(self.settings.rules, OnlyLastHolderKept) {
            true => Vec::new(),
            false => former.iter().filter(|holder| holder.node != from).copied().collect(),
        };
        if !self.departed.is_past_grace(next.nodes[from as usize].incarnation, now) {
            holders.push(Holder { node: from, release: next.epoch });
        }
        match holders.is_empty() {
            true => next.holders.remove(&shard),
            false => next.holders.insert(shard, holders.into()),
        };
    }
}

/// The nodes of a map, and then the members that it does not know yet.
fn with_members(known: &[AssignedNode], view: &View, epoch: Epoch) -> Vec<AssignedNode> {
    let mut nodes = known.to_vec();
    for (address, member) in view.readable_members() {
        let incarnation = member.incarnation;
        if !known.iter().any(|node| node.incarnation == incarnation) {
            nodes.push(AssignedNode { incarnation, address: address.clone(), since: epoch });
        }
    }
    nodes
}

/// Takes out the nodes that are members no longer, and neither own nor hold anything.
fn forget_strangers(assignment: &mut Assignment, view: &View) {
    let mut is_known: Vec<bool> = assignment
        .nodes
        .iter()
        .map(|node| !matches!(view.member(&node.address, node.incarnation), Some(None)))
        .collect();
    for owner in &assignment.owners {
        is_known[owner.node as usize] = true;
    }
    for holder in assignment.holders.values().flat_map(|holders| holders.iter()) {
        is_known[holder.node as usize] = true;
    }
    if is_known.iter().all(|is_known| *is_known) {
        return;
    }
    let places: Vec<u32> = is_known
        .iter()
        .scan(0, |next, is_known| {
            let place = *next;
            *next += u32::from(*is_known);
            Some(place)
        })
        .collect();
    let mut stays = is_known.iter();
    assignment.nodes.retain(|_| *stays.next().expect("one for each node"));
    for owner in &mut assignment.owners {
        owner.node = places[owner.node as usize];
    }
    for holders in assignment.holders.values_mut() {
        let moved = holders.iter().map(|Holder { node, release }| Holder {
            node: places[*node as usize],
            release: *release,
        });
        *holders = moved.collect();
    }
}
