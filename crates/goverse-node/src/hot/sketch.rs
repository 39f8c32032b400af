//! The objects that have the most of something, in bounded memory.
//!
//! It is Space-Saving of Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and Top-k Elements in
//! Data Streams" (ICDT 2005), with weights: who is new and finds no free slot takes the one with the least, and
//! inherits what was counted there as what it may have had itself before. Hence of a total `n` in `k` slots nobody
//! with more than `n / k` is absent, and nobody's count is off by more. Unlike there, small counts are dropped when
//! all are scaled down, and the bound of the absent is then kept by itself.
//!
//! Slots are searched from end to end, a block of hashes at a time: with 256 slots that takes some 40 ns. A map would
//! have to be kept in step with slots that change hands.

use goverse_core::{ObjectId, TypeName};

use super::ranks::Ranks;
use super::tally::{Measure, Tally};

/// How many hashes are compared at once.
const BLOCK: usize = 16;

/// An object, with the hash of its type and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) hash: u64,
    pub(super) type_name: TypeName,
    pub(super) id: ObjectId,
}

#[derive(Debug)]
pub(super) struct Sketch {
    measure: Measure,
    slots: usize,
    /// One for each slot in use.
    counters: Vec<Counter>,
    /// Of the counters, in the same order.
    hashes: Vec<u64>,
    /// Of the counters, in the same order.
    ranks: Ranks,
    /// The most that any object without a counter can have.
    absent_max: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Counter {
    pub(super) key: Key,
    /// The object's turns since it has the slot.
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
            counters: Vec::with_capacity(slots),
            hashes: Vec::with_capacity(slots),
            ranks: Ranks::with_capacity(slots),
            absent_max: 0.0,
        }
    }

    pub(super) fn add(&mut self, key: &Key, seen: &Tally) {
        if self.measure.of(seen) == 0.0 {
            return;
        }
        let slot = self.find(key).unwrap_or_else(|| self.settle(key));
        let counter = &mut self.counters[slot];
        counter.seen.add(seen);
        self.ranks.set(slot, counter.rank(self.measure));
    }

    /// Multiplies every count, and drops those that are negligible then.
    pub(super) fn scale(&mut self, factor: f64) {
        self.absent_max *= factor;
        self.counters.retain_mut(|counter| {
            counter.seen.scale(factor);
            counter.missed_max *= factor;
            let rank = counter.rank(self.measure);
            let is_kept = rank >= self.measure.negligible();
            if !is_kept {
                self.absent_max = self.absent_max.max(rank);
            }
            is_kept
        });
        self.hashes.clear();
        self.ranks.clear();
        for counter in &self.counters {
            self.hashes.push(counter.key.hash);
            self.ranks.push(counter.rank(self.measure));
        }
    }

    pub(super) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    pub(super) fn absent_max(&self) -> f64 {
        self.absent_max
    }

    fn find(&self, key: &Key) -> Option<usize> {
        let is_it =
            |slot: &usize| self.hashes[*slot] == key.hash && self.counters[*slot].key == *key;
        let blocks = self.hashes.chunks(BLOCK).enumerate();
        // A fold looks at all of a block, so that the compiler makes a few vector instructions of it.
        let candidates = blocks
            .filter(|(_, block)| block.iter().fold(false, |any, hash| any | (*hash == key.hash)));
        let mut slots = candidates.flat_map(|(at, block)| BLOCK * at..BLOCK * at + block.len());
        slots.find(is_it)
    }

    /// Gives a slot to an object that has none.
    fn settle(&mut self, key: &Key) -> usize {
        if self.counters.len() < self.slots {
            self.hashes.push(key.hash);
            self.ranks.push(self.absent_max);
            self.counters.push(Counter::new(key, self.absent_max));
            return self.counters.len() - 1;
        }
        let slot = self.ranks.least();
        self.absent_max = self.counters[slot].rank(self.measure);
        self.hashes[slot] = key.hash;
        self.counters[slot] = Counter::new(key, self.absent_max);
        slot
    }
}

// === impl Key ===

impl Key {
    /// What objects are ordered by where they are equal otherwise.
    pub(super) fn names(&self) -> (&TypeName, &ObjectId) {
        (&self.type_name, &self.id)
    }
}

// === impl Counter ===

impl Counter {
    fn new(key: &Key, missed_max: f64) -> Self {
        Self { key: key.clone(), seen: Tally::default(), missed_max }
    }

    /// The most that the object can have.
    fn rank(&self, measure: Measure) -> f64 {
        self.missed_max + measure.of(&self.seen)
    }
}

