//! Who is a member of a cluster, who owns which shard, and how a shard changes hands.
//!
//! It knows nothing of objects and of how nodes talk to each other.
//!
//! * [`Coordinator`] is where members and the assignment are kept: [`Embedded`] in this process, or in etcd.

#[macro_use]
mod mutant;

mod coordinator;
mod embedded;
#[cfg(feature = "etcd")]
pub mod etcd;
mod machine;
mod placement;
pub mod records;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod tenure;

pub use coordinator::{
    BoxFuture, Cell, Change, Content, Coordinator, CoordinatorError, Effect, Grant, Guard, LeaseId,
    Revision, Transaction, Verdict, Watch, WatchEvent,
};
pub use embedded::Embedded;
pub use machine::{
    Action, Event, Lease, Loss, Machine, Moment, Outcome, Refusal, Route, Settings, ShardState,
    Stored, View,
};
#[cfg(any(test, feature = "simulation"))]
pub use mutant::Mutant;
pub use tenure::{Epoch, Incarnation, InvalidIncarnation, Token};
