//! Who is a member of a cluster, who owns which shard, and how a shard changes hands.
//!
//! It knows nothing of objects and of how nodes talk to each other.

mod coordinator;

pub use coordinator::{
    BoxFuture, Cell, Change, Content, Coordinator, CoordinatorError, Effect, Grant, Guard, LeaseId,
    Revision, Transaction, Verdict, Watch, WatchEvent,
};
