//! Who is a member of a cluster, who owns which shard, and how a shard changes hands.
//!
//! It knows nothing of objects and of how nodes talk to each other.
//!
//! * [`Cluster`] is a node's part in a cluster, and [`Driver`] what makes it take part. The part of the node that serves
//!   shards is a [`Tenant`].
//! * [`Machine`] is the protocol, without clock and network.
//! * [`Coordinator`] is where members and the assignment are kept: [`Embedded`] in this process, or in etcd.

#[macro_use]
mod mutant;

mod clock;
mod coordinator;
mod driver;
mod embedded;
#[cfg(feature = "etcd")]
pub mod etcd;
mod machine;
mod placement;
pub mod records;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod tenant;
mod tenure;
mod window;

pub use clock::boot as boot_clock;
pub use coordinator::{
    BoxFuture, Cell, Change, Content, Coordinator, CoordinatorError, Effect, Grant, Guard, LeaseId,
    Revision, Transaction, Verdict, Watch, WatchEvent,
};
pub use driver::{Cluster, ClusterError, Driver};
pub use embedded::Embedded;
pub use machine::{
    Action, Event, Lease, Loss, Machine, Moment, Outcome, Refusal, Route, Settings, ShardState,
    Stored, View,
};
#[cfg(any(test, feature = "simulation"))]
pub use mutant::Mutant;
pub use tenant::Tenant;
pub use tenure::{Epoch, Incarnation, InvalidIncarnation, Token};
pub use window::Window;
