//! What placement is told: who can take shards, and which shards can move.

use std::collections::HashMap;

use goverse_core::{NodeAddress, ShardId};

use super::super::Machine;
use super::super::event::Moment;
use super::super::view::View;
use crate::placement::{PlacedNode, PlacedShard, Situation, Standing};
use crate::records::{AssignedNode, Assignment, MemberRecord, MemberState};

// === impl Machine ===

impl Machine {
    /// The situation of `former`, with its nodes and `nodes` that are new to it.
    pub(super) fn situation(
        &self,
        view: &View,
        former: &Assignment,
        nodes: &[AssignedNode],
        now: Moment,
    ) -> Situation {
        let mut situation = Situation {
            nodes: nodes.iter().map(|node| self.placed(view, node, now)).collect(),
            shards: former
                .owners
                .iter()
                .map(|owner| PlacedShard {
                    owner: owner.node,
                    since: owner.since,
                    in_handoff: false,
                })
                .collect(),
            preferred: preferred(view, former, nodes),
            handoff_max: self.settings.handoff_max,
        };
        for (shard, holders) in &former.holders {
            let at = (now, &self.settings);
            let uncleared = holders.iter().filter(|holder| {
                let node = (&former.nodes[holder.node as usize], holder.release);
                !self.departed.is_cleared(view, *shard, node, at)
            });
            let mut involved: Vec<u32> = uncleared.map(|holder| holder.node).collect();
            if involved.is_empty() {
                continue;
            }
            let place = &mut situation.shards[shard.0 as usize];
            place.in_handoff = true;
            if !involved.contains(&place.owner) {
                involved.push(place.owner);
            }
            for node in involved {
                situation.nodes[node as usize].in_handoff += 1;
            }
        }
        situation
    }

    fn placed(&self, view: &View, node: &AssignedNode, now: Moment) -> PlacedNode {
        let member = match view.member(&node.address, node.incarnation) {
            // Nobody knows what it is, but for its lease it lives: it keeps what it has.
            None => return PlacedNode { standing: Standing::Unknown, weight: 0, in_handoff: 0 },
            Some(None) => return PlacedNode { standing: Standing::Gone, weight: 0, in_handoff: 0 },
            Some(Some(member)) => member,
        };
        PlacedNode {
            standing: self.standing(member, now),
            weight: member.facts.weight,
            in_handoff: 0,
        }
    }

    fn standing(&self, member: &MemberRecord, now: Moment) -> Standing {
        let settling = self.settings.settling;
        match member.state {
            MemberState::Draining => Standing::Draining,
            MemberState::Joining => Standing::Unknown,
            MemberState::Active if self.leading.is_settled(member.incarnation, now, settling) => {
                Standing::Settled
            }
            MemberState::Active => Standing::Settling,
        }
    }
}

/// Where operators want shards: by a move that is still to be done, or else by a pin.
fn preferred(view: &View, former: &Assignment, nodes: &[AssignedNode]) -> HashMap<ShardId, u32> {
    let Some(intent) = view.intent() else { return HashMap::new() };
    let member = |address: &NodeAddress| {
        let is_there = |node: &AssignedNode| {
            node.address == *address
                && matches!(view.member(address, node.incarnation), Some(Some(_)))
        };
        nodes.iter().position(is_there).map(|index| index as u32)
    };
    let is_open = |shard: ShardId, epoch| {
        former.owners.get(shard.0 as usize).is_some_and(|owner| owner.since <= epoch)
    };
    let pins = intent.pins.iter().filter_map(|(shard, to)| Some((*shard, member(to)?)));
    let moves = intent.moves.iter().filter(|(shard, wish)| is_open(**shard, wish.epoch));
    let moves = moves.filter_map(|(shard, wish)| Some((*shard, member(&wish.to)?)));
    pins.chain(moves).filter(|(shard, _)| (shard.0 as usize) < former.owners.len()).collect()
}
