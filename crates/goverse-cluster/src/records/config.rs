//! The record `config`: what all members of a cluster must agree on, written by the first of them.

use goverse_core::ShardCount;
use serde::{Deserialize, Serialize};

use super::{RecordError, from_json, malformed, to_json};

/// What a cluster is, for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// How many shards it has.
    pub shards: ShardCount,
}

#[derive(Serialize, Deserialize)]
struct Json {
    shards: u32,
}

// === impl ClusterConfig ===

impl ClusterConfig {
    /// The record as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        to_json(&Json { shards: self.shards.get() })
    }

    /// Reads the record.
    ///
    /// # Errors
    /// When it is of a newer format, or malformed.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let Json { shards } = from_json(value)?;
        Ok(Self { shards: ShardCount::new(shards).map_err(|error| malformed(&error))? })
    }
}
