//! The record `assignment`: who owns each shard and since when, and who may still hold it.
//!
//! It is text, so that an operator can read it, and compact: runs of shards with the same owner take one word.
//!
//! ```text
//! format 1
//! epoch 1763836625000 00000000000000000000000000000007
//! node 00000000000000000000000000000007 10.0.0.1:47000 1763836620000
//! node 00000000000000000000000000000009 10.0.0.2:47000 1763836625000
//! since 1763836620000 1763836625000
//! owners 4096x0.0 4096x1.1
//! holders 4096-8191 0@1763836625000
//! ```
//!
//! The line `epoch` ends with the writer. The rest counts nodes and epochs (`since`) from 0: `4096x1.1` are 4096 shards of
//! node 1 since epoch 1 of that list, and `0@17…` is node 0, which is to release in that epoch.

mod decode;
mod encode;

use std::collections::BTreeMap;
use std::sync::Arc;

use goverse_core::{NodeAddress, ShardCount, ShardId};

use super::RecordError;
use crate::tenure::{Epoch, Incarnation};

/// Who owns each shard, and who may still hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Which assignment it is.
    pub epoch: Epoch,
    /// Who wrote it.
    pub writer: Incarnation,
    /// Who owns and holds shards, and every other member.
    pub nodes: Vec<AssignedNode>,
    /// By shard.
    pub owners: Vec<Owner>,
    /// Of the shards in handoff: who may still hold them.
    pub holders: BTreeMap<ShardId, Arc<[Holder]>>,
}

/// A node that an assignment speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedNode {
    /// Which life of it.
    pub incarnation: Incarnation,
    /// Where it is reached.
    pub address: NodeAddress,
    /// The first epoch that spoke of it: the fence of the objects that are fixed to it.
    pub since: Epoch,
}

/// Who owns a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Which of the assignment's nodes.
    pub node: u32,
    /// From which epoch.
    pub since: Epoch,
}

/// Who may still hold a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Which of the assignment's nodes.
    pub node: u32,
    /// It no longer holds the shard when it has acknowledged this epoch and does not list the shard as being released.
    pub release: Epoch,
}

// === impl Assignment ===

impl Assignment {
    /// The record as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        encode::encode(self).into_bytes()
    }

    /// Reads the record.
    ///
    /// # Errors
    /// When it is of a newer format, or malformed, which one for another number of shards is too.
    pub fn decode(value: &[u8], shards: ShardCount) -> Result<Self, RecordError> {
        decode::decode(value, shards)
    }

    /// Who owns a shard; `None` if there is no such shard.
    pub fn owner(&self, shard: ShardId) -> Option<(&AssignedNode, Epoch)> {
        let Owner { node, since } = self.owners.get(shard.0 as usize)?;
        Some((&self.nodes[*node as usize], *since))
    }

    /// Who may still hold a shard, and which epoch tells them to let go.
    pub fn holders(&self, shard: ShardId) -> impl Iterator<Item = (&AssignedNode, Epoch)> {
        let holders = self.holders.get(&shard).map_or(&[][..], |holders| &holders[..]);
        holders.iter().map(|holder| (&self.nodes[holder.node as usize], holder.release))
    }

    /// The place of a node in the list.
    pub fn node(&self, incarnation: Incarnation) -> Option<u32> {
        let found = self.nodes.iter().position(|node| node.incarnation == incarnation);
        found.map(|index| index as u32)
    }
}

#[cfg(test)]
mod tests;