#[cfg(test)]
impl Sketch {
    /// What it takes now, with every name that it keeps as if nobody else had it.
    pub(super) fn bytes(&self) -> usize {
        let Self { counters, hashes, ranks, .. } = self;
        let counts_of_arc = 2 * size_of::<usize>();
        let of_names = |counter: &Counter| {
            let (type_name, id) = counter.key.names();
            type_name.as_str().len() + id.as_str().len() + 2 * counts_of_arc
        };
        let of_slots =
            counters.capacity() * size_of::<Counter>() + hashes.capacity() * size_of::<u64>();
        of_slots + ranks.bytes() + counters.iter().map(of_names).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand::distr::weighted::WeightedIndex;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    /// A sketch, and beside it how much each object really has.
    struct Checked {
        sketch: Sketch,
        keys: Vec<Key>,
        truth: Vec<f64>,
    }

    impl Checked {
        fn new(measure: Measure, slots: usize, objects: u64) -> Self {
            let key = |number: u64| Key {
                hash: number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
                type_name: TypeName::new("ChatRoom").unwrap(),
                id: ObjectId::new(&number.to_string()).unwrap(),
            };
            let keys: Vec<Key> = (0..objects).map(key).collect();
            Self { sketch: Sketch::new(measure, slots), truth: vec![0.0; keys.len()], keys }
        }

        fn add(&mut self, object: usize, nanos: u64) {
            let seen = Tally::of_turn(nanos, 1.0);
            self.sketch.add(&self.keys[object], &seen);
            self.truth[object] += self.sketch.measure.of(&seen);
        }

        fn scale(&mut self, factor: f64) {
            self.sketch.scale(factor);
            self.truth.iter_mut().for_each(|truth| *truth *= factor);
        }

        /// That nobody's count is off by more than is said, and nobody absent has more than is said.
        fn check(&self) {
            let slack = 1e-9 * self.truth.iter().sum::<f64>();
            for (key, truth) in self.keys.iter().zip(&self.truth) {
                let counter = self.sketch.counters.iter().find(|counter| counter.key == *key);
                let (least, most) = match counter {
                    Some(counter) => {
                        let seen = self.sketch.measure.of(&counter.seen);
                        (seen, seen + counter.missed_max)
                    }
                    None => (0.0, self.sketch.absent_max),
                };
                let is_right = least <= truth + slack && *truth <= most + slack;
                assert!(is_right, "{} has {truth}, not {least} to {most}", key.id);
            }
            let Sketch { counters, slots, absent_max, .. } = &self.sketch;
            assert!(counters.len() <= *slots);
            let bound = self.truth.iter().sum::<f64>() / *slots as f64;
            assert!(*absent_max <= bound + 1.0 + slack, "{absent_max} absent, {bound} allowed");
        }

        /// The objects with the most, in truth and as the sketch has it.
        fn top(&self, count: usize) -> (Vec<&Key>, Vec<&Key>) {
            let mut truly: Vec<usize> = (0..self.keys.len()).collect();
            truly.sort_by(|a, b| self.truth[*b].total_cmp(&self.truth[*a]));
            let mut counters: Vec<&Counter> = self.sketch.counters.iter().collect();
            let measure = self.sketch.measure;
            counters.sort_by(|a, b| measure.of(&b.seen).total_cmp(&measure.of(&a.seen)));
            let truly = truly[..count].iter().map(|object| &self.keys[*object]);
            (truly.collect(), counters[..count].iter().map(|counter| &counter.key).collect())
        }
    }

    fn zipf(objects: u64, exponent: f64) -> WeightedIndex<f64> {
        WeightedIndex::new((1..=objects).map(|rank| (rank as f64).powf(-exponent))).unwrap()
    }

    #[test]
    fn heavy_hitters_are_found_and_every_bound_holds() {
        for seed in 1..4 {
            for (measure, exponent) in
                [(Measure::Calls, 1.0), (Measure::Calls, 1.5), (Measure::Nanos, 1.0)]
            {
                println!("seed {seed}, {measure:?}, exponent {exponent}");
                let mut random = SmallRng::seed_from_u64(seed);
                let objects = zipf(5_000, exponent);
                let mut checked = Checked::new(measure, 256, 5_000);
                for _ in 0..100_000 {
                    let object = objects.sample(&mut random);
                    checked.add(object, random.random_range(1..1_000));
                }
                checked.check();
                let (truly, found) = checked.top(10);
                assert_eq!(found, truly);
            }
        }
    }

    #[test]
    fn bounds_hold_when_counts_are_scaled_and_the_hot_ones_change() {
        for seed in 1..4 {
            println!("seed {seed}");
            let mut random = SmallRng::seed_from_u64(seed);
            let objects = zipf(3_000, 0.8);
            let mut checked = Checked::new(Measure::Calls, 64, 3_000);
            for round in 0..12 {
                for _ in 0..random.random_range(0..5_000) {
                    checked.add((objects.sample(&mut random) + 250 * round) % 3_000, 1);
                }
                checked.check();
                checked.scale(if round % 4 == 0 { 0.001 } else { 0.5 });
                checked.check();
            }
        }
    }

    #[test]
    fn objects_that_never_come_back_take_no_more_than_the_slots() {
        let mut checked = Checked::new(Measure::Calls, 32, 10_000);
        let bytes = checked.sketch.bytes();
        (0..10_000).for_each(|object| checked.add(object, 1));
        checked.check();
        assert_eq!(checked.sketch.counters.len(), 32);
        assert!(checked.sketch.bytes() < bytes + 32 * 100);
    }

    #[test]
    fn objects_with_the_same_hash_are_told_apart() {
        let mut checked = Checked::new(Measure::Calls, 16, 40);
        checked.keys.iter_mut().for_each(|key| key.hash = 7);
        (0..400).for_each(|turn| checked.add(turn % 10, 1));
        checked.check();
        assert_eq!(checked.sketch.counters.len(), 10);
        (0..400).for_each(|turn| checked.add(turn % 40, 1));
        checked.check();
    }

    #[test]
    fn what_weighs_nothing_takes_no_slot() {
        let mut checked = Checked::new(Measure::Nanos, 4, 4);
        checked.add(0, 0);
        assert!(checked.sketch.counters.is_empty());
    }
}
