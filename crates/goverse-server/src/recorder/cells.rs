//! The memory behind our own series: sharded by thread, so that two cores never write to one line.
//!
//! A thread keeps to one shard of every cell. Reading adds the shards up; each shard only rises, so what
//! is read only rises too. After the per-CPU counters of Linux (`lib/percpu_counter.c`) and the `LongAdder`
//! of Java, with threads in place of processors.

use std::cell::Cell as ThreadCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crossbeam_utils::CachePadded;
use goverse_metrics::catalogue::BUCKETS_MAX;
use metrics::{CounterFn, GaugeFn, HistogramFn};

/// A count that only rises.
pub(super) struct CounterCell {
    shards: Shards<AtomicU64>,
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

struct Shards<T>(Box<[CachePadded<T>]>);

#[derive(Default)]
struct UpDown {
    up: AtomicU64,
    down: AtomicU64,
}

#[derive(Default)]
struct Buckets {
    counts: [AtomicU64; BUCKETS_MAX + 1],
    sum: AtomicU64,
}

// === impl Shards ===

impl<T: Default> Shards<T> {
    fn new() -> Self {
        Self((0..shard_count()).map(|_| CachePadded::new(T::default())).collect())
    }

    /// The shard of this thread.
    #[inline]
    fn mine(&self) -> &T {
        &self.0[shard_of_thread() & (self.0.len() - 1)]
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &**shard)
    }
}

/// Twice as many shards as cores, a power of two: a runtime's workers then have one each.
fn shard_count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (2 * cores).next_power_of_two().min(64)
    })
}

#[inline]
fn shard_of_thread() -> usize {
    thread_local! {
        static MINE: ThreadCell<usize> = const { ThreadCell::new(usize::MAX) };
        static SEAT: Seat = SEATS.take();
    }
    // A thread that is being torn down has no locals left; it takes the first shard.
    MINE.try_with(|mine| match mine.get() {
        usize::MAX => {
            let shard = SEAT.try_with(|seat| seat.shard).unwrap_or(0);
            mine.set(shard);
            shard
        }
        shard => shard,
    })
    .unwrap_or(0)
}

/// How many threads sit at each shard.
///
/// A thread sits down where the fewest are, so that the lasting workers of a runtime never meet at one
/// shard because short-lived threads came in between.
struct Seats(Mutex<Vec<usize>>);

/// A thread's place at a shard, given back when the thread ends.
struct Seat {
    seats: &'static Seats,
    shard: usize,
}

static SEATS: Seats = Seats(Mutex::new(Vec::new()));

impl Seats {
    fn take(&'static self) -> Seat {
        let mut seated = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seated.resize(shard_count(), 0);
        let shard = (0..seated.len()).min_by_key(|shard| seated[*shard]).unwrap_or(0);
        seated[shard] += 1;
        Seat { seats: self, shard }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.0.lock().unwrap_or_else(PoisonError::into_inner)[self.shard] -= 1;
    }
}

// === impl CounterCell ===

impl CounterCell {
    pub(super) fn new() -> Self {
        Self { shards: Shards::new() }
    }

    pub(super) fn value(&self) -> u64 {
        self.shards.iter().map(|shard| shard.load(Ordering::Relaxed)).sum()
    }
}

impl CounterFn for CounterCell {
    #[inline]
    fn increment(&self, value: u64) {
        self.shards.mine().fetch_add(value, Ordering::Relaxed);
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
        let down: u64 = self.shards.iter().map(|shard| shard.down.load(Ordering::Acquire)).sum();
        let up: u64 = self.shards.iter().map(|shard| shard.up.load(Ordering::Relaxed)).sum();
        up.saturating_sub(down)
    }
}

impl GaugeFn for UpDownCell {
    #[inline]
    fn increment(&self, value: f64) {
        self.shards.mine().up.fetch_add(value as u64, Ordering::Relaxed);
    }

    #[inline]
    fn decrement(&self, value: f64) {
        self.shards.mine().down.fetch_add(value as u64, Ordering::Release);
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
                *count += bucket.load(Ordering::Relaxed);
            }
            sum += f64::from_bits(shard.sum.load(Ordering::Relaxed));
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
        let shard = self.shards.mine();
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        shard.counts[bucket].fetch_add(1, Ordering::Relaxed);
        // The most frequent sample: a call that did not wait.
        if value == 0.0 {
            return;
        }
        let add = |sum: u64| Some((f64::from_bits(sum) + value).to_bits());
        let _ = shard.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use metrics::{CounterFn, GaugeFn, HistogramFn};

    use super::{CounterCell, HistogramCell, Seats, UpDownCell, shard_count};

    #[test]
    fn threads_that_live_together_sit_apart_whoever_came_in_between() {
        static SEATS: Seats = Seats(Mutex::new(Vec::new()));
        let lasting: Vec<usize> = (0..shard_count())
            .map(|_| {
                (0..3 * shard_count() - 1).for_each(|_| drop(SEATS.take()));
                let seat = SEATS.take();
                let shard = seat.shard;
                std::mem::forget(seat);
                shard
            })
            .collect();
        let apart: std::collections::BTreeSet<&usize> = lasting.iter().collect();
        assert_eq!(apart.len(), shard_count(), "{lasting:?}");
    }

    #[test]
    fn a_counter_adds_up_over_threads() {
        let cell = CounterCell::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..10_000).for_each(|_| cell.increment(1)));
            }
        });
        assert_eq!(cell.value(), 80_000);
        cell.absolute(80_005);
        cell.absolute(3);
        assert_eq!(cell.value(), 80_005);
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
}
