//! A store that takes its time, so that calls wait for it, and others for them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use goverse::core::{CallId, ObjectId, TypeName};
use goverse::node::{
    CallRecord, DeadLetter, FenceKey, Listed, Load, Loaded, ObjectKey, Outgoing, OutgoingKey, Save,
    Settlement, StateStore, StoreError, StoreFuture, StoredState, Tenure, Version,
};
use goverse::store::MemoryStore;
use goverse_e2e::poll;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// A store in memory: saves and settlements take up to so long before they take effect, and as long after that.
pub(super) struct SlowStore {
    inner: MemoryStore,
    choices: Mutex<SmallRng>,
    longest: Duration,
}

// === impl SlowStore ===

impl SlowStore {
    pub(super) fn new(seed: u64, longest: Duration) -> Self {
        let choices = Mutex::new(SmallRng::seed_from_u64(seed));
        Self { inner: MemoryStore::new(), choices, longest }
    }

    async fn slow(&self) {
        let longest = self.longest;
        let rest = {
            let mut choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
            choices.random_range(Duration::ZERO..=longest)
        };
        poll::pause(rest).await;
    }
}

impl StateStore for SlowStore {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn begin_tenure(&self, key: &FenceKey, now: u64) -> StoreFuture<'_, Tenure> {
        self.inner.begin_tenure(key, now)
    }

    fn load(&self, load: Load) -> StoreFuture<'_, Loaded> {
        self.inner.load(load)
    }

    fn save(&self, saves: Vec<Save>) -> StoreFuture<'_, Vec<Result<(), StoreError>>> {
        Box::pin(async move {
            self.slow().await;
            let saved = self.inner.save(saves).await;
            self.slow().await;
            saved
        })
    }

    fn call_record(
        &self,
        object: &ObjectKey,
        call_id: &CallId,
    ) -> StoreFuture<'_, Option<CallRecord>> {
        self.inner.call_record(object, call_id)
    }

    fn sweep(&self, now: u64, deleted_before: u64, limit: u32) -> StoreFuture<'_, u64> {
        self.inner.sweep(now, deleted_before, limit)
    }

    fn outgoing(&self, after: Option<OutgoingKey>, limit: u32) -> StoreFuture<'_, Vec<Outgoing>> {
        self.inner.outgoing(after, limit)
    }

    fn settle(&self, settlements: Vec<Settlement>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.slow().await;
            let settled = self.inner.settle(settlements).await;
            self.slow().await;
            settled
        })
    }

    fn dead_letters(
        &self,
        after: Option<OutgoingKey>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<DeadLetter>> {
        self.inner.dead_letters(after, limit)
    }

    fn resolve_dead_letter(&self, key: &OutgoingKey, retry: bool) -> StoreFuture<'_, bool> {
        self.inner.resolve_dead_letter(key, retry)
    }

    fn read(&self, object: &ObjectKey) -> StoreFuture<'_, Option<(Version, StoredState)>> {
        self.inner.read(object)
    }

    fn list(
        &self,
        type_name: Option<&TypeName>,
        after: Option<(TypeName, ObjectId)>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<Listed>> {
        self.inner.list(type_name, after, limit)
    }

    fn check(&self) -> StoreFuture<'_, ()> {
        self.inner.check()
    }
}
