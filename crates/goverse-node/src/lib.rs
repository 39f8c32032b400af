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
mod alarms;
mod budget;
mod bytes_call;
mod call;
mod call_error;
mod caller;
mod chain;
mod clock;
mod directory;
mod error;
mod gone;
mod hot;
mod idle;
mod keeper;
mod life;
mod lifecycle;
mod listing;
mod log_limit;
mod long_turns;
mod long_way;
mod method;
mod named;
mod nesting;
mod node;
mod object;
mod object_type;
mod outcome;
mod recent;
mod reference;
mod router;
mod run_to_end;
mod runner;
mod settings;
mod state;
mod store;
mod target;
mod timer;
mod turn;
mod turn_lock;
mod type_handle;
mod waiting_call;
mod waits;

pub use bytes_call::Reply;
pub use call::{Call, CallResult};
pub use call_error::{CallError, SystemError};
pub use caller::{Addressed, Caller};
pub use error::{BuildError, ObjectError};
pub use goverse_core::{
    CallId, Encoding, InvalidCallId, Never, NoArguments, Payload, PayloadError, Proto, Ran,
};
pub use goverse_macros::object;
pub use goverse_metrics::DeactivationReason;
pub use hot::{HotObject, HotReport};
pub use lifecycle::Drained;
pub use listing::{ListQuery, Listing, ObjectInfo};
pub use method::{Method, MethodEntry, ReturnsResult, Turn};
pub use named::{Interface, NamedCall, NamedRef};
pub use node::{Node, NodeBuilder};
pub use object::{Ctx, HookError, Object};
pub use reference::ObjectRef;
pub use router::{OutgoingCall, Router};
pub use settings::{NodeSettings, TypeSettings};
pub use state::{Persistence, State, Upgrade, WritePolicy};
pub use store::{
    CallRecord, Change, Conflict, DeadLetter, FenceKey, Listed, Load, Loaded, ObjectKey, Outgoing,
    OutgoingKey, Save, Settlement, StateStore, StoreError, StoreFuture, StoredState, Tenure,
    Version,
};
pub use timer::Timer;

/// What the code that `#[object]` writes is made of; nothing for people.
#[doc(hidden)]
pub mod macro_support {
    pub use std::future::Future;

    pub use serde;

    pub use crate::{
        Addressed, Call, Caller, Ctx, DeactivationReason, HookError, Interface, Method,
        MethodEntry, NamedCall, NamedRef, Never, NoArguments, Object, ObjectRef, Payload,
        Persistence, Proto, ReturnsResult, Turn, WritePolicy,
    };
}
