//! Which objects of one type are on the node: a map from id to activation, in shards that lock on their own.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_utils::CachePadded;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::activation::Activation;
use crate::object::Object;

const SHARDS: usize = 256;

/// The objects of one type, by id; also those that come and those that go.
pub(crate) struct Directory<T: Object> {
    hasher: RandomState,
    shards: Box<[CachePadded<Mutex<Shard<T>>>]>,
}

/// An activation has its id itself, so an entry takes no more than a pointer.
type Shard<T> = HashTable<Arc<Activation<T>>>;

/// What is found at an id.
pub(crate) enum Found<T: Object, N> {
    /// An activation that was there before.
    There(Arc<Activation<T>>),
    /// There was none, so one was made.
    Made(N),
}

// === impl Directory ===

impl<T: Object> Directory<T> {
    pub(crate) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| CachePadded::default()).collect();
        Self { hasher: RandomState::default(), shards }
    }

    /// The activation of `id`, wherever it is in its life.
    #[inline]
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Activation<T>>> {
        let hash = self.hash(id);
        self.shard(hash).find(hash, |activation| activation.id().as_str() == id).cloned()
    }

    /// The activation of `id`; if there is none, the one that `make` makes, which also returns what goes with it.
    ///
    /// `make` runs within the shard's lock: nothing of the application's may run in it.
    pub(crate) fn get_or_make<N>(
        &self,
        id: &str,
        make: impl FnOnce() -> (Arc<Activation<T>>, N),
    ) -> Found<T, N> {
        let hash = self.hash(id);
        let mut shard = self.shard(hash);
        if let Some(there) = shard.find(hash, |activation| activation.id().as_str() == id) {
            return Found::There(Arc::clone(there));
        }
        let (activation, made) = make();
        shard.insert_unique(hash, activation, |entry| self.hash(entry.id().as_str()));
        Found::Made(made)
    }

    /// Takes this activation out, if it is there.
    pub(crate) fn remove(&self, activation: &Arc<Activation<T>>) {
        let hash = self.hash(activation.id().as_str());
        let mut shard = self.shard(hash);
        let removed = shard.find_entry(hash, |entry| Arc::ptr_eq(entry, activation));
        let removed = removed.ok().map(|entry| entry.remove().0);
        drop(shard);
        drop(removed);
    }

    /// Whether this activation is there.
    pub(crate) fn contains(&self, activation: &Arc<Activation<T>>) -> bool {
        let hash = self.hash(activation.id().as_str());
        self.shard(hash).find(hash, |entry| Arc::ptr_eq(entry, activation)).is_some()
    }

    /// How many there are, also of those that come or go.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Visits all that are there, in no order; one shard is locked at a time.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Activation<T>>)) {
        for shard in &self.shards {
            lock(shard).iter().for_each(&mut visit);
        }
    }

    /// All that are there, a shard at each step.
    pub(crate) fn by_shard(&self) -> impl Iterator<Item = Vec<Arc<Activation<T>>>> + '_ {
        self.shards.iter().map(|shard| lock(shard).iter().cloned().collect())
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<T>> {
        // The table uses the topmost and the lowest bits.
        lock(&self.shards[(hash >> 32) as usize % SHARDS])
    }

    fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }
}

fn lock<T: Object>(shard: &Mutex<Shard<T>>) -> MutexGuard<'_, Shard<T>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
