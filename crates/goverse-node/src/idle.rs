//! Objects that nobody calls: found without looking at those that are called, nor at those that may stay.
//!
//! Each object stands in one slot of a wheel: the one of the time at which it may have been idle for long enough. When
//! the time of a slot comes, only those in it are looked at; one that was called meanwhile moves on to its new time, a
//! call itself writes down its time and nothing else. So each object is looked at once in a time-out, and a look costs
//! what is due. After the timing wheels of Varghese and Lauck (1987), with times that are corrected only when due.
//!
//! Each shard of the directory has a wheel of its own, under the same lock: an object comes to both and leaves both at
//! once, and the wheel knows it by the hash that the directory has it under.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::{NEVER, after};

/// How many slots a time-out is divided into: an object may be idle for that share longer.
const SLOTS: u32 = 32;
/// No slot is shorter.
const SLOT_MIN: Duration = Duration::from_millis(1);

/// When the objects of a type are idle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdleTimes {
    /// In ns, as is the width of a slot.
    timeout: u64,
    width: u64,
}

/// The objects of one shard, by when they are to be looked at.
#[derive(Default)]
pub(crate) struct Wheel {
    /// The earliest first. Only the last may be empty: those that come soon go there.
    slots: VecDeque<Slot>,
}

struct Slot {
    end: u64,
    /// Those of the objects in it.
    hashes: Vec<u64>,
}

/// Where an object stands in the wheel of its shard. It changes within the lock of the shard only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdlePlace {
    /// The end of the slot.
    pub(crate) slot: u64,
    pub(crate) index: u32,
}

/// An object whose place has changed, since another has left the slot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) hash: u64,
    pub(crate) from: IdlePlace,
}

// === impl IdleTimes ===

impl IdleTimes {
    pub(crate) fn new(timeout: Duration) -> Self {
        let width = (timeout / SLOTS).max(SLOT_MIN);
        Self { timeout: after(0, timeout), width: after(0, width) }
    }

    /// Whether an object is idle by `now` that was last called at `used`.
    pub(crate) fn are_over(self, used: u64, now: u64) -> bool {
        used.saturating_add(self.timeout) <= now
    }

    /// The end of the slot of an object that was last called at `used`.
    pub(crate) fn slot(self, used: u64) -> u64 {
        used.saturating_add(self.timeout).div_ceil(self.width).saturating_mul(self.width)
    }
}

// === impl Wheel ===

impl Wheel {
    /// Puts an object into the slot that ends then.
    #[inline]
    pub(crate) fn add(&mut self, slot: u64, hash: u64) -> IdlePlace {
        let is_last = self.slots.back().is_some_and(|last| last.end == slot);
        let at = if is_last { self.slots.len() - 1 } else { self.make_slot(slot) };
        let in_slot = &mut self.slots[at].hashes;
        let index = in_slot.len() as u32;
        in_slot.push(hash);
        IdlePlace { slot, index }
    }

    /// Takes an object out; the one that moves to its place, if any.
    #[inline]
    pub(crate) fn remove(&mut self, place: IdlePlace) -> Option<Moved> {
        let IdlePlace { slot, index } = place;
        let last = self.slots.len().checked_sub(1)?;
        let at = if self.slots[last].end == slot { last } else { self.find(slot).ok()? };
        let in_slot = &mut self.slots[at].hashes;
        in_slot.swap_remove(index as usize);
        let from = IdlePlace { slot, index: in_slot.len() as u32 };
        let moved = in_slot.get(index as usize).map(|hash| Moved { hash: *hash, from });
        if in_slot.is_empty() && at != last {
            self.slots.remove(at);
        }
        moved
    }

    /// The objects of a slot that has ended by `now`, which is gone then, and its end.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<(u64, Vec<u64>)> {
        let Slot { end, .. } = *self.slots.front().filter(|first| first.end <= now)?;
        self.slots.pop_front().map(|due| (end, due.hashes))
    }

    /// When the next slot ends.
    pub(crate) fn next_end(&self) -> u64 {
        self.slots.front().map_or(NEVER, |first| first.end)
    }

    /// Where the slot is that ends then, made if it is not there.
    #[cold]
    fn make_slot(&mut self, end: u64) -> usize {
        if let Some(last) = self.slots.back_mut()
            && last.end < end
            && last.hashes.is_empty()
        {
            last.end = end;
        }
        self.find(end).unwrap_or_else(|at| {
            self.slots.insert(at, Slot { end, hashes: Vec::new() });
            at
        })
    }

    fn find(&self, end: u64) -> Result<usize, usize> {
        self.slots.binary_search_by_key(&end, |slot| slot.end)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::{IdlePlace, NEVER, Wheel};

    /// Does what the words say: `3+a` adds an object to the slot that ends at 3, `3-0` takes out the one at its place 0,
    /// `@3` takes what is due. Then the wheel, and what came out.
    #[track_caller]
    fn check(words: &str, expected: Expect) {
        let mut wheel = Wheel::default();
        let mut told = String::new();
        for word in words.split(' ') {
            let part = |sign| word.split_once(sign);
            if let Some((slot, name)) = part('+') {
                let hash = u64::from(name.as_bytes()[0]);
                let place = wheel.add(slot.parse().unwrap(), hash);
                told += &format!("{name} at {}.{}\n", place.slot, place.index);
            } else if let Some((slot, index)) = part('-') {
                let (slot, index) = (slot.parse().unwrap(), index.parse().unwrap());
                if let Some(moved) = wheel.remove(IdlePlace { slot, index }) {
                    let name = char::from(moved.hash as u8);
                    told +=
                        &format!("{name} moved from {}.{}\n", moved.from.slot, moved.from.index);
                }
            } else if let Some((_, now)) = part('@') {
                while let Some((end, hashes)) = wheel.take_due(now.parse().unwrap()) {
                    let names: String = hashes.iter().map(|hash| char::from(*hash as u8)).collect();
                    told += &format!("due {end}: {names}\n");
                }
            }
        }
        let next = wheel.next_end();
        let next = if next == NEVER { "never".to_owned() } else { next.to_string() };
        expected.assert_eq(&format!("{told}next {next}, {} slots\n", wheel.slots.len()));
    }

    #[test]
    fn objects_are_due_by_the_end_of_their_slot_whenever_they_came() {
        check(
            "3+a 3+b 5+c 4+d @2 @4 @9",
            expect![[r#"
                a at 3.0
                b at 3.1
                c at 5.0
                d at 4.0
                due 3: ab
                due 4: d
                due 5: c
                next never, 0 slots
            "#]],
        );
    }

    #[test]
    fn the_last_of_a_slot_takes_the_place_of_one_that_leaves() {
        check(
            "3+a 3+b 3+c 5+d 3-0 3-1 @3",
            expect![[r#"
                a at 3.0
                b at 3.1
                c at 3.2
                d at 5.0
                c moved from 3.2
                due 3: c
                next 5, 1 slots
            "#]],
        );
    }

    #[test]
    fn of_empty_slots_the_last_alone_stays() {
        check(
            "3+a 4+b 5+c 4-0 3-0 5-0 6+d",
            expect![[r#"
                a at 3.0
                b at 4.0
                c at 5.0
                d at 6.0
                next 6, 1 slots
            "#]],
        );
    }
}
