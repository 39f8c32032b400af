//! The records `members/<address>`: who takes part, in what state, and what it has let go.

use std::collections::{BTreeMap, BTreeSet};

use goverse_core::ShardId;
use serde::{Deserialize, Serialize};

use super::{RecordError, from_json, malformed, ranges, to_json};
use crate::tenure::{Epoch, Incarnation};

/// One member, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// Which life of it.
    pub incarnation: Incarnation,
    /// Whether it may be given shards.
    pub state: MemberState,
    /// What it is; the protocol reads its weight alone.
    pub facts: NodeFacts,
    /// It has applied this epoch, and shall never again act by an older one.
    pub acked: Epoch,
    /// Of the shards that `acked` does not give it, it holds exactly these.
    pub releasing: BTreeSet<ShardId>,
}

/// Whether a member may be given shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// Not yet: it does not listen yet.
    Joining,
    /// It may.
    Active,
    /// No longer: it goes as soon as it owns and holds nothing.
    Draining,
}

/// What a node tells of itself beside its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Its ports by what they are for (`node`, `client`, `operations`).
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
    /// The version of the program.
    #[serde(default)]
    pub version: String,
    /// The protocols between nodes that it speaks.
    #[serde(default)]
    pub protocols: Vec<u32>,
    /// Its share of the shards, in proportion to the weights of others. One of 0 is given none.
    pub weight: u32,
}

#[derive(Serialize, Deserialize)]
struct Json {
    incarnation: Incarnation,
    state: MemberState,
    #[serde(flatten)]
    facts: NodeFacts,
    acked: u64,
    releasing: String,
}

// === impl MemberRecord ===

impl MemberRecord {
    /// The record as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        to_json(&Json {
            incarnation: self.incarnation,
            state: self.state,
            facts: self.facts.clone(),
            acked: self.acked.0,
            releasing: ranges::encode(self.releasing.iter().copied()),
        })
    }

    /// Reads the record.
    ///
    /// # Errors
    /// When it is of a newer format, or malformed.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let Json { incarnation, state, facts, acked, releasing } = from_json(value)?;
        let releasing = ranges::decode(&releasing)
            .ok_or_else(|| malformed(&"`releasing` is no list of shards, such as 0-3,7"))?;
        Ok(Self { incarnation, state, facts, acked: Epoch(acked), releasing })
    }
}

// === impl NodeFacts ===

impl Default for NodeFacts {
    fn default() -> Self {
        Self { ports: BTreeMap::new(), version: String::new(), protocols: Vec::new(), weight: 100 }
    }
}
