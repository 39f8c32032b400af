//! What a cluster asks of its coordinator: cells with revisions, guarded transactions, leases, one watch.
//!
//! Keys are names below the cluster's own prefix (`members/10.0.0.1:7000`); an implementation adds the prefix and
//! takes it off again. Nothing here knows what a record means.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, time::Duration};

/// A future on the heap, so that the trait can stand behind `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A point in the history of the coordinator; each change of anything makes the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

/// A lease: cells put with it are deleted in one revision when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub i64);

/// One key's value, and when it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What was put there.
    pub value: Vec<u8>,
    /// The revision that made the key; a key that was deleted and put again has a new one.
    pub created: Revision,
    /// The revision of the last put.
    pub modified: Revision,
    /// The lease that it goes with.
    pub lease: Option<LeaseId>,
}

/// The exact content of the whole prefix at one revision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Which coordinator said so: another id means other data, whatever its revision.
    pub cluster: u64,
    /// When it was so.
    pub revision: Revision,
    /// Every key there was, without the prefix.
    pub cells: BTreeMap<String, Cell>,
}

/// What must be true for a transaction to take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The key does not exist.
    Absent(String),
    /// The key exists, and this revision made it.
    Created(String, Revision),
    /// The key exists, and this revision put it last.
    Modified(String, Revision),
}

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Puts a value, with a lease or for good.
    Put {
        /// Where, without the prefix.
        key: String,
        /// What.
        value: Vec<u8>,
        /// With which lease.
        lease: Option<LeaseId>,
    },
    /// Deletes a key, if it is there.
    Delete {
        /// Which, without the prefix.
        key: String,
    },
}

/// Effects that all happen in one revision if all guards hold, and none otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transaction {
    /// All must hold.
    pub guards: Vec<Guard>,
    /// All happen.
    pub effects: Vec<Effect>,
}

/// What became of a transaction whose answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect, in this revision.
    Yes(Revision),
    /// A guard did not hold, as of this revision; nothing changed.
    No(Revision),
}

/// A lease as it was granted, or renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub lease: LeaseId,
    /// How long it lives from now on unless renewed; it may differ from what was asked.
    pub ttl: Duration,
}

/// What one revision changed: the put cells, and `None` for deleted keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Which revision.
    pub revision: Revision,
    /// Every key of the prefix that it touched.
    pub cells: BTreeMap<String, Option<Cell>>,
}

/// What a watch says next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// One whole revision; they come in order, and none is left out.
    Changed(Change),
    /// Everything up to this revision has been said, though nothing of the prefix may have changed.
    Progress(Revision),
}

/// Revision by revision, what happens below the prefix. It ends by an error, which says that the content is to be read
/// again: a lost connection, a gap, a compaction.
pub trait Watch: Send {
    /// Waits for the next event. May be dropped at any await without losing one.
    ///
    /// # Errors
    /// The watch is over.
    fn next(&mut self) -> BoxFuture<'_, Result<WatchEvent, CoordinatorError>>;
}

/// Where members and the assignment are kept: etcd, or a part of this process.
///
/// Each method is one attempt at one endpoint or connection; time-outs are the caller's, and dropping a future gives
/// the attempt up. After an attempt that was given up or failed as [`CoordinatorError::Unknown`], a transaction may have
/// taken effect.
pub trait Coordinator: Send + Sync + 'static {
    /// What it is called in metrics: `embedded`, `etcd`.
    fn name(&self) -> &'static str;

    /// Grants a lease.
    ///
    /// # Errors
    /// As of [`CoordinatorError`].
    fn grant(&self, ttl: Duration) -> BoxFuture<'_, Result<Grant, CoordinatorError>>;

    /// Renews a lease, once. An answer belongs to this request and to no earlier one: an implementation whose transport
    /// carries no request ids opens a new stream after an attempt that was given up.
    ///
    /// # Errors
    /// [`CoordinatorError::LeaseGone`] if there is no such lease any more.
    fn renew(&self, lease: LeaseId) -> BoxFuture<'_, Result<Grant, CoordinatorError>>;

    /// Ends a lease, and deletes the cells that go with it. A lease that is gone is no error.
    ///
    /// # Errors
    /// As of [`CoordinatorError`].
    fn revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), CoordinatorError>>;

    /// Reads the whole prefix, linearizably.
    ///
    /// # Errors
    /// As of [`CoordinatorError`].
    fn read(&self) -> BoxFuture<'_, Result<Content, CoordinatorError>>;

    /// Reads the revision that put `key` last, linearizably; `None` if there is no such key.
    ///
    /// # Errors
    /// As of [`CoordinatorError`].
    fn modified(&self, key: &str) -> BoxFuture<'_, Result<Option<Revision>, CoordinatorError>>;

    /// Tries a transaction, once.
    ///
    /// # Errors
    /// [`CoordinatorError::Unknown`] if it may have taken effect.
    fn transact(
        &self,
        transaction: Transaction,
    ) -> BoxFuture<'_, Result<Verdict, CoordinatorError>>;

    /// Watches the whole prefix from the revision after `after`.
    ///
    /// # Errors
    /// As of [`CoordinatorError`]; a compaction of `after` may also show at the first event.
    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<Box<dyn Watch>, CoordinatorError>>;

    /// Has `close` called before the cells of a lease are deleted because its time is over: it closes the window of
    /// the node whose lease it is. Only a coordinator in the same process can do that; others ignore it.
    fn before_end(&self, lease: LeaseId, close: Box<dyn FnOnce() + Send>) {
        let _ = (lease, close);
    }
}

/// Why a coordinator gave no answer, or not the wanted one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoordinatorError {
    /// It was not reached, or is out of quorum; nothing happened.
    #[error("the coordinator does not answer: {0}")]
    Unavailable(String),
    /// It may or may not have happened.
    #[error("the coordinator's answer was lost: {0}")]
    Unknown(String),
    /// The lease has ended.
    #[error("there is no such lease any more")]
    LeaseGone,
    /// The history that a watch asked for is gone.
    #[error("the coordinator's history before revision {0} is compacted")]
    Compacted(Revision),
    /// User or password are wrong, or do not suffice. Trying again is no use.
    #[error("the coordinator refuses access: {0}")]
    Denied(String),
    /// A transaction is larger than it takes; nothing happened. Trying again is no use.
    #[error("the coordinator takes no transaction of this size: {0}")]
    TooLarge(String),
    /// It answered something that cannot be.
    #[error("the coordinator's answer makes no sense: {0}")]
    Nonsense(String),
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
