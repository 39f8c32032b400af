//! The memory behind our own series: sharded by thread, so that two cores never write to one line.
//!
//! A thread that has a seat has a shard of every cell for itself, and changes it without an atomic exchange; those that
//! come when no seat is free share one. Reading adds the shards up; each shard only rises, so what is read only rises
//! too. After the per-CPU counters of Linux (`lib/percpu_counter.c`) and the `LongAdder`
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

/// One shard for each seat, and one for all threads that found no seat free.
struct Shards<T>(Box<[CachePadded<T>]>);

#[derive(Default)]
struct UpDown {
    up: AtomicU64,
    down: AtomicU64,
}

#[derive(Default)]
struct Buckets {
    counts: [AtomicU64; BUCKETS_MAX + 1],
    /// An `f64`, by its bits.
    sum: AtomicU64,
}

/// The shard of a thread, and whether no other thread writes to it.
#[derive(Clone, Copy)]
struct Place {
    shard: usize,
    is_own: bool,
}

// === impl Place ===

impl Place {
    /// The shard of all threads without a seat.
    fn shared() -> Self {
        Self { shard: seat_count(), is_own: false }
    }
}

// === impl Shards ===

impl<T: Default> Shards<T> {
    fn new() -> Self {
        Self((0..=seat_count()).map(|_| CachePadded::new(T::default())).collect())
    }

    /// The shard of this thread, and whether it is the thread's own.
    #[inline]
    fn mine(&self) -> (&T, bool) {
        let Place { shard, is_own } = place_of_thread();
        (&self.0[shard], is_own)
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &**shard)
    }
}

/// Changes a value; where no other thread writes, by a load and a store, which cost a fraction of an exchange.
#[inline]
fn change(cell: &AtomicU64, is_own: bool, ordering: Ordering, change: impl Fn(u64) -> u64) {
    if is_own {
        cell.store(change(cell.load(Ordering::Relaxed)), ordering);
    } else {
        let _ = cell.fetch_update(ordering, Ordering::Relaxed, |value| Some(change(value)));
    }
}

/// Four seats for each core: the workers of a runtime have one each, and a few other threads too.
fn seat_count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (4 * cores).min(64)
    })
}

thread_local! {
    static PLACE: ThreadCell<Option<Place>> = const { ThreadCell::new(None) };
    static SEAT: Seat = SEATS.take(seat_count());
}

#[inline]
fn place_of_thread() -> Place {
    PLACE.get().unwrap_or_else(|| {
        // A thread that is being torn down has given its seat back.
        let place = SEAT.try_with(Seat::place).unwrap_or_else(|_| Place::shared());
        PLACE.set(Some(place));
        place
    })
}

/// Which seats are free.
///
/// A seat has one thread at a time. It passes on through the mutex, so that the next thread sees all that the one
/// before has counted.
struct Seats(Mutex<Vec<bool>>);

/// A thread's seat, given back when the thread ends; none if all were taken.
struct Seat {
    seats: &'static Seats,
    index: Option<usize>,
}

static SEATS: Seats = Seats(Mutex::new(Vec::new()));

impl Seats {
    fn take(&'static self, count: usize) -> Seat {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.resize(count, false);
        let index = taken.iter().position(|taken| !taken);
        if let Some(index) = index {
            taken[index] = true;
        }
        Seat { seats: self, index }
    }
}

impl Seat {
    fn place(&self) -> Place {
        self.index.map_or_else(Place::shared, |shard| Place { shard, is_own: true })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // What the thread still counts until it is gone must not meet the seat's next owner.
        PLACE.set(Some(Place::shared()));
        if let Some(index) = self.index {
            self.seats.0.lock().unwrap_or_else(PoisonError::into_inner)[index] = false;
        }
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
        let (shard, is_own) = self.shards.mine();
        change(shard, is_own, Ordering::Relaxed, |count| count.wrapping_add(value));
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
        let (shard, is_own) = self.shards.mine();
        change(&shard.up, is_own, Ordering::Relaxed, |up| up.wrapping_add(value as u64));
    }

    #[inline]
    fn decrement(&self, value: f64) {
        let (shard, is_own) = self.shards.mine();
        change(&shard.down, is_own, Ordering::Release, |down| down.wrapping_add(value as u64));
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
        let (shard, is_own) = self.shards.mine();
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        change(&shard.counts[bucket], is_own, Ordering::Relaxed, |count| count.wrapping_add(1));
        // What did not take any time is the most frequent sample of all.
        if value != 0.0 {
            let add = |sum: u64| (f64::from_bits(sum) + value).to_bits();
            change(&shard.sum, is_own, Ordering::Relaxed, add);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use metrics::{CounterFn, GaugeFn, HistogramFn};

    use super::{CounterCell, HistogramCell, Seat, Seats, ThreadCell, UpDownCell};

    #[test]
    fn a_seat_has_one_thread_at_a_time_and_is_had_again() {
        static SEATS: Seats = Seats(Mutex::new(Vec::new()));
        let mut seats: Vec<Seat> = (0..3).map(|_| SEATS.take(2)).collect();
        assert_eq!(
            seats.iter().map(|seat| seat.index).collect::<Vec<_>>(),
            [Some(0), Some(1), None]
        );
        drop(seats.remove(0));
        assert_eq!(SEATS.take(2).index, Some(0));
    }

    #[test]
    fn a_thread_that_has_given_its_seat_back_counts_with_the_others() {
        /// Counts when its thread's seat is gone: thread locals are dropped from the last that was used first to the first.
        struct CountsAtTheEnd(&'static CounterCell);
        impl Drop for CountsAtTheEnd {
            fn drop(&mut self) {
                assert!(!super::place_of_thread().is_own);
                self.0.increment(1);
            }
        }
        thread_local! {
            static LATE: ThreadCell<Option<CountsAtTheEnd>> = const { ThreadCell::new(None) };
        }
        let cell: &CounterCell = Box::leak(Box::new(CounterCell::new()));
        for _ in 0..2 * super::seat_count() {
            let counting = std::thread::spawn(|| {
                LATE.set(Some(CountsAtTheEnd(cell)));
                cell.increment(1);
            });
            counting.join().unwrap();
        }
        assert_eq!(cell.value(), 4 * super::seat_count() as u64);
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
        for value in [0.5, 1.0, 1.5, 2.5, f64::NAN, f64::INFINITY] {
            cell.record(value);
        }
        let snapshot = cell.snapshot();
        assert_eq!(snapshot.counts, [2, 1, 1]);
        assert_eq!(snapshot.sum, 5.5);
    }
}
