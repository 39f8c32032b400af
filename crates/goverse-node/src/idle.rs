//! Objects that nobody calls: found without looking at those that are called, nor at those that may stay.
//!
//! Each object stands in one slot of a wheel: the one of the time at which it may have been idle for long enough. When
//! the time of a slot comes, only those in it are looked at; one that was called meanwhile moves on to its new time, a
//! call itself writes down its time and nothing else. So each object is looked at once in a time-out, and a look costs
//! what is due, and a little for each shard. After the timing wheels of Varghese and Lauck (1987), with times that are
//! corrected only when due.
//!
//! Each shard of the directory has a wheel of its own, under the same lock, and the wheel knows an object by the hash that
//! the shard's table has it under. The few newest of a shard stand in neither, and are looked at whenever the shard is; one
//! that is idle then comes to the table alone, until it goes or stays.

use std::collections::VecDeque;
use std::mem;
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
///
/// Those that come soon go to the last slot, so that is found at once.
#[derive(Default)]
pub(crate) struct Wheel {
    last: Slot,
    /// The earliest first, each with objects.
    earlier: VecDeque<Slot>,
}

#[derive(Default)]
struct Slot {
    /// 0 if the slot was never used.
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
        self.end(used) <= now
    }

    /// When an object is idle that was last called at `used`.
    pub(crate) fn end(self, used: u64) -> u64 {
        used.saturating_add(self.timeout)
    }

    /// Whether the [`slot`](Self::slot) of an object that was last called at `used` ends before `end`, which is the end of
    /// another or [`NEVER`].
    #[inline]
    pub(crate) fn slot_ends_before(self, end: u64, used: u64) -> bool {
        self.end(used).saturating_add(self.width) <= end
    }

    /// The end of the slot of an object that was last called at `used`.
    pub(crate) fn slot(self, used: u64) -> u64 {
        self.end(used).div_ceil(self.width).saturating_mul(self.width)
    }
}

// === impl Wheel ===

impl Wheel {
    /// Puts an object into the slot that ends then.
    #[inline]
    pub(crate) fn add(&mut self, slot: u64, hash: u64) -> IdlePlace {
        let in_slot = if self.last.end == slot { &mut self.last } else { self.slot(slot) };
        let index = in_slot.hashes.len() as u32;
        in_slot.hashes.push(hash);
        IdlePlace { slot, index }
    }

    /// Takes an object out; the one that moves to its place, if any.
    #[inline]
    pub(crate) fn remove(&mut self, place: IdlePlace) -> Option<Moved> {
        if self.last.end == place.slot {
            return self.last.remove(place.index);
        }
        let at = self.find(place.slot).ok()?;
        let moved = self.earlier[at].remove(place.index);
        if self.earlier[at].hashes.is_empty() {
            self.earlier.remove(at);
        }
        moved
    }

    /// The objects of a slot that has ended by `now`, which is gone then, and its end.
    pub(crate) fn take_due(
        &mut self,
        now: u64,
    ) -> Option<(u64, impl IntoIterator<Item = u64> + use<>)> {
        if self.next_end() > now {
            return None;
        }
        let due = self.earlier.pop_front().unwrap_or_else(|| mem::take(&mut self.last));
        Some((due.end, due.hashes))
    }

    /// When the next slot ends.
    pub(crate) fn next_end(&self) -> u64 {
        let last = if self.last.end == 0 { NEVER } else { self.last.end };
        self.earlier.front().map_or(last, |first| first.end)
    }

    /// The slot that ends then, made if it is not there.
    #[cold]
    fn slot(&mut self, end: u64) -> &mut Slot {
        if end < self.last.end {
            let at = self.find(end).unwrap_or_else(|at| {
                self.earlier.insert(at, Slot { end, ..Slot::default() });
                at
            });
            return &mut self.earlier[at];
        }
        if !self.last.hashes.is_empty() {
            self.earlier.push_back(mem::take(&mut self.last));
        }
        self.last.end = end;
        &mut self.last
    }

    fn find(&self, end: u64) -> Result<usize, usize> {
        self.earlier.binary_search_by_key(&end, |slot| slot.end)
    }
}

// === impl Slot ===

impl Slot {
    #[inline]
    fn remove(&mut self, index: u32) -> Option<Moved> {
        self.hashes.swap_remove(index as usize);
        let from = IdlePlace { slot: self.end, index: self.hashes.len() as u32 };
        self.hashes.get(index as usize).map(|hash| Moved { hash: *hash, from })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::{Expect, expect};

    use super::{IdlePlace, IdleTimes, NEVER, Wheel};

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
                    let names = hashes.into_iter().map(|hash| char::from(hash as u8));
                    let names: String = names.collect();
                    told += &format!("due {end}: {names}\n");
                }
            }
        }
        let next = wheel.next_end();
        let next = if next == NEVER { "never".to_owned() } else { next.to_string() };
        let (last, earlier) = (wheel.last.hashes.len(), wheel.earlier.len());
        expected.assert_eq(&format!("{told}next {next}, {last} in the last, {earlier} earlier\n"));
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
                next never, 0 in the last, 0 earlier
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
                next 5, 1 in the last, 0 earlier
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
                next 6, 1 in the last, 0 earlier
            "#]],
        );
    }

    #[test]
    fn a_slot_is_told_to_end_before_another_without_being_found() {
        let times = IdleTimes::new(Duration::from_secs(1));
        let width = times.slot(1) - times.slot(0);
        let ends = (0..80).map(|slot| slot * width).chain([NEVER]);
        for end in ends {
            for used in
                (0..40 * width).step_by(width as usize / 4).flat_map(|used| [used, used + 1])
            {
                assert_eq!(
                    times.slot_ends_before(end, used),
                    times.slot(used) < end,
                    "{used} {end}"
                );
            }
        }
    }
}
