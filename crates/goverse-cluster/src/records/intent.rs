//! The record `intent`: what operators want. The leader reads it, and a member for its own drain.

use std::collections::{BTreeMap, BTreeSet};

use goverse_core::{NodeAddress, ShardId};
use serde::{Deserialize, Serialize};

use super::{RecordError, from_json, malformed, to_json};
use crate::tenure::Epoch;

/// What operators want.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intent {
    /// Where a shard is to be whenever that node is active; elsewhere otherwise.
    pub pins: BTreeMap<ShardId, NodeAddress>,
    /// Where a shard is to go once.
    pub moves: BTreeMap<ShardId, MoveRequest>,
    /// Who is to drain.
    pub drain: BTreeSet<NodeAddress>,
}

/// A wish to move a shard once. It is done, or has come to nothing, when the shard has moved after `epoch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRequest {
    /// Where to.
    pub to: NodeAddress,
    /// The epoch of the assignment when it was asked for.
    pub epoch: Epoch,
}

#[derive(Serialize, Deserialize)]
struct Json {
    #[serde(default)]
    pins: BTreeMap<u32, String>,
    #[serde(default)]
    moves: BTreeMap<u32, JsonMove>,
    #[serde(default)]
    drain: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct JsonMove {
    to: String,
    epoch: u64,
}

// === impl Intent ===

impl Intent {
    /// The record as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let json_move =
            |wish: &MoveRequest| JsonMove { to: wish.to.to_string(), epoch: wish.epoch.0 };
        to_json(&Json {
            pins: self.pins.iter().map(|(shard, to)| (shard.0, to.to_string())).collect(),
            moves: self.moves.iter().map(|(shard, wish)| (shard.0, json_move(wish))).collect(),
            drain: self.drain.iter().map(NodeAddress::to_string).collect(),
        })
    }

    /// Reads the record.
    ///
    /// # Errors
    /// When it is of a newer format, or malformed.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let Json { pins, moves, drain } = from_json(value)?;
        let address = |text: &str| text.parse::<NodeAddress>().map_err(|error| malformed(&error));
        let pin = |(shard, to): (u32, String)| Ok((ShardId(shard), address(&to)?));
        let wish = |(shard, JsonMove { to, epoch }): (u32, JsonMove)| {
            Ok((ShardId(shard), MoveRequest { to: address(&to)?, epoch: Epoch(epoch) }))
        };
        Ok(Self {
            pins: pins.into_iter().map(pin).collect::<Result<_, RecordError>>()?,
            moves: moves.into_iter().map(wish).collect::<Result<_, RecordError>>()?,
            drain: drain.iter().map(|text| address(text)).collect::<Result<_, RecordError>>()?,
        })
    }
}
