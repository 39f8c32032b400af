//! A part of a directory that locks on its own.
//!
//! Who comes stands among the newest, which lie beside the lock: an object that ends soon is found, comes and goes there,
//! and a core that takes the shard over from another has one cache line to fetch. When there is no room left they settle:
//! all of them move to a table, and to the wheel that says when they may be idle.

use std::mem;
use std::sync::Arc;

use hashbrown::HashTable;

use super::Taken;
use crate::activation::Activation;
use crate::idle::{IdlePlace, IdleTimes, Moved, Wheel};
use crate::object::Object;

/// As many as a cache line has room for.
const NEWEST: usize = 3;

pub(super) struct Shard<T: Object> {
    newest: [Option<Entry<T>>; NEWEST],
    /// All others; nothing if there never were any.
    settled: Option<Box<Settled<T>>>,
}

struct Entry<T: Object> {
    hash: u64,
    activation: Arc<Activation<T>>,
}

struct Settled<T: Object> {
    /// An activation has its id itself, so an entry takes no more than a pointer.
    table: HashTable<Arc<Activation<T>>>,
    wheel: Wheel,
}

// === impl Shard ===

impl<T: Object> Shard<T> {
    #[inline]
    pub(super) fn find(
        &self,
        hash: u64,
        mut is_it: impl FnMut(&Arc<Activation<T>>) -> bool,
    ) -> Option<&Arc<Activation<T>>> {
        let mut newest = self.newest.iter().flatten();
        match newest.find(|entry| entry.hash == hash && is_it(&entry.activation)) {
            Some(entry) => Some(&entry.activation),
            None => self.settled.as_ref()?.table.find(hash, is_it),
        }
    }

    /// Adds one that is not there. `hash_of` is what others are found under.
    #[inline]
    pub(super) fn add(
        &mut self,
        hash: u64,
        activation: Arc<Activation<T>>,
        times: Option<IdleTimes>,
        hash_of: impl Fn(&str) -> u64,
    ) {
        let entry = Some(Entry { hash, activation });
        match self.newest.iter_mut().find(|place| place.is_none()) {
            Some(free) => *free = entry,
            None => {
                for newest in mem::take(&mut self.newest).into_iter().flatten() {
                    self.settled().add(newest, times, &hash_of);
                }
                self.newest[0] = entry;
            }
        }
    }

    /// Takes one out if `take` takes something of it; `None` if it is not there.
    #[inline]
    pub(super) fn take_if<R>(
        &mut self,
        hash: u64,
        mut is_it: impl FnMut(&Arc<Activation<T>>) -> bool,
        take: impl FnOnce(&Activation<T>) -> Option<R>,
    ) -> Option<Taken<T, R>> {
        for place in &mut self.newest {
            if let Some(entry) = place
                && entry.hash == hash
                && is_it(&entry.activation)
            {
                return Some(match take(&entry.activation) {
                    Some(taken) => {
                        let Entry { activation, .. } = place.take()?;
                        activation.left_directory();
                        Taken::Out(activation, taken)
                    }
                    None => Taken::Stays(Arc::clone(&entry.activation)),
                });
            }
        }
        self.settled.as_mut()?.take_if(hash, is_it, take)
    }

    /// Has one that was taken for idle looked at again; when that is due, unless it is gone or watched already.
    pub(super) fn watch(
        &mut self,
        hash: u64,
        activation: &Arc<Activation<T>>,
        due: u64,
    ) -> Option<u64> {
        let settled = self.settled.as_mut()?;
        settled.table.find(hash, |entry| Arc::ptr_eq(entry, activation))?;
        activation.idle_place().is_none().then(|| settled.watch(hash, activation, due))
    }

    /// Takes those that may be idle by `now` out of the watch; when to look again.
    pub(super) fn take_idle(
        &mut self,
        times: IdleTimes,
        now: u64,
        idle: &mut Vec<Arc<Activation<T>>>,
        hash_of: impl Fn(&str) -> u64,
    ) -> u64 {
        let mut next = u64::MAX;
        for index in 0..NEWEST {
            let is_over = |entry: &mut Entry<T>| times.are_over(entry.activation.last_used(), now);
            if let Some(entry) = self.newest[index].take_if(is_over) {
                idle.push(Arc::clone(&entry.activation));
                self.settled().insert(entry, &hash_of);
            } else if let Some(entry) = &self.newest[index] {
                next = next.min(times.slot(entry.activation.last_used()));
            }
        }
        let Some(settled) = &mut self.settled else { return next };
        settled.take_idle(times, now, idle);
        next.min(settled.wheel.next_end())
    }

    pub(super) fn len(&self) -> usize {
        let settled = self.settled.as_ref().map_or(0, |settled| settled.table.len());
        self.newest.iter().flatten().count() + settled
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Activation<T>>> {
        let settled = self.settled.iter().flat_map(|settled| settled.table.iter());
        self.newest.iter().flatten().map(|entry| &entry.activation).chain(settled)
    }

    fn settled(&mut self) -> &mut Settled<T> {
        self.settled.get_or_insert_default()
    }
}

impl<T: Object> Default for Shard<T> {
    fn default() -> Self {
        Self { newest: [const { None }; NEWEST], settled: None }
    }
}

// === impl Settled ===

impl<T: Object> Settled<T> {
    #[cold]
    fn add(&mut self, entry: Entry<T>, times: Option<IdleTimes>, hash_of: impl Fn(&str) -> u64) {
        if let Some(times) = times {
            self.watch(entry.hash, &entry.activation, times.slot(entry.activation.last_used()));
        }
        self.insert(entry, hash_of);
    }

    fn insert(&mut self, Entry { hash, activation }: Entry<T>, hash_of: impl Fn(&str) -> u64) {
        self.table.insert_unique(hash, activation, |entry| hash_of(entry.id().as_str()));
    }

    fn watch(&mut self, hash: u64, activation: &Activation<T>, due: u64) -> u64 {
        activation.set_idle_place(Some(self.wheel.add(due, hash)));
        due
    }

    fn take_if<R>(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&Arc<Activation<T>>) -> bool,
        take: impl FnOnce(&Activation<T>) -> Option<R>,
    ) -> Option<Taken<T, R>> {
        let entry = self.table.find_entry(hash, is_it).ok()?;
        let Some(taken) = take(entry.get()) else {
            return Some(Taken::Stays(Arc::clone(entry.get())));
        };
        let (activation, _) = entry.remove();
        activation.left_directory();
        self.leave_wheel(&activation);
        Some(Taken::Out(activation, taken))
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
                    self.watch(hash, &activation, times.slot(used));
                }
            }
        }
    }

    /// The activation that has this place in the wheel.
    fn at(&self, hash: u64, place: IdlePlace) -> Option<&Arc<Activation<T>>> {
        self.table.find(hash, |entry| entry.idle_place() == Some(place))
    }
}

impl<T: Object> Default for Settled<T> {
    fn default() -> Self {
        Self { table: HashTable::new(), wheel: Wheel::default() }
    }
}
