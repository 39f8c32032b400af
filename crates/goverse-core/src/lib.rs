//! The vocabulary of GoVerse: what objects, types and nodes are called, how values travel, and how
//! things fail.
//!
//! Plain values without I/O or async. Each is checked once, where it is made, and bounded from then on.

mod call_id;
mod encoding;
mod error_code;
mod listen_address;
mod method_name;
mod name;
mod node_address;
mod payload;
mod ran;
mod shard;

pub use call_id::{CallId, InvalidCallId};
pub use encoding::{Encoding, InvalidEncoding};
pub use error_code::ErrorCode;
pub use listen_address::{InvalidListenAddress, ListenAddress};
pub use method_name::{METHOD_NAME_BYTES_MAX, check_method_name};
pub use name::{InvalidName, OBJECT_ID_BYTES_MAX, ObjectId, TYPE_NAME_BYTES_MAX, TypeName};
pub use node_address::{InvalidAddress, NodeAddress};
pub use payload::{NESTING_MAX, Never, NoArguments, Payload, PayloadError, Proto};
pub use ran::Ran;
pub use shard::{InvalidShard, ShardCount, ShardId, shard_of};
