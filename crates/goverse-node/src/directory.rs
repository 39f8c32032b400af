//! Which objects of one type are on the node: a map from id to entry, in shards that lock on their own.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use goverse_core::ObjectId;

use crate::activation::Activation;
use crate::run_to_end::catch_now;

const SHARDS: usize = 64;

/// The objects of one type, by id.
pub(crate) struct Directory {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

type Shard = HashMap<ObjectId, Entry>;

/// Where an object is in its life.
enum Entry {
    /// Its activation hook runs; it is not there yet.
    Activating,
    /// It is there.
    Active { since: Instant, activation: Box<Activation> },
    /// Its deactivation hook runs; it still counts.
    Deactivating { since: Instant },
}

// === impl Directory ===

impl Directory {
    pub(crate) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { hasher: RandomState::new(), shards }
    }

    /// Takes the place of `id`; false if it is taken.
    pub(crate) fn reserve(&self, id: &ObjectId) -> bool {
        match self.shard(id).entry(id.clone()) {
            MapEntry::Occupied(_) => false,
            MapEntry::Vacant(vacant) => {
                vacant.insert(Entry::Activating);
                true
            }
        }
    }

    /// Puts an activated object into the place that was reserved for it.
    pub(crate) fn settle(&self, id: &ObjectId, activation: Activation) {
        let entry = Entry::Active { since: Instant::now(), activation: Box::new(activation) };
        self.shard(id).insert(id.clone(), entry);
    }

    /// Takes the object out, if it is active; its place stays taken.
    pub(crate) fn take(&self, id: &str) -> Option<Box<Activation>> {
        let mut shard =
            self.shards[self.shard_of(id)].lock().unwrap_or_else(PoisonError::into_inner);
        shard.get_mut(id).and_then(Entry::take)
    }

    /// Takes all active objects out of the shards, one shard at each step; their places stay taken.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = Vec<(ObjectId, Box<Activation>)>> + '_ {
        self.shards.iter().map(|shard| {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let entries = shard.iter_mut();
            entries.filter_map(|(id, entry)| Some((id.clone(), entry.take()?))).collect()
        })
    }

    /// Gives the place of `id` up.
    pub(crate) fn remove(&self, id: &ObjectId) {
        // Dropped after the lock is released: an object's own Drop may call back into the node.
        let removed = self.shard(id).remove(id);
        drop(removed);
    }

    /// How many places are taken, by objects that are there or are on their way.
    pub(crate) fn len(&self) -> usize {
        let len = |shard: &Mutex<Shard>| shard.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.shards.iter().map(len).sum()
    }

    /// When the object was activated, if it is there.
    pub(crate) fn find(&self, id: &str) -> Option<Instant> {
        let shard = self.shards[self.shard_of(id)].lock().unwrap_or_else(PoisonError::into_inner);
        shard.get(id).and_then(Entry::since)
    }

    /// Visits every object that is there, in no order; one shard is locked at a time.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&ObjectId, Instant)) {
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (id, entry) in shard.iter() {
                if let Some(since) = entry.since() {
                    visit(id, since);
                }
            }
        }
    }

    fn shard(&self, id: &ObjectId) -> MutexGuard<'_, Shard> {
        let index = self.shard_of(id.as_str());
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard_of(&self, id: &str) -> usize {
        self.hasher.hash_one(id) as usize % SHARDS
    }
}

impl Drop for Directory {
    /// Drops each object by itself: a map leaks what comes after an object whose `Drop` panics.
    fn drop(&mut self) {
        for (_, activation) in self.take_all().flatten() {
            let _ = catch_now(|| drop(activation));
        }
    }
}

// === impl Entry ===

impl Entry {
    fn since(&self) -> Option<Instant> {
        match self {
            Entry::Activating => None,
            Entry::Active { since, .. } | Entry::Deactivating { since } => Some(*since),
        }
    }

    fn take(&mut self) -> Option<Box<Activation>> {
        let since = match self {
            Entry::Active { since, .. } => *since,
            Entry::Activating | Entry::Deactivating { .. } => return None,
        };
        match std::mem::replace(self, Entry::Deactivating { since }) {
            Entry::Active { activation, .. } => Some(activation),
            Entry::Activating | Entry::Deactivating { .. } => None,
        }
    }
}
