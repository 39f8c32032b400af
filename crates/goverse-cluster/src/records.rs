//! The records that a cluster keeps with its coordinator, and the keys that they stand under.
//!
//! Chapter *Records* of the protocol. Every record names its format first. A record of a newer format is told from one
//! that makes no sense: the first is somebody else's who knows better, the second is counted and reported.

mod assignment;
mod config;
mod intent;
mod leader;
mod member;
mod ranges;

pub use assignment::{AssignedNode, Assignment, Holder, Owner};
pub use config::ClusterConfig;
pub use intent::{Intent, MoveRequest};
pub use leader::LeaderRecord;
pub use member::{MemberRecord, MemberState, NodeFacts};

use goverse_core::NodeAddress;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The format that this version writes, of every record.
pub const FORMAT: u32 = 1;

/// Where the cluster's configuration is.
pub const CONFIG_KEY: &str = "config";
/// Where the leader is.
pub const LEADER_KEY: &str = "leader";
/// Where the assignment of shards is.
pub const ASSIGNMENT_KEY: &str = "assignment";
/// Where the wishes of operators are.
pub const INTENT_KEY: &str = "intent";
/// What the keys of members begin with.
pub const MEMBERS_PREFIX: &str = "members/";

/// Why a value is no record that we can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a version that knows more.
    #[error("it has format {0}, which is newer than ours ({FORMAT})")]
    Newer(u32),
    /// Nobody's record.
    #[error("it is malformed: {0}")]
    Malformed(String),
}

/// The key of a member's record.
pub fn member_key(address: &NodeAddress) -> String {
    format!("{MEMBERS_PREFIX}{address}")
}

/// The member whose key this is; `None` if it is no member's.
pub fn member_address(key: &str) -> Option<NodeAddress> {
    let text = key.strip_prefix(MEMBERS_PREFIX)?;
    text.parse().ok().filter(|address: &NodeAddress| address.as_str() == text)
}

/// What every record in JSON begins with.
#[derive(Deserialize)]
struct Formatted {
    format: u32,
}

/// Reads a record in JSON.
fn from_json<T: DeserializeOwned>(value: &[u8]) -> Result<T, RecordError> {
    let Formatted { format } = serde_json::from_slice(value).map_err(|error| malformed(&error))?;
    if format > FORMAT {
        return Err(RecordError::Newer(format));
    }
    serde_json::from_slice(value).map_err(|error| malformed(&error))
}

/// Writes a record in JSON, with its format in front.
fn to_json<T: serde::Serialize>(record: &T) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct WithFormat<'a, T> {
        format: u32,
        #[serde(flatten)]
        record: &'a T,
    }
    serde_json::to_vec(&WithFormat { format: FORMAT, record })
        .expect("a record has text for keys and nothing that can fail")
}

fn malformed(problem: &dyn std::fmt::Display) -> RecordError {
    RecordError::Malformed(problem.to_string())
}
