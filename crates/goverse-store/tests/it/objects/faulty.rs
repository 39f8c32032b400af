//! A store that fails when it is told to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use goverse_core::{CallId, ObjectId, TypeName};
use goverse_node::{
    CallRecord, DeadLetter, FenceKey, Listed, Load, Loaded, ObjectKey, Outgoing, OutgoingKey, Save,
    Settlement, StateStore, StoreError, StoreFuture, StoredState, Tenure, Version,
};
use goverse_store::MemoryStore;
use tokio::sync::Notify;

/// What becomes of saves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Saves {
    /// They take effect.
    #[default]
    Work,
    /// Nothing happens, and the store says so.
    Fail,
    /// They take effect, and the answer is lost.
    LoseAnswer,
    /// Nothing happens yet, and nobody knows: each takes effect when [`Faulty::land`] is called.
    LandLater,
    /// They wait until they are told otherwise.
    Hang,
}

/// A store in memory with faults.
#[derive(Default)]
pub(super) struct Faulty {
    pub(super) inner: MemoryStore,
    saves: Mutex<Saves>,
    loads_fail: Mutex<bool>,
    loads_failed: AtomicU64,
    late: Mutex<Vec<Save>>,
    changed: Notify,
    /// How many saves there were, and how many of them are under way.
    pub(super) saved: AtomicU64,
}

impl Faulty {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn saves(&self, saves: Saves) {
        *self.saves.lock().unwrap() = saves;
        self.changed.notify_waiters();
    }

    pub(super) fn loads_fail(&self, fail: bool) {
        *self.loads_fail.lock().unwrap() = fail;
    }

    /// How many loads have failed.
    pub(super) fn loads_failed(&self) -> u64 {
        self.loads_failed.load(Ordering::SeqCst)
    }

    /// Lets late saves take effect; what the store says of each.
    pub(super) async fn land(&self) -> Vec<Result<(), StoreError>> {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        let mut answers = Vec::new();
        for save in late {
            answers.extend(self.inner.save(vec![save]).await.unwrap());
        }
        answers
    }

    /// The state that is stored of an object, as JSON.
    pub(super) async fn stored<T: goverse_core::Payload + serde::Serialize>(
        &self,
        type_name: &str,
        id: &str,
    ) -> Option<T> {
        let (_, state) = self.inner.read(&key(type_name, id)).await.unwrap()?;
        Some(state.decode().unwrap())
    }
}

pub(super) fn key(type_name: &str, id: &str) -> ObjectKey {
    ObjectKey { type_name: TypeName::new(type_name).unwrap(), id: ObjectId::new(id).unwrap() }
}

fn unavailable<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("the test says so".to_owned()))
}

impl StateStore for Faulty {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn begin_tenure(&self, key: &FenceKey, now: u64) -> StoreFuture<'_, Tenure> {
        self.inner.begin_tenure(key, now)
    }

    fn load(&self, load: Load) -> StoreFuture<'_, Loaded> {
        if *self.loads_fail.lock().unwrap() {
            self.loads_failed.fetch_add(1, Ordering::SeqCst);
            return Box::pin(std::future::ready(unavailable()));
        }
        self.inner.load(load)
    }

    fn save(&self, saves: Vec<Save>) -> StoreFuture<'_, Vec<Result<(), StoreError>>> {
        Box::pin(async move {
            self.saved.fetch_add(saves.len() as u64, Ordering::SeqCst);
            loop {
                let changed = self.changed.notified();
                let now = *self.saves.lock().unwrap();
                match now {
                    Saves::Work => return self.inner.save(saves).await,
                    Saves::Fail => return unavailable(),
                    Saves::LoseAnswer => {
                        self.inner.save(saves).await?;
                        return Err(StoreError::Unknown("the test says so".to_owned()));
                    }
                    Saves::LandLater => {
                        self.late.lock().unwrap().extend(saves);
                        return Err(StoreError::Unknown("the test says so".to_owned()));
                    }
                    Saves::Hang => changed.await,
                }
            }
        })
    }

    fn call_record(
        &self,
        object: &ObjectKey,
        call_id: &CallId,
    ) -> StoreFuture<'_, Option<CallRecord>> {
        if *self.loads_fail.lock().unwrap() {
            return Box::pin(std::future::ready(unavailable()));
        }
        self.inner.call_record(object, call_id)
    }

    fn sweep(&self, now: u64, deleted_before: u64, limit: u32) -> StoreFuture<'_, u64> {
        self.inner.sweep(now, deleted_before, limit)
    }

    fn outgoing(&self, after: Option<OutgoingKey>, limit: u32) -> StoreFuture<'_, Vec<Outgoing>> {
        self.inner.outgoing(after, limit)
    }

    fn settle(&self, settlements: Vec<Settlement>) -> StoreFuture<'_, ()> {
        self.inner.settle(settlements)
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
