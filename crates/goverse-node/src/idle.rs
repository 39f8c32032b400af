//! Objects that nobody calls: found without looking at those that are called, nor at those that may stay.
//!
//! Each object stands in one slot of a wheel: the one of the time at which it may have been idle for long enough. When
//! the time of a slot comes, only those in it are looked at; one that was called meanwhile moves on to its new time, a
//! call itself writes down its time and nothing else. So each object is looked at once in a time-out, and a look costs
//! what is due. After the timing wheels of Varghese and Lauck (1987), with times that are corrected only when due.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::activation::Activation;
use crate::alarms::shard_of_thread;
use crate::clock::{NEVER, after};
use crate::object::Object;

/// How many slots a time-out is divided into: an object may be idle for that share longer.
const SLOTS: u32 = 32;
/// No slot is shorter.
const SLOT_MIN: Duration = Duration::from_millis(1);
/// Wheels beside each other, so that threads which activate objects seldom meet. Each type has them, so they are few.
const SHARDS: usize = 8;

/// The objects of one type, by when they are to be looked at.
pub(crate) struct IdleWheel<T: Object> {
    /// The time-out and the width of a slot, in ns; `None` if objects stay.
    times: Option<(u64, u64)>,
    shards: Box<[CachePadded<Mutex<Slots<T>>>]>,
}

/// By the end of the slot.
type Slots<T> = BTreeMap<u64, Vec<Weak<Activation<T>>>>;

/// Where an object stands in the wheel of its type. It changes within the lock of its shard only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdlePlace {
    slot: u64,
    shard: u32,
    index: u32,
}

// === impl IdleWheel ===

impl<T: Object> IdleWheel<T> {
    pub(crate) fn new(timeout: Option<Duration>) -> Self {
        let times = timeout.map(|timeout| {
            let width = (timeout / SLOTS).max(SLOT_MIN);
            (after(0, timeout), after(0, width))
        });
        Self { times, shards: (0..SHARDS).map(|_| CachePadded::default()).collect() }
    }

    /// Puts an object where it belongs that was last called at `used`; true if no object of its shard is due before.
    pub(crate) fn add(&self, activation: &Arc<Activation<T>>, used: u64) -> bool {
        let Some((timeout, width)) = self.times else { return false };
        let due = used.saturating_add(timeout);
        let slot = due.div_ceil(width).saturating_mul(width);
        let shard = shard_of_thread() % SHARDS;
        let mut slots = lock(&self.shards[shard]);
        let is_first = slots.first_key_value().is_none_or(|(first, _)| slot < *first);
        let in_slot = slots.entry(slot).or_default();
        let index = in_slot.len() as u32;
        in_slot.push(Arc::downgrade(activation));
        activation.set_idle_place(Some(IdlePlace { slot, shard: shard as u32, index }));
        is_first
    }

    /// Takes an object out, whose place would otherwise keep its memory.
    pub(crate) fn remove(&self, activation: &Activation<T>) {
        let Some(IdlePlace { shard, .. }) = activation.idle_place() else { return };
        let mut slots = lock(&self.shards[shard as usize]);
        // Looked at again within the lock: others that left may have moved it, and the keeper may have taken it out.
        let Some(IdlePlace { slot, index, shard: still }) = activation.idle_place() else { return };
        let Some(in_slot) = slots.get_mut(&slot).filter(|_| still == shard) else { return };
        activation.set_idle_place(None);
        let removed = in_slot.swap_remove(index as usize);
        if let Some(moved) = in_slot.get(index as usize).and_then(Weak::upgrade) {
            moved.set_idle_place(Some(IdlePlace { slot, shard, index }));
        }
        drop(slots);
        drop(removed);
    }

    /// Takes out those that have not been called for long enough; those that have move on.
    pub(crate) fn due(&self, now: u64) -> Vec<Arc<Activation<T>>> {
        let Some((timeout, _)) = self.times else { return Vec::new() };
        let mut due = Vec::new();
        for shard in &self.shards {
            while let Some(in_slot) = take_slot(shard, now) {
                for activation in in_slot.iter().filter_map(Weak::upgrade) {
                    let used = activation.last_used();
                    if used.saturating_add(timeout) <= now {
                        due.push(activation);
                    } else {
                        self.add(&activation, used);
                    }
                }
            }
        }
        due
    }

    /// When the next slot is due.
    pub(crate) fn next_look(&self) -> u64 {
        let first = |shard| lock(shard).first_key_value().map_or(NEVER, |(slot, _)| *slot);
        self.shards.iter().map(|shard| first(shard)).min().unwrap_or(NEVER)
    }
}

fn take_slot<T: Object>(shard: &Mutex<Slots<T>>, now: u64) -> Option<Vec<Weak<Activation<T>>>> {
    let mut slots = lock(shard);
    let first = slots.first_entry().filter(|first| *first.key() <= now)?;
    let in_slot = first.remove();
    for activation in in_slot.iter().filter_map(Weak::upgrade) {
        activation.set_idle_place(None);
    }
    Some(in_slot)
}

fn lock<T: Object>(shard: &Mutex<Slots<T>>) -> MutexGuard<'_, Slots<T>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl IdlePlace ===

impl IdlePlace {
    pub(crate) fn pack(self) -> (u64, u64) {
        (self.slot, u64::from(self.shard) << 32 | u64::from(self.index))
    }

    pub(crate) fn unpack(slot: u64, packed: u64) -> Self {
        Self { slot, shard: (packed >> 32) as u32, index: packed as u32 }
    }
}
