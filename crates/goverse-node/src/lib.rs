//! The objects of one process: types, activations, and their lifecycle.
//!
//! A [`Node`] has an address and registered types; it creates objects, destroys them, finds them and
//! lists them, and counts every one of them through the `metrics` facade. It needs a tokio runtime
//! for hooks that wait, and nothing else: no server, no recorder, no other node.
//!
//! ```
//! use goverse_node::{Node, Object};
//!
//! #[derive(Default)]
//! struct ChatRoom;
//!
//! impl Object for ChatRoom {
//!     const TYPE: &'static str = "ChatRoom";
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder("localhost:47000".parse()?).object::<ChatRoom>().build()?;
//! node.create_object("ChatRoom", "lobby").await?;
//! assert_eq!(node.list(&Default::default()).objects.len(), 1);
//! node.destroy_object("ChatRoom", "lobby").await?;
//! # Ok(())
//! # }
//! ```

mod activation;
mod directory;
mod error;
mod lifecycle;
mod listing;
mod node;
mod object;
mod run_to_end;
mod turn_lock;

pub use error::{BuildError, ObjectError};
pub use goverse_metrics::DeactivationReason;
pub use lifecycle::Drained;
pub use listing::{ListQuery, Listing, ObjectInfo};
pub use node::{Node, NodeBuilder};
pub use object::{Ctx, HookError, Object};
