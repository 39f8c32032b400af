//! Objects that nobody calls: found without looking at those that are called, nor at those that may stay.
//!
//! Each object stands in one slot of a wheel: the one of the time at which it may have been idle for long enough. When
//! the time of a slot comes, only those in it are looked at; one that was called meanwhile moves on to its new time, a
//! call itself writes down its time and nothing else. So each object is looked at once in a time-out, and a look costs
//! what is due. After the timing wheels of Varghese and Lauck (1987), with times that are corrected only when due.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::activation::Activation;
use crate::clock::{NEVER, after};
use crate::object::Object;

/// How many slots a time-out is divided into: an object may be idle for that share longer.
const SLOTS: u32 = 32;
/// No slot is shorter.
const SLOT_MIN: Duration = Duration::from_millis(1);

/// The objects of one type, by when they are to be looked at.
pub(crate) struct IdleWheel<T: Object> {
    /// The time-out and the width of a slot, in ns; `None` if objects stay.
    times: Option<(u64, u64)>,
    /// By the end of the slot.
    slots: Mutex<Slots<T>>,
}

type Slots<T> = BTreeMap<u64, Vec<Weak<Activation<T>>>>;

// === impl IdleWheel ===

impl<T: Object> IdleWheel<T> {
    pub(crate) fn new(timeout: Option<Duration>) -> Self {
        let times = timeout.map(|timeout| {
            let width = (timeout / SLOTS).max(SLOT_MIN);
            (after(0, timeout), after(0, width))
        });
        Self { times, slots: Mutex::new(BTreeMap::new()) }
    }

    /// Puts an object where it belongs that was last called at `used`; true if it is now the only one that is due first.
    pub(crate) fn add(&self, activation: &Arc<Activation<T>>, used: u64) -> bool {
        let Some((timeout, width)) = self.times else { return false };
        let due = used.saturating_add(timeout);
        let slot = due.div_ceil(width).saturating_mul(width);
        let mut slots = self.lock();
        let is_first = slots.first_key_value().is_none_or(|(first, _)| slot < *first);
        slots.entry(slot).or_default().push(Arc::downgrade(activation));
        is_first
    }

    /// Takes out those that have not been called for long enough; those that have move on.
    pub(crate) fn due(&self, now: u64) -> Vec<Arc<Activation<T>>> {
        let Some((timeout, _)) = self.times else { return Vec::new() };
        let mut due = Vec::new();
        while let Some(slot) = self.take_slot(now) {
            for activation in slot.iter().filter_map(Weak::upgrade) {
                let used = activation.last_used();
                if used.saturating_add(timeout) <= now {
                    due.push(activation);
                } else {
                    self.add(&activation, used);
                }
            }
        }
        due
    }

    /// When the next slot is due.
    pub(crate) fn next_look(&self) -> u64 {
        self.lock().first_key_value().map_or(NEVER, |(slot, _)| *slot)
    }

    fn take_slot(&self, now: u64) -> Option<Vec<Weak<Activation<T>>>> {
        let mut slots = self.lock();
        let first = slots.first_entry().filter(|first| *first.key() <= now)?;
        Some(first.remove())
    }

    fn lock(&self) -> MutexGuard<'_, Slots<T>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
