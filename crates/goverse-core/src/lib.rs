//! The vocabulary of GoVerse: what objects, types and nodes are called, and how things fail.
//!
//! Plain values without I/O or async. Each is checked once, where it is made, and bounded from then on.

mod error_code;
mod listen_address;
mod name;
mod node_address;

pub use error_code::ErrorCode;
pub use listen_address::{InvalidListenAddress, ListenAddress};
pub use name::{InvalidName, OBJECT_ID_BYTES_MAX, ObjectId, TYPE_NAME_BYTES_MAX, TypeName};
pub use node_address::{InvalidAddress, NodeAddress};
