//! What a node asks of a store: state with versions, fenced by tenures, and what is kept in the same transaction.
//!
//! A store is told what to do and guards it: a save that is not from the newest tenure, or not on the newest version, is
//! refused in the store itself. It knows nothing of turns, nodes or clusters, and it keeps no time: whatever is stamped
//! is stamped by the node.

mod access;
mod error;
mod records;

pub(crate) use access::StoreAccess;
pub use error::{Conflict, StoreError};
pub use records::{
    CallRecord, Change, DeadLetter, FenceKey, Listed, Load, Loaded, ObjectKey, Outgoing,
    OutgoingKey, Save, Settlement, StoredState, Tenure, Version,
};

use goverse_core::{CallId, ObjectId, TypeName};

/// What a method of a store gives in the end.
pub type StoreFuture<'a, T> = futures_util::future::BoxFuture<'a, Result<T, StoreError>>;

/// Where objects keep their state. `goverse-store` has three; one conformance suite says what each has to do.
///
/// Every method may be called at any time by any number of tasks. One whose future is dropped, or that fails as
/// [`StoreError::Unknown`], may have taken effect, and may still take effect later. All times are Unix time in ms.
pub trait StateStore: Send + Sync + 'static {
    /// What it is called in metrics: `memory`, `sqlite`, `postgres`.
    fn name(&self) -> &'static str;

    /// Begins a tenure of a node that is alone: raises the fence of `key` above what it was and to at least `now`, and
    /// returns it. From then on every earlier tenure of that key is refused.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn begin_tenure(&self, key: &FenceKey, now: u64) -> StoreFuture<'_, Tenure>;

    /// Reads an object for an activation. In the same transaction, before it reads, it raises the tenure's fence.
    ///
    /// # Errors
    /// [`Conflict::Fence`] if the fence stands higher.
    fn load(&self, load: Load) -> StoreFuture<'_, Loaded>;

    /// Saves several objects: those that are refused are left out, the others take effect in one transaction, durable
    /// before it returns. No two are of the same object.
    ///
    /// One answer for each, in their order. An error of the whole is an error of each.
    ///
    /// # Errors
    /// Of one, [`StoreError::Conflict`] by a guard. Of all, as of [`StoreError`].
    fn save(&self, saves: Vec<Save>) -> StoreFuture<'_, Vec<Result<(), StoreError>>>;

    /// Saves one object on the thread that asks, which blocks meanwhile, by [`tokio::task::block_in_place`]. `None`, and
    /// nothing was done, if this is not how it saves, or if that might take longer than another thread would need to
    /// begin.
    ///
    /// Only a thread that runs tasks of a multi-threaded runtime asks.
    ///
    /// # Errors
    /// As of [`save`](Self::save).
    fn save_here(&self, save: &Save) -> Option<Result<(), StoreError>> {
        let _ = save;
        None
    }

    /// Reads the record of a call that took effect.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn call_record(
        &self,
        object: &ObjectKey,
        call_id: &CallId,
    ) -> StoreFuture<'_, Option<CallRecord>>;

    /// Deletes what is past its time: call records that were kept until before `now`, and what is left of objects that
    /// were deleted before `deleted_before` and have no outgoing calls or dead letters any more. At most `limit` rows;
    /// returns how many.
    ///
    /// An object that comes again after that counts its versions from 1: `deleted_before` has to be older than any save
    /// of unknown outcome, and than any record of a call that the object made.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn sweep(&self, now: u64, deleted_before: u64, limit: u32) -> StoreFuture<'_, u64>;

    /// Calls that were committed and not settled, in the order of their keys, those after `after` alone; at most
    /// `limit`.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn outgoing(&self, after: Option<OutgoingKey>, limit: u32) -> StoreFuture<'_, Vec<Outgoing>>;

    /// Writes down what became of outgoing calls, in one transaction. One that is not there any more, or is a dead letter
    /// by now, is left alone and is no error. A reason is kept without NUL characters.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn settle(&self, settlements: Vec<Settlement>) -> StoreFuture<'_, ()>;

    /// Calls that failed for good, in the order of their keys, those after `after` alone; at most `limit`.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn dead_letters(
        &self,
        after: Option<OutgoingKey>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<DeadLetter>>;

    /// Deletes a dead letter, or with `retry` makes it an outgoing call again, with no attempts and to be tried at once.
    /// False if there was none.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn resolve_dead_letter(&self, key: &OutgoingKey, retry: bool) -> StoreFuture<'_, bool>;

    /// Reads an object as it is stored, for people: nothing is raised. `None` if it has no state.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn read(&self, object: &ObjectKey) -> StoreFuture<'_, Option<(Version, StoredState)>>;

    /// Objects that have state, in the order of type and id, those after `after` alone; at most `limit`. With a type,
    /// that type's only.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn list(
        &self,
        type_name: Option<&TypeName>,
        after: Option<(TypeName, ObjectId)>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<Listed>>;

    /// Whether it answers.
    ///
    /// # Errors
    /// As of [`StoreError`].
    fn check(&self) -> StoreFuture<'_, ()>;
}
