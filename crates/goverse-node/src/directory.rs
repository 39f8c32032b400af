//! Which objects of one type are on the node: a map from id to activation, in shards that lock on their own. Each shard
//! also knows which of its objects may be idle.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::activation::Activation;
use crate::clock::NEVER;
use crate::idle::{IdlePlace, IdleTimes, Moved, Wheel};
use crate::object::Object;
use crate::recent;

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

struct Shard<T: Object> {
    /// An activation has its id itself, so an entry takes no more than a pointer.
    activations: HashTable<Arc<Activation<T>>>,
    wheel: Wheel,
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
        let is_first = self.watch(&mut shard, &activation, hash, used);
        let hash_of = |entry: &Arc<Activation<T>>| self.hash(entry.id().as_str());
        shard.activations.insert_unique(hash, activation, hash_of);
        Found::Made((made, is_first))
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
        let is_it = |activation: &Arc<Activation<T>>| activation.id().as_str() == id;
        let entry = shard.activations.find_entry(hash, is_it).ok()?;
        let Some(taken) = take(entry.get()) else {
            return Some(Taken::Stays(Arc::clone(entry.get())));
        };
        let (activation, _) = entry.remove();
        activation.left_directory();
        shard.leave_wheel(&activation);
        Some(Taken::Out(activation, taken))
    }

    /// Takes this activation out, if it is there.
    pub(crate) fn remove(&self, activation: &Arc<Activation<T>>) {
        let hash = self.hash(activation.id().as_str());
        let removed = self.shard(hash).remove(hash, activation);
        drop(removed);
    }

    /// Takes out of the wheel who has not been called for long enough by `now`; who has been moves on.
    pub(crate) fn take_idle(&self, now: u64) -> Vec<Arc<Activation<T>>> {
        let mut idle = Vec::new();
        let Some(times) = self.idle.filter(|_| self.next_look() <= now) else { return idle };
        // Who comes to a shard that was visited says by itself when it is due.
        self.next_look.store(NEVER, Ordering::SeqCst);
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.take_idle(times, now, &mut idle);
            self.next_look.fetch_min(shard.wheel.next_end(), Ordering::SeqCst);
        }
        idle
    }

    /// When the next objects are to be looked at.
    pub(crate) fn next_look(&self) -> u64 {
        self.next_look.load(Ordering::SeqCst)
    }

    /// Puts an activation back that was taken out of the wheel, as if it had been called now.
    pub(crate) fn stays(&self, activation: &Arc<Activation<T>>, now: u64) {
        let hash = self.hash(activation.id().as_str());
        let mut shard = self.shard(hash);
        let is_there = shard.find(hash, |entry| Arc::ptr_eq(entry, activation)).is_some();
        if is_there && activation.idle_place().is_none() {
            self.watch(&mut shard, activation, hash, now);
        }
    }

    /// Whether this activation is there.
    pub(crate) fn contains(&self, activation: &Arc<Activation<T>>) -> bool {
        let hash = self.hash(activation.id().as_str());
        self.shard(hash).find(hash, |entry| Arc::ptr_eq(entry, activation)).is_some()
    }

    /// How many there are, also of those that come or go.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).activations.len()).sum()
    }

    /// Visits all that are there, in no order; one shard is locked at a time.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Activation<T>>)) {
        for shard in &self.shards {
            lock(shard).activations.iter().for_each(&mut visit);
        }
    }

    /// All that are there, a shard at each step.
    pub(crate) fn by_shard(&self) -> impl Iterator<Item = Vec<Arc<Activation<T>>>> + '_ {
        self.shards.iter().map(|shard| lock(shard).activations.iter().cloned().collect())
    }

    /// Has an activation looked at when it may be idle that was last called at `used`; whether no other is due before.
    fn watch(
        &self,
        shard: &mut Shard<T>,
        activation: &Activation<T>,
        hash: u64,
        used: u64,
    ) -> bool {
        let Some(times) = self.idle else { return false };
        let due = times.slot(used);
        activation.set_idle_place(Some(shard.wheel.add(due, hash)));
        due < self.next_look.load(Ordering::SeqCst)
            && due < self.next_look.fetch_min(due, Ordering::SeqCst)
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<T>> {
        // The table uses the topmost and the lowest bits.
        lock(&self.shards[(hash >> 32) as usize % SHARDS])
    }

    pub(crate) fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }
}

fn lock<T: Object>(shard: &Mutex<Shard<T>>) -> MutexGuard<'_, Shard<T>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Shard ===

impl<T: Object> Shard<T> {
    #[inline]
    fn find(
        &self,
        hash: u64,
        is_it: impl FnMut(&Arc<Activation<T>>) -> bool,
    ) -> Option<&Arc<Activation<T>>> {
        self.activations.find(hash, is_it)
    }

    fn remove(&mut self, hash: u64, activation: &Arc<Activation<T>>) -> Option<Arc<Activation<T>>> {
        let entry =
            self.activations.find_entry(hash, |entry| Arc::ptr_eq(entry, activation)).ok()?;
        let (removed, _) = entry.remove();
        removed.left_directory();
        self.leave_wheel(&removed);
        Some(removed)
    }

    fn leave_wheel(&mut self, activation: &Activation<T>) {
        let Some(place) = activation.idle_place() else { return };
        activation.set_idle_place(None);
        if let Some(Moved { hash, from }) = self.wheel.remove(place)
            && let Some(moved) = self.at(hash, from)
        {
            moved.set_idle_place(Some(place));
        }
    }

    fn take_idle(&mut self, times: IdleTimes, now: u64, idle: &mut Vec<Arc<Activation<T>>>) {
        while let Some((slot, hashes)) = self.wheel.take_due(now) {
            for (index, hash) in (0..).zip(hashes) {
                let Some(activation) = self.at(hash, IdlePlace { slot, index }) else { continue };
                let activation = Arc::clone(activation);
                let used = activation.last_used();
                if times.are_over(used, now) {
                    activation.set_idle_place(None);
                    idle.push(activation);
                } else {
                    let place = self.wheel.add(times.slot(used), hash);
                    activation.set_idle_place(Some(place));
                }
            }
        }
    }

    /// The activation that has this place in the wheel.
    fn at(&self, hash: u64, place: IdlePlace) -> Option<&Arc<Activation<T>>> {
        self.find(hash, |entry| entry.idle_place() == Some(place))
    }
}

impl<T: Object> Default for Shard<T> {
    fn default() -> Self {
        Self { activations: HashTable::new(), wheel: Wheel::default() }
    }
}
