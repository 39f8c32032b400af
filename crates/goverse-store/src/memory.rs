//! The store that forgets: everything in maps, under one lock.

mod tables;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::ready;
use goverse_core::{ObjectId, TypeName};
use goverse_node::{
    CallId, CallRecord, DeadLetter, FenceKey, Listed, Load, Loaded, ObjectKey, Outgoing,
    OutgoingKey, Save, Settlement, StateStore, StoreError, StoreFuture, StoredState, Tenure,
    Version,
};

use self::tables::Tables;
use crate::limits;

/// Keeps everything in memory, for tests: it lasts as long as one of its clones.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
}

// === impl MemoryStore ===

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change is made after all checks, so one that panicked has changed nothing.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in memory is there at once.
fn done<'a, T: Send + 'a>(result: Result<T, StoreError>) -> StoreFuture<'a, T> {
    ready(result).boxed()
}

impl StateStore for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn begin_tenure(&self, key: &FenceKey, now: u64) -> StoreFuture<'_, Tenure> {
        done(Ok(self.tables().begin_tenure(key, now)))
    }

    fn load(&self, load: Load) -> StoreFuture<'_, Loaded> {
        done(limits::check_load(&load).and_then(|()| self.tables().load(load)))
    }

    fn save(&self, saves: Vec<Save>) -> StoreFuture<'_, Vec<Result<(), StoreError>>> {
        let checked = limits::check_saves(&saves);
        let mut tables = self.tables();
        let saves = checked.into_iter().zip(saves);
        done(Ok(saves.map(|(checked, save)| checked.and_then(|()| tables.save(save))).collect()))
    }

    fn call_record(
        &self,
        object: &ObjectKey,
        call_id: &CallId,
    ) -> StoreFuture<'_, Option<CallRecord>> {
        done(Ok(self.tables().call_record(object, call_id)))
    }

    fn sweep(&self, now: u64, deleted_before: u64, limit: u32) -> StoreFuture<'_, u64> {
        done(Ok(self.tables().sweep(now, deleted_before, limit)))
    }

    fn outgoing(&self, after: Option<OutgoingKey>, limit: u32) -> StoreFuture<'_, Vec<Outgoing>> {
        done(Ok(self.tables().outgoing(after, limit)))
    }

    fn settle(&self, settlements: Vec<Settlement>) -> StoreFuture<'_, ()> {
        let mut tables = self.tables();
        settlements.into_iter().for_each(|settlement| tables.settle(settlement));
        done(Ok(()))
    }

    fn dead_letters(
        &self,
        after: Option<OutgoingKey>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<DeadLetter>> {
        done(Ok(self.tables().dead_letters(after, limit)))
    }

    fn resolve_dead_letter(&self, key: &OutgoingKey, retry: bool) -> StoreFuture<'_, bool> {
        done(Ok(self.tables().resolve_dead_letter(key, retry)))
    }

    fn read(&self, object: &ObjectKey) -> StoreFuture<'_, Option<(Version, StoredState)>> {
        done(Ok(self.tables().read(object)))
    }

    fn list(
        &self,
        type_name: Option<&TypeName>,
        after: Option<(TypeName, ObjectId)>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<Listed>> {
        done(Ok(self.tables().list(type_name, after, limit)))
    }

    fn check(&self) -> StoreFuture<'_, ()> {
        done(Ok(()))
    }
}
