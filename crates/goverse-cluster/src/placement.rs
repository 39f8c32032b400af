//! Where shards are to be: the placement that moves least.
//!
//! Pure: what there is goes in, moves come out. Shards are balanced within one of each other, in proportion to weights; a
//! dead node's shards are spread at once; those of a draining node, those that an operator wants elsewhere, and the share
//! of a node that has settled go in steps, of at most so many shards in handoff for each node.

mod quota;

use std::collections::HashMap;

use goverse_core::{ShardCount, ShardId};

use quota::{Share, quotas};

use crate::tenure::Epoch;

/// What placement is told.
#[derive(Clone, Debug)]
pub(crate) struct Situation {
    pub(crate) nodes: Vec<PlacedNode>,
    pub(crate) shards: Vec<PlacedShard>,
    /// Where operators want shards.
    pub(crate) preferred: HashMap<ShardId, u32>,
    /// How many shards may be in handoff at once, for each node.
    pub(crate) handoff_max: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedNode {
    pub(crate) standing: Standing,
    pub(crate) weight: u32,
    /// How many shards in handoff it is part of.
    pub(crate) in_handoff: usize,
}

/// What may be done with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It takes its share.
    Settled,
    /// Active only just; it takes its share if it owns shards already, or if nobody has settled.
    Settling,
    /// It gives what it has.
    Draining,
    /// It keeps what it has.
    Unknown,
    /// It has nothing any more.
    Gone,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedShard {
    pub(crate) owner: u32,
    pub(crate) since: Epoch,
    pub(crate) in_handoff: bool,
}

/// A shard that is to have another owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) shard: ShardId,
    pub(crate) to: u32,
}

/// A situation, and what has been decided of it.
struct Plan<'a> {
    situation: &'a Situation,
    /// What follows is by node.
    quota: Vec<usize>,
    owned: Vec<usize>,
    in_handoff: Vec<usize>,
    moves: Vec<Move>,
}

/// The moves to make now. Where there are none, everything is where it is to be or must wait.
pub(crate) fn place(situation: &Situation) -> Vec<Move> {
    let Some(mut plan) = Plan::new(situation) else { return Vec::new() };
    plan.heed_preferences();
    plan.leave(Standing::Gone);
    plan.leave(Standing::Draining);
    plan.balance();
    plan.moves
}

/// The first owners of all shards among nodes that are (active or not, of some weight); `None` if nobody can be.
pub(crate) fn anew(
    nodes: impl Iterator<Item = (bool, u32)>,
    shards: ShardCount,
) -> Option<Vec<u32>> {
    let placed = |(is_active, weight)| {
        let standing = if is_active { Standing::Settled } else { Standing::Unknown };
        PlacedNode { standing, weight, in_handoff: 0 }
    };
    let mut nodes: Vec<PlacedNode> = nodes.map(placed).collect();
    let nobody = nodes.len() as u32;
    nodes.push(PlacedNode { standing: Standing::Gone, weight: 0, in_handoff: 0 });
    let shard = PlacedShard { owner: nobody, since: Epoch(0), in_handoff: false };
    let moves = place(&Situation {
        nodes,
        shards: vec![shard; shards.get() as usize],
        preferred: HashMap::new(),
        handoff_max: 0,
    });
    let mut owners = vec![nobody; shards.get() as usize];
    for Move { shard, to } in moves {
        owners[shard.0 as usize] = to;
    }
    (!owners.contains(&nobody)).then_some(owners)
}

// === impl Plan ===

impl<'a> Plan<'a> {
    /// `None` if nobody can take a shard.
    fn new(situation: &'a Situation) -> Option<Self> {
        let Situation { nodes, shards, preferred, .. } = situation;
        let mut owned = vec![0; nodes.len()];
        for shard in shards {
            owned[shard.owner as usize] += 1;
        }
        let is_target = targets(nodes, &owned)?;
        let mut pinned = vec![0; nodes.len()];
        for to in preferred.values() {
            pinned[*to as usize] += 1;
        }
        let share = |node: usize| Share {
            weight: if is_target[node] { nodes[node].weight } else { 0 },
            owned: owned[node],
            pinned: if is_target[node] { pinned[node] } else { 0 },
        };
        let shares: Vec<Share> = (0..nodes.len()).map(share).collect();
        let stay = |node: &usize| nodes[*node].standing == Standing::Unknown;
        let staying: usize = (0..nodes.len()).filter(stay).map(|node| owned[node]).sum();
        let quota = quotas(shards.len() - staying, &shares)
            .into_iter()
            .zip(&is_target)
            .map(|(quota, is_target)| if *is_target { quota } else { 0 })
            .collect();
        let in_handoff = nodes.iter().map(|node| node.in_handoff).collect();
        Some(Self { situation, quota, owned, in_handoff, moves: Vec::new() })
    }

