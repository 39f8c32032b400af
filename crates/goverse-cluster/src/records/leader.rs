//! The record `leader`: which member writes the assignment. It goes with that member's lease.

use goverse_core::NodeAddress;
use serde::{Deserialize, Serialize};

use super::{RecordError, from_json, malformed, to_json};
use crate::tenure::Incarnation;

/// Who leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderRecord {
    /// Which life of it.
    pub incarnation: Incarnation,
    /// Where it is reached.
    pub address: NodeAddress,
}

#[derive(Serialize, Deserialize)]
struct Json {
    incarnation: Incarnation,
    address: String,
}

// === impl LeaderRecord ===

impl LeaderRecord {
    /// The record as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        to_json(&Json { incarnation: self.incarnation, address: self.address.to_string() })
    }

    /// Reads the record.
    ///
    /// # Errors
    /// When it is of a newer format, or malformed.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let Json { incarnation, address } = from_json(value)?;
        Ok(Self { incarnation, address: address.parse().map_err(|error| malformed(&error))? })
    }
}
