//! The objects that have the most of something, in bounded memory.
//!
//! It is Space-Saving of Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and Top-k Elements in
//! Data Streams" (ICDT 2005), with weights: who is new and finds no free slot takes the one with the least, and
//! inherits what was counted there as what it may have had itself before. Hence of a total `n` in `k` slots nobody
//! with more than `n / k` is absent, and nobody's count is off by more. Unlike there, small counts are dropped when
//! all are scaled down, and the bound of the absent is then kept by itself.
//!
//! Slots are searched from end to end. Hashes and ranks lie apart for that, 2 KiB each with 256 slots: it takes a
//! tenth of a microsecond, samples are few, and no map or heap has to agree with anything.

use goverse_core::{ObjectId, TypeName};

use super::tally::{Measure, Tally};

/// What a slot takes, without the names of its object.
pub(super) const SLOT_BYTES: usize = size_of::<u64>() + size_of::<f64>() + size_of::<Counter>();

/// An object, with the hash of its type and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) hash: u64,
    pub(super) type_name: TypeName,
    pub(super) id: ObjectId,
}

/// Parallel vectors: what is at one place in them is one slot.
#[derive(Debug)]
pub(super) struct Sketch {
    measure: Measure,
    slots: usize,
    hashes: Vec<u64>,
    /// The most that each object can have: what was seen of it, and what may have been missed.
    ranks: Vec<f64>,
    counters: Vec<Counter>,
    /// The most that any object without a slot can have.
    absent_max: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Counter {
    pub(super) type_name: TypeName,
    pub(super) id: ObjectId,
    /// Its turns since it got the slot.
    pub(super) seen: Tally,
    /// The most that it can have had before.
    pub(super) missed_max: f64,
}

// === impl Sketch ===

impl Sketch {
    pub(super) fn new(measure: Measure, slots: usize) -> Self {
        Self {
            measure,
            slots,
            hashes: Vec::with_capacity(slots),
            ranks: Vec::with_capacity(slots),
            counters: Vec::with_capacity(slots),
            absent_max: 0.0,
        }
    }

    pub(super) fn add(&mut self, key: &Key, seen: &Tally) {
        let weight = self.measure.of(seen);
        if weight == 0.0 {
            return;
        }
        let slot = self.find(key).unwrap_or_else(|| self.settle(key));
        self.counters[slot].seen.add(seen);
        self.ranks[slot] += weight;
    }

    /// Multiplies every count, and drops those that are negligible then.
    pub(super) fn scale(&mut self, factor: f64) {
        self.absent_max *= factor;
        for slot in (0..self.counters.len()).rev() {
            self.ranks[slot] *= factor;
            self.counters[slot].scale(factor);
            if self.ranks[slot] < self.measure.negligible() {
                self.absent_max = self.absent_max.max(self.ranks[slot]);
                self.hashes.swap_remove(slot);
                self.ranks.swap_remove(slot);
                self.counters.swap_remove(slot);
            }
        }
    }

    pub(super) fn absent_max(&self) -> f64 {
        self.absent_max
    }

    pub(super) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    fn find(&self, key: &Key) -> Option<usize> {
        let mut slots = self.hashes.iter().zip(&self.counters);
        slots.position(|(hash, counter)| *hash == key.hash && counter.is_of(key))
    }

    /// Gives a slot to an object that has none.
    fn settle(&mut self, key: &Key) -> usize {
        if self.counters.len() < self.slots {
            self.hashes.push(key.hash);
            self.ranks.push(self.absent_max);
            self.counters.push(Counter::new(key, self.absent_max));
            return self.counters.len() - 1;
        }
        let slot = self.least();
        self.absent_max = self.ranks[slot];
        self.hashes[slot] = key.hash;
        self.counters[slot] = Counter::new(key, self.absent_max);
        slot
    }

    /// The slot with the lowest rank.
    fn least(&self) -> usize {
        let ranks = self.ranks.iter().enumerate();
        ranks.min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(slot, _)| slot)
    }
}

// === impl Counter ===

impl Counter {
    fn new(key: &Key, missed_max: f64) -> Self {
        let Key { type_name, id, .. } = key.clone();
        Self { type_name, id, seen: Tally::default(), missed_max }
    }

    fn is_of(&self, key: &Key) -> bool {
        self.id == key.id && self.type_name == key.type_name
    }

    fn scale(&mut self, factor: f64) {
        self.seen.scale(factor);
        self.missed_max *= factor;
    }
}
