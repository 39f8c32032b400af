//! The node's way to its store: what it asks for is counted, and saves that arrive together go together.

mod alone;
mod batch;
mod gathering;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use goverse_core::CallId;
use goverse_metrics::{ConflictKind, StoreMetrics, StoreOperation, StoreStatus};
use tokio::sync::oneshot;

use self::batch::{Waiting, size};
use self::gathering::Gathering;
use super::{
    CallRecord, Conflict, FenceKey, Load, Loaded, ObjectKey, Outgoing, OutgoingKey, Save,
    Settlement, StateStore, StoreError, StoreFuture, Tenure,
};

/// The store of a node, as its objects use it.
#[derive(Clone)]
pub(crate) struct StoreAccess {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn StateStore>,
    metrics: StoreMetrics,
    /// Saves that go with the next batch.
    gathering: Mutex<Gathering>,
}

// === impl StoreAccess ===

impl StoreAccess {
    /// The way of the node that advertises `node` to `store`.
    pub(crate) fn new(node: &str, store: Arc<dyn StateStore>) -> Self {
        let metrics = StoreMetrics::new(node, store.name());
        Self { shared: Arc::new(Shared { store, metrics, gathering: Mutex::default() }) }
    }

    /// The handles of its metrics.
    pub(crate) fn metrics(&self) -> &StoreMetrics {
        &self.shared.metrics
    }

    /// Begins a tenure of a node that is alone.
    pub(crate) async fn begin_tenure(
        &self,
        key: &FenceKey,
        now: u64,
    ) -> Result<Tenure, StoreError> {
        self.counted(StoreOperation::BeginTenure, |store| store.begin_tenure(key, now)).await
    }

    /// Reads an object for an activation.
    ///
    /// # Errors
    /// As of [`StateStore::load`].
    pub(crate) async fn load(&self, load: Load) -> Result<Loaded, StoreError> {
        let loaded = self.counted(StoreOperation::Load, |store| store.load(load)).await?;
        if let Some(state) = &loaded.state {
            self.metrics().read(state.bytes.len());
        }
        Ok(loaded)
    }

    /// Saves one object, in one transaction with others that are saved at the same time; if there are none, on this thread
    /// where the store can.
    ///
    /// A save that has begun goes on if nobody waits for it any more.
    ///
    /// # Errors
    /// As of [`StateStore::save`].
    pub(crate) async fn save(&self, save: Save) -> Result<(), StoreError> {
        let bytes = size(&save);
        let saved =
            self.counted(StoreOperation::Save, |_| Box::pin(self.save_soon(save, bytes))).await;
        if saved.is_ok() {
            self.metrics().written(bytes);
        }
        saved
    }

    async fn save_soon(&self, save: Save, bytes: usize) -> Result<(), StoreError> {
        match self.save_here(&save) {
            Some(answer) => answer,
            None => self.gather(save, bytes).await,
        }
    }

    fn save_here(&self, save: &Save) -> Option<Result<(), StoreError>> {
        if !alone::may_save() || self.shared.gathering().is_served() {
            return None;
        }
        let answer = self.shared.store.save_here(save)?;
        alone::saved_here();
        self.metrics().batch(1);
        Some(answer)
    }

    async fn gather(&self, save: Save, bytes: usize) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let must_begin = self.shared.gathering().push(Waiting { save, bytes, answer });
        if must_begin {
            tokio::spawn(batch::save_all(Arc::clone(&self.shared)));
        }
        let lost = || StoreError::Unknown("whoever saved it is gone".to_owned());
        answered.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Reads what a call came to.
    pub(crate) async fn call_record(
        &self,
        object: &ObjectKey,
        call_id: &CallId,
    ) -> Result<Option<CallRecord>, StoreError> {
        let ask = |store| StateStore::call_record(store, object, call_id);
        self.counted(StoreOperation::CallRecord, ask).await
    }

    /// Reads calls that are to be made.
    pub(crate) async fn outgoing(
        &self,
        after: Option<OutgoingKey>,
        limit: u32,
    ) -> Result<Vec<Outgoing>, StoreError> {
        self.counted(StoreOperation::Outgoing, |store| store.outgoing(after, limit)).await
    }

    /// Writes down what became of such calls.
    pub(crate) async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), StoreError> {
        self.counted(StoreOperation::Settle, |store| store.settle(settlements)).await
    }

    /// Deletes what is past its time.
    pub(crate) async fn sweep(
        &self,
        now: u64,
        deleted_before: u64,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let ask = |store| StateStore::sweep(store, now, deleted_before, limit);
        let rows = self.counted(StoreOperation::Sweep, ask).await?;
        self.metrics().swept(rows);
        Ok(rows)
    }

    /// Whether it answers.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.counted(StoreOperation::Check, |store| store.check()).await
    }

    async fn counted<'a, T>(
        &'a self,
        operation: StoreOperation,
        ask: impl FnOnce(&'a dyn StateStore) -> StoreFuture<'a, T>,
    ) -> Result<T, StoreError> {
        let operation = self.metrics().begin(operation);
        let answer = ask(&*self.shared.store).await;
        if let Err(StoreError::Conflict(conflict)) = &answer {
            self.metrics().conflict(kind(conflict));
        }
        operation.ends(answer.as_ref().map_or_else(status, |_| StoreStatus::Ok));
        answer
    }
}

// === impl Shared ===

impl Shared {
    /// No code of others runs while it is locked, so it is whole also after a panic.
    fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn status(error: &StoreError) -> StoreStatus {
    match error {
        StoreError::Conflict(_) => StoreStatus::Conflict,
        StoreError::Unavailable(_) => StoreStatus::Unavailable,
        StoreError::Unknown(_) => StoreStatus::Unknown,
        StoreError::Refused(_) => StoreStatus::Refused,
        StoreError::Corrupt(_) => StoreStatus::Corrupt,
    }
}

fn kind(conflict: &Conflict) -> ConflictKind {
    match conflict {
        Conflict::Version { .. } => ConflictKind::Version,
        Conflict::Fence { .. } => ConflictKind::Fence,
    }
}

#[cfg(test)]
mod tests;
