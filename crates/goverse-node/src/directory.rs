//! Which objects of one type are on the node: a map from id to activation, in shards that lock on their own. Each shard
//! also knows which of its objects may be idle.

mod shard;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use foldhash::fast::RandomState;

use crate::activation::Activation;
use crate::clock::NEVER;
use crate::idle::IdleTimes;
use crate::object::Object;
use crate::recent;
use shard::Shard;

const SHARDS: usize = 256;

/// The objects of one type, by id; also those that come and those that go.
pub(crate) struct Directory<T: Object> {
    hasher: RandomState,
    /// `None` if objects stay however long nobody calls them.
    idle: Option<IdleTimes>,
    /// No object is to be looked at before.
    next_look: AtomicU64,
    shards: Box<[CachePadded<Mutex<Shard<T>>>]>,
}

/// What became of an activation that was to be taken out.
pub(crate) enum Taken<T: Object, R> {
    /// It is out, and so is this.
    Out(Arc<Activation<T>>, R),
    /// It is still there.
    Stays(Arc<Activation<T>>),
}

/// What is found at an id.
pub(crate) enum Found<T: Object, N> {
    /// An activation that was there before.
    There(Arc<Activation<T>>),
    /// There was none, so one was made.
    Made(N),
}

// === impl Directory ===

impl<T: Object> Directory<T> {
    /// An empty directory of objects that are idle when nobody has called them for so long.
    pub(crate) fn new(idle_timeout: Option<Duration>) -> Self {
        Self {
            hasher: RandomState::default(),
            idle: idle_timeout.map(IdleTimes::new),
            next_look: AtomicU64::new(NEVER),
            shards: (0..SHARDS).map(|_| CachePadded::default()).collect(),
        }
    }

    /// The activation of `id`, wherever it is in its life.
    #[inline]
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Activation<T>>> {
        let hash = self.hash(id);
        self.find_recent(hash, id).or_else(|| self.look_up(hash, id))
    }

    /// What this thread has found of late.
    #[inline]
    pub(crate) fn find_recent(&self, hash: u64, id: &str) -> Option<Arc<Activation<T>>> {
        recent::find(hash, |activation: &Activation<T>| {
            activation.id().as_str() == id && activation.is_in_directory() && self.is_of(activation)
        })
    }

    fn look_up(&self, hash: u64, id: &str) -> Option<Arc<Activation<T>>> {
        let is_it = |activation: &Arc<Activation<T>>| activation.id().as_str() == id;
        let found = self.shard(hash).find(hash, is_it).cloned()?;
        recent::remember(hash, &found);
        Some(found)
    }

    /// Whether this is the directory of the activation's type and node.
    fn is_of(&self, activation: &Activation<T>) -> bool {
        std::ptr::eq(self, &activation.object_type().directory)
    }

    /// The activation of `id`; if there is none, the one that `make` makes, which also returns what goes with it. Then also
    /// whether no other is to be looked at before.
    ///
    /// `make` runs within the shard's lock: nothing of the application's may run in it.
    pub(crate) fn get_or_make<N>(
        &self,
        id: &str,
        make: impl FnOnce() -> (Arc<Activation<T>>, N),
    ) -> Found<T, (N, bool)> {
        let hash = self.hash(id);
        let mut shard = self.shard(hash);
        if let Some(there) = shard.find(hash, |activation| activation.id().as_str() == id) {
            return Found::There(Arc::clone(there));
        }
        let (activation, made) = make();
        let used = activation.last_used();
        shard.add(hash, activation, self.idle, |id| self.hash(id));
        drop(shard);
        Found::Made((made, self.idle.is_some_and(|times| self.comes_first(times, used))))
    }

    /// Takes out the activation of `id` if `take` takes something of it; `None` if there is none.
    ///
    /// `take` runs within the shard's lock: nothing of the application's may run in it.
    #[inline]
    pub(crate) fn take_if<R>(
        &self,
        id: &str,
        take: impl FnOnce(&Activation<T>) -> Option<R>,
    ) -> Option<Taken<T, R>> {
        let hash = self.hash(id);
        let mut shard = self.shard(hash);
        shard.take_if(hash, |activation| activation.id().as_str() == id, take)
    }

    /// Takes this activation out, if it is there.
    pub(crate) fn remove(&self, activation: &Arc<Activation<T>>) {
        let hash = self.hash(activation.id().as_str());
        let is_it = |entry: &Arc<Activation<T>>| Arc::ptr_eq(entry, activation);
        let removed = self.shard(hash).take_if(hash, is_it, |_| Some(()));
        drop(removed);
    }

    /// Those who have not been called for long enough by `now`. They are watched no more, until they [`stay`](Self::stays).
    pub(crate) fn take_idle(&self, now: u64) -> Vec<Arc<Activation<T>>> {
        let mut idle = Vec::new();
        let Some(times) = self.idle.filter(|_| self.next_look() <= now) else { return idle };
        // Who comes to a shard that was visited says by itself when it is due.
        self.next_look.store(NEVER, Ordering::SeqCst);
        for shard in &self.shards {
            let next = lock(shard).take_idle(times, now, &mut idle, |id| self.hash(id));
            self.next_look.fetch_min(next, Ordering::SeqCst);
        }
        idle
    }

    /// When the next objects are to be looked at.
    pub(crate) fn next_look(&self) -> u64 {
        self.next_look.load(Ordering::SeqCst)
    }

    /// Watches an activation again that was taken for idle, as if it had been called now.
    pub(crate) fn stays(&self, activation: &Arc<Activation<T>>, now: u64) {
        let Some(times) = self.idle else { return };
        let hash = self.hash(activation.id().as_str());
        if let Some(due) = self.shard(hash).watch(hash, activation, times.slot(now)) {
            self.next_look.fetch_min(due, Ordering::SeqCst);
        }
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

    /// Whether no other is to be looked at before one that was last called at `used`.
    #[inline]
    fn comes_first(&self, times: IdleTimes, used: u64) -> bool {
        // To find the slot takes a division.
        if !times.slot_ends_before(self.next_look(), used) {
            return false;
        }
        let due = times.slot(used);
        due < self.next_look.fetch_min(due, Ordering::SeqCst)
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<T>> {
        // A shard's table uses the topmost and the lowest bits.
        lock(&self.shards[(hash >> 32) as usize % SHARDS])
    }

    pub(crate) fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }
}

fn lock<T: Object>(shard: &Mutex<Shard<T>>) -> MutexGuard<'_, Shard<T>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
