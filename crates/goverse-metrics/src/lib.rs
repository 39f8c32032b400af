//! What GoVerse measures: one catalogue of every metric, and the typed handles that update them.
//!
//! * [`catalogue`] lists every metric: name, kind, help, unit, labels, buckets, and how to use it.
//! * [`TypeMetrics`] and [`ObjectGuard`] count the objects of one type on one node.
//! * [`CallMetrics`] and [`MethodMetrics`] are the handles of calls, which [`CallGuard`] and
//!   [] count with.
//! * [`StoreMetrics`] are the handles of a node's store, which [`StoreOperationGuard`] counts with;
//!   [`RepeatedCallMetrics`] and [`AfterCommitMetrics`] are of calls that a store makes sure of.
//! * [`ClusterMetrics`] are the handles of a node's part in its cluster.
//! * [`ScrapeMetrics`], [`NodeMetrics`] and [`OverflowMetrics`] are what a server reports of itself.
//!
//! Handles report to whichever [`metrics`] recorder is installed **when they are made**. A handle
//! made before a recorder is installed does nothing for ever, so install the recorder first.
//!
//! ```
//! use goverse_metrics::{DeactivationReason, ObjectGuard, TypeMetrics};
//!
//! let metrics = std::sync::Arc::new(TypeMetrics::new("localhost:47000", "ChatRoom"));
//! let object = ObjectGuard::begin(metrics);
//! object.succeed(); // goverse_objects_total +1
//! object.ends(DeactivationReason::Destroyed);
//! drop(object); // goverse_objects_total -1
//! ```
//!
//! This crate knows no exporter, no HTTP and no async runtime.

mod calls;
pub mod catalogue;
pub mod clock;
mod cluster;
mod facade;
mod objects;
mod server;
mod store;
mod vocabulary;

pub use calls::{CallGuard, CallMetrics, MethodMetrics, UnknownCallMetrics};
pub use catalogue::{CATALOGUE, Kind, Label, Metric, Moves, Stability, Unit, Values};
pub use cluster::{ClusterMetrics, ClusterSummary, OperationGuard};
pub use facade::{ABSENT_TYPE, OTHER, TARGET, describe};
pub use objects::{ObjectGuard, TypeMetrics, UnknownTypeMetrics};
pub use server::{NodeMetrics, OverflowMetrics, ScrapeMetrics, report_build};
pub use store::{AfterCommitMetrics, RepeatedCallMetrics, StoreMetrics, StoreOperationGuard};
pub use vocabulary::{
    ActivationFailure, AfterCommitOutcome, CallStatus, ConflictKind, CoordinatorOperation,
    CoordinatorOutcome, DeactivationFailure, DeactivationReason, MemberState, PanicSite,
    RejectionCode, RenewalOutcome, ShardMoveReason, StoreKind, StoreOperation, StoreStatus,
};
