//! What a driver tells the machine.

use std::time::Duration;

use crate::coordinator::{Content, LeaseId, Revision, WatchEvent};
use crate::tenure::Token;

/// The two clocks of a node, read one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// A clock that never goes back and that counts suspend (`CLOCK_BOOTTIME`), from any origin.
    pub boot: Duration,
    /// The time since 1970. It may jump.
    pub wall: Duration,
}

/// A lease that was granted, for one incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub id: LeaseId,
    /// Read before the request for it was given to the transport.
    pub sent: Moment,
    /// How long it lives without renewal, as the coordinator said.
    pub ttl: Duration,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect, in this revision.
    Yes(Revision),
    /// A guard did not hold, as of this revision.
    No(Revision),
    /// Its answer did not come in time, or was lost: it may take effect, also later.
    Unknown,
}

/// What happened. Each `Renew`, `Transact`, `Read` and `Confirm` is answered by one event; the driver ends its wait for
/// an answer itself, after [`crate::Settings::period`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time has passed; at least every [`crate::Settings::tick`].
    Tick,
    /// The worker pool has shown that it lives. Without such a sign for one ttl the lease is not renewed.
    Alive,
    /// The node listens: it may be given shards.
    Ready,
    /// A linearizable read of the whole prefix, for [`crate::Action::Read`].
    Read {
        /// Read before the request was given to the transport.
        sent: Moment,
        /// What there was.
        content: Content,
    },
    /// No answer to [`crate::Action::Read`].
    ReadFailed,
    /// The watch says what came next. Events of a watch that was dropped may still come.
    Watched(WatchEvent),
    /// The watch is over, or was not to be had.
    WatchEnded,
    /// The revision of `assignment`, read linearizably, for [`crate::Action::Confirm`].
    Confirmed {
        /// Read before the request was given to the transport.
        sent: Moment,
        /// The revision of its last put; `None` if there is none.
        modified: Option<Revision>,
    },
    /// No answer to [`crate::Action::Confirm`].
    ConfirmFailed,
    /// The lease was renewed.
    Renewed {
        /// Read before the request was given to the transport.
        sent: Moment,
        /// How long it lives from then on, at least.
        ttl: Duration,
    },
    /// No answer to [`crate::Action::Renew`]; the stream is torn down.
    RenewFailed,
    /// There is no such lease any more.
    LeaseGone,
    /// A transaction was answered, or its answer did not come.
    TransactionDone {
        /// Which [`crate::Action::Transact`].
        id: u64,
        /// What became of it.
        outcome: Outcome,
    },
    /// For [`crate::Action::Release`]: no turn of that tenure runs, its unsaved state is saved, the outcome of every save
    /// is known, and its activations are dropped.
    Idle(Token),
    /// The node is to leave in good order.
    Drain,
}
