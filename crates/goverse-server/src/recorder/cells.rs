//! The memory behind our own series: counters, gauges and histograms whose shards only rise.
//!
//! Reading adds the shards up; each only rises, so what is read only rises too.

use std::sync::atomic::Ordering;

use goverse_metrics::catalogue::BUCKETS_MAX;
use metrics::{CounterFn, GaugeFn, HistogramFn};

use super::shards::{Shards, Sum};

/// A count that only rises.
pub(super) struct CounterCell {
    shards: Shards<Sum>,
}

/// A count of what is there: arrivals and departures, each of which only rises.
pub(super) struct UpDownCell {
    shards: Shards<UpDown>,
}

/// Samples, bucketed when they are recorded.
pub(super) struct HistogramCell {
    bounds: &'static [f64],
    shards: Shards<Buckets>,
}

/// The sum and the samples of each bucket, at one moment.
pub(super) struct HistogramSnapshot {
    /// Samples in each bucket, not cumulated; the last one is above every bound.
    pub(super) counts: Vec<u64>,
    pub(super) sum: f64,
}

#[derive(Default)]
struct UpDown {
    up: Sum,
    down: Sum,
}

#[derive(Default)]
struct Buckets {
    counts: [Sum; BUCKETS_MAX + 1],
    sum: Sum,
}

// === impl CounterCell ===

impl CounterCell {
    pub(super) fn new() -> Self {
        Self { shards: Shards::new() }
    }

    pub(super) fn value(&self) -> u64 {
        self.shards.iter().map(|shard| shard.get(Ordering::Relaxed)).sum()
    }
}

impl CounterFn for CounterCell {
    #[inline]
    fn increment(&self, value: u64) {
        let (sum, is_alone) = self.shards.mine();
        sum.add(value, is_alone, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.increment(value.saturating_sub(self.value()));
    }
}

// === impl UpDownCell ===

impl UpDownCell {
    pub(super) fn new() -> Self {
        Self { shards: Shards::new() }
    }

    /// What is there now; never less than 0, also while other threads go on.
    pub(super) fn value(&self) -> u64 {
        // Departures are read first: each follows its arrival, so every arrival that belongs to one of
        // them is seen below (Release at the departure, Acquire here).
        let down: u64 = self.shards.iter().map(|shard| shard.down.get(Ordering::Acquire)).sum();
        let up: u64 = self.shards.iter().map(|shard| shard.up.get(Ordering::Relaxed)).sum();
        up.saturating_sub(down)
    }
}

impl GaugeFn for UpDownCell {
    #[inline]
    fn increment(&self, value: f64) {
        let (shard, is_alone) = self.shards.mine();
        shard.up.add(value as u64, is_alone, Ordering::Relaxed);
    }

    #[inline]
    fn decrement(&self, value: f64) {
        let (shard, is_alone) = self.shards.mine();
        shard.down.add(value as u64, is_alone, Ordering::Release);
    }

    /// Does nothing: what moves by guards alone cannot be set.
    fn set(&self, _value: f64) {}
}

// === impl HistogramCell ===

impl HistogramCell {
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        debug_assert!(bounds.len() <= BUCKETS_MAX, "the catalogue's tests see to it");
        Self { bounds, shards: Shards::new() }
    }

    pub(super) fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    pub(super) fn snapshot(&self) -> HistogramSnapshot {
        let mut counts = vec![0; self.bounds.len() + 1];
        let mut sum = 0.0;
        for shard in self.shards.iter() {
            for (count, bucket) in counts.iter_mut().zip(&shard.counts) {
                *count += bucket.get(Ordering::Relaxed);
            }
            sum += f64::from_bits(shard.sum.get(Ordering::Relaxed));
        }
        HistogramSnapshot { counts, sum }
    }
}

impl HistogramFn for HistogramCell {
    /// Counts one sample. What is not a finite number is left out: one NaN would make the sum NaN for ever.
    #[inline]
    fn record(&self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let (shard, is_alone) = self.shards.mine();
        // Most samples are in the first bucket: methods that run in place, calls that do not wait.
        let bucket = match self.bounds.first() {
            Some(first) if value <= *first => 0,
            _ => self.bounds.partition_point(|bound| *bound < value),
        };
        shard.counts[bucket].add(1, is_alone, Ordering::Relaxed);
        // The most frequent sample is 0, of a call that did not wait.
        if value != 0.0 {
            shard.sum.add_fraction(value, is_alone);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use metrics::{CounterFn, GaugeFn, HistogramFn};

    use super::{CounterCell, HistogramCell, UpDownCell};

    #[test]
    fn a_counter_adds_up_over_threads() {
        let cell = CounterCell::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..100_000).for_each(|_| cell.increment(1)));
            }
        });
        assert_eq!(cell.value(), 800_000);
        cell.absolute(800_005);
        cell.absolute(3);
        assert_eq!(cell.value(), 800_005);
    }

    #[test]
    fn a_gauge_read_during_churn_is_never_below_what_is_there() {
        let cell = UpDownCell::new();
        let stop = AtomicBool::new(false);
        let (arrive, depart) = std::sync::mpsc::sync_channel::<()>(64);
        let depart = std::sync::Mutex::new(depart);
        cell.increment(1.0);
        let (mut least, mut most) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    cell.increment(1.0);
                    arrive.send(()).unwrap();
                }
                drop(arrive);
            });
            scope.spawn(|| {
                let depart = depart.lock().unwrap();
                while depart.recv().is_ok() {
                    cell.decrement(1.0);
                }
            });
            // Asserted below, as a panic in here would leave the two running for ever.
            (least, most) = (0..200_000).fold((u64::MAX, 0), |(least, most), _| {
                let value = cell.value();
                (value.min(least), value.max(most))
            });
            stop.store(true, Ordering::Relaxed);
        });
        assert!(least >= 1 && most < 100_000, "from {least} to {most}");
        assert_eq!(cell.value(), 1);
    }

    #[test]
    fn samples_go_to_the_first_bucket_that_holds_them() {
        let cell = HistogramCell::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 2.5, 0.0, -0.0, f64::NAN, f64::INFINITY] {
            cell.record(value);
        }
        let snapshot = cell.snapshot();
        assert_eq!(snapshot.counts, [4, 1, 1]);
        assert_eq!(snapshot.sum, 5.5);
    }
    #[test]
    fn a_histogram_adds_up_over_threads() {
        let cell = HistogramCell::new(&[1.0, 2.0]);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..100_000).for_each(|_| cell.record(1.5)));
            }
        });
        let snapshot = cell.snapshot();
        assert_eq!(snapshot.counts, [0, 800_000, 0]);
        assert_eq!(snapshot.sum, 1_200_000.0);
    }
}