    /// Moves what operators want elsewhere.
    fn heed_preferences(&mut self) {
        let preferred = &self.situation.preferred;
        let mut wishes: Vec<_> = preferred.iter().map(|(shard, to)| (*shard, *to)).collect();
        wishes.sort_unstable();
        for (shard, to) in wishes {
            let place = self.situation.shards[shard.0 as usize];
            let is_free = !place.in_handoff || self.standing(place.owner).lets_go();
            if place.owner != to && is_free && self.is_target(to) && self.has_room(place.owner, to)
            {
                self.assign(shard, to);
            }
        }
    }

    /// Moves what nodes of that standing own to where there is too little.
    fn leave(&mut self, standing: Standing) {
        let mut to = 0;
        let is_moved = self.moved();
        for (shard, place) in (0..).map(ShardId).zip(&self.situation.shards) {
            if self.standing(place.owner) != standing || is_moved[shard.0 as usize] {
                continue;
            }
            let is_urgent = standing == Standing::Gone;
            if !is_urgent && !self.has_room_at(place.owner) {
                continue;
            }
            match self.next_below_quota(to, is_urgent) {
                Some(found) => to = found,
                None => return,
            }
            self.assign(shard, to as u32);
        }
    }

    /// Moves what nodes have too much of: what has been there longest, so that what was just moved there stays.
    fn balance(&mut self) {
        let mut surplus: Vec<Vec<ShardId>> = vec![Vec::new(); self.owned.len()];
        let is_moved = self.moved();
        for (shard, place) in (0..).map(ShardId).zip(&self.situation.shards) {
            let owner = place.owner as usize;
            let is_wanted = self.situation.preferred.get(&shard) == Some(&place.owner);
            let can_move = !place.in_handoff && !is_wanted && !is_moved[shard.0 as usize];
            if can_move
                && self.standing(place.owner).is_active()
                && self.owned[owner] > self.quota[owner]
            {
                surplus[owner].push(shard);
            }
        }
        let mut to = 0;
        for (from, mut shards) in surplus.into_iter().enumerate() {
            let since = |shard: &ShardId| self.situation.shards[shard.0 as usize].since;
            shards.sort_by_key(|shard| (since(shard), std::cmp::Reverse(*shard)));
            for shard in shards {
                if self.owned[from] <= self.quota[from] || !self.has_room_at(from as u32) {
                    break;
                }
                match self.next_below_quota(to, false) {
                    Some(found) => to = found,
                    None => return,
                }
                self.assign(shard, to as u32);
            }
        }
    }

    /// The first node from there on, and then from the start, that has less than it is to have.
    fn next_below_quota(&self, from: usize, is_urgent: bool) -> Option<usize> {
        let nodes = (from..self.owned.len()).chain(0..from);
        nodes.into_iter().find(|node| {
            self.owned[*node] < self.quota[*node] && (is_urgent || self.has_room_at(*node as u32))
        })
    }

    fn assign(&mut self, shard: ShardId, to: u32) {
        let place = self.situation.shards[shard.0 as usize];
        self.owned[place.owner as usize] -= 1;
        self.owned[to as usize] += 1;
        self.in_handoff[to as usize] += 1;
        if !place.in_handoff {
            self.in_handoff[place.owner as usize] += 1;
        }
        self.moves.push(Move { shard, to });
    }

    fn moved(&self) -> Vec<bool> {
        let mut is_moved = vec![false; self.situation.shards.len()];
        self.moves.iter().for_each(|Move { shard, .. }| is_moved[shard.0 as usize] = true);
        is_moved
    }

    fn standing(&self, node: u32) -> Standing {
        self.situation.nodes[node as usize].standing
    }

    fn is_target(&self, node: u32) -> bool {
        self.quota[node as usize] > 0
    }

    /// Whether both ends may have one more shard in handoff; a node that is gone has no end.
    fn has_room(&self, from: u32, to: u32) -> bool {
        self.standing(from) == Standing::Gone || (self.has_room_at(from) && self.has_room_at(to))
    }

    fn has_room_at(&self, node: u32) -> bool {
        self.in_handoff[node as usize] < self.situation.handoff_max
    }
}

/// Which nodes take shards; `None` if none does.
fn targets(nodes: &[PlacedNode], owned: &[usize]) -> Option<Vec<bool>> {
    let settled = |(node, owned): (&PlacedNode, &usize)| match node.standing {
        Standing::Settled => node.weight > 0,
        Standing::Settling => node.weight > 0 && *owned > 0,
        Standing::Draining | Standing::Unknown | Standing::Gone => false,
    };
    let settled: Vec<bool> = nodes.iter().zip(owned).map(settled).collect();
    if settled.contains(&true) {
        return Some(settled);
    }
    let settling = |node: &PlacedNode| node.standing == Standing::Settling && node.weight > 0;
    let settling: Vec<bool> = nodes.iter().map(settling).collect();
    settling.contains(&true).then_some(settling)
}

// === impl Standing ===

impl Standing {
    fn is_active(self) -> bool {
        matches!(self, Self::Settled | Self::Settling)
    }

    /// Whether its shards go elsewhere, also those in handoff.
    fn lets_go(self) -> bool {
        matches!(self, Self::Draining | Self::Gone)
    }
}

#[cfg(test)]
mod tests;
