//! What the machine asks of its driver.

use std::time::Duration;

use goverse_core::{NodeAddress, ShardCount};

use crate::coordinator::Transaction;
use crate::tenure::{Incarnation, Token};

/// What to do. The driver does all of them, in order, and nothing else touches the coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Renew the lease, once, within one period: `Renewed`, `RenewFailed` or `LeaseGone`.
    Renew,
    /// Try a transaction, once, within one period: `TransactionDone`.
    Transact {
        /// What the answer is to name.
        id: u64,
        /// What to try.
        transaction: Transaction,
    },
    /// Read the whole prefix: `Read` or `ReadFailed`. After a `Read` the former watch is dropped, and a new one begins
    /// after the revision of that content; an answer that comes without a watch in the end is followed by `WatchEnded`.
    Read,
    /// Read the revision of `assignment`: `Confirmed` or `ConfirmFailed`.
    Confirm,
    /// Let every check compare the boot clock with this: what is not before it is too late. Only ever by an atomic store.
    SetWindow(Duration),
    /// Turns of this tenure may begin, while the window is open.
    Serve(Token),
    /// No turns of this tenure begin any more but those of chains that run in it; then `Idle`.
    Release(Token),
    /// Nothing of these tenures has any effect from now on.
    Revoke(Vec<Token>),
    /// The incarnation is over. Begin another, with a new lease, a new number and a new machine.
    Lost(Loss),
    /// This node cannot take part. Nothing follows.
    Refuse(Refusal),
    /// Answer what was accepted, tell the peers, revoke the lease, end. Nothing follows.
    Leave,
}

/// How an incarnation was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The coordinator has no such lease.
    LeaseGone,
    /// Its member record is gone.
    RecordGone,
    /// Its member record is another's, or makes no sense.
    RecordTaken,
    /// Another coordinator answers, or the same with other data.
    OtherCoordinator,
}

/// Why a node cannot take part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another member has that address, and stays.
    #[error("address in use: {address} is a member already, and has not gone")]
    AddressInUse {
        /// Which address.
        address: NodeAddress,
        /// Who has it, if its record can be read.
        by: Option<Incarnation>,
    },
    /// The cluster has another number of shards.
    #[error("this node is configured for {ours} shards, and its cluster has {theirs}")]
    ShardCount {
        /// What the node was told.
        ours: ShardCount,
        /// What the cluster's configuration says.
        theirs: ShardCount,
    },
    /// The cluster's configuration is not for us.
    #[error("the cluster's record `config` cannot be used: {0}")]
    Config(#[source] crate::records::RecordError),
}
