//! Memory that is sharded by thread, so that two cores never write to one line.
//!
//! A thread keeps to one shard of everything. Most threads have theirs for themselves, and write to it without
//! a locked instruction; those that come when all are taken share the rest. After the per-CPU counters of Linux
//! (`lib/percpu_counter.c`) and the `LongAdder` of Java, with threads in place of processors.

use std::cell::Cell as ThreadCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crossbeam_utils::CachePadded;

/// One `T` for each shard.
pub(super) struct Shards<T>(Box<[CachePadded<T>]>);

/// Where a thread writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    shard: usize,
    /// No other thread writes to this shard.
    is_alone: bool,
}

/// A number that only rises, in one shard.
#[derive(Default)]
pub(super) struct Sum(AtomicU64);

/// How many threads sit at each shard.
///
/// The first threads have a shard each, and one that ends makes room for one that comes. The others sit down
/// where the fewest are.
struct Seats(Mutex<Vec<usize>>);

/// A thread's place, given back when the thread ends.
struct Seat {
    seats: &'static Seats,
    place: Place,
}

// === impl Shards ===

impl<T: Default> Shards<T> {
    pub(super) fn new() -> Self {
        Self((0..shard_count()).map(|_| CachePadded::new(T::default())).collect())
    }

    /// The shard of this thread, and whether the thread is alone there.
    #[inline]
    pub(super) fn mine(&self) -> (&T, bool) {
        let place = place_of_thread();
        (&self.0[place.shard & (self.0.len() - 1)], place.is_alone)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &**shard)
    }
}

// === impl Sum ===

impl Sum {
    pub(super) fn get(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    /// Adds to the sum. Where no other thread writes, that takes no locked instruction, which would
    /// cost more than all else here.
    #[inline]
    pub(super) fn add(&self, value: u64, is_alone: bool, order: Ordering) {
        if is_alone {
            self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(value), order);
        } else {
            self.0.fetch_add(value, order);
        }
    }

    /// As [`add`](Self::add), for a sum of fractions.
    #[inline]
    pub(super) fn add_fraction(&self, value: f64, is_alone: bool) {
        let add = |sum: u64| (f64::from_bits(sum) + value).to_bits();
        if is_alone {
            self.0.store(add(self.0.load(Ordering::Relaxed)), Ordering::Relaxed);
        } else {
            let add = |sum| Some(add(sum));
            let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }
}

/// Twice as many shards as cores, a power of two: a runtime's workers then have one each.
///
/// At most 64, as every series has so many.
fn shard_count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (2 * cores).next_power_of_two().clamp(4, 64)
    })
}

/// How many of the shards are given to one thread each; those after them are shared by the other threads.
fn own_shard_count() -> usize {
    shard_count() / 4 * 3
}

#[inline]
fn place_of_thread() -> Place {
    MINE.try_with(ThreadCell::get).ok().flatten().unwrap_or_else(sit_down)
}

thread_local! {
    static MINE: ThreadCell<Option<Place>> = const { ThreadCell::new(None) };
    static SEAT: Seat = SEATS.take();
}

/// Finds a place for this thread, which keeps it until it ends.
#[cold]
fn sit_down() -> Place {
    // A thread that is being torn down has no locals left; it joins others.
    let place = SEAT.try_with(|seat| seat.place).unwrap_or_else(|_| Place::among_others());
    let _ = MINE.try_with(|mine| mine.set(Some(place)));
    place
}

static SEATS: Seats = Seats(Mutex::new(Vec::new()));

impl Seats {
    fn take(&'static self) -> Seat {
        let mut seated = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seated.resize(shard_count(), 0);
        let (own, shared) = seated.split_at(own_shard_count());
        let free = own.iter().position(|seated| *seated == 0);
        let place = match free {
            // What the thread before wrote there is seen, as both took the lock.
            Some(shard) => Place { shard, is_alone: true },
            None => {
                let fewest = (0..shared.len()).min_by_key(|shard| shared[*shard]).unwrap_or(0);
                Place { shard: own.len() + fewest, is_alone: false }
            }
        };
        seated[place.shard] += 1;
        Seat { seats: self, place }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // What the thread still writes while it is torn down must not meet the next one's.
        let _ = MINE.try_with(|mine| mine.set(Some(Place::among_others())));
        self.seats.0.lock().unwrap_or_else(PoisonError::into_inner)[self.place.shard] -= 1;
    }
}

impl Place {
    fn among_others() -> Self {
        Self { shard: own_shard_count(), is_alone: false }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::Ordering;
    use std::sync::{Mutex, mpsc};
    use std::time::{Duration, Instant};

    use super::{Place, Seats, Shards, Sum, own_shard_count, place_of_thread, shard_count};

    #[test]
    fn threads_that_live_together_sit_apart_whoever_came_in_between() {
        static SEATS: Seats = Seats(Mutex::new(Vec::new()));
        let lasting = || {
            (0..3 * shard_count() - 1).for_each(|_| drop(SEATS.take()));
            let seat = SEATS.take();
            let place = seat.place;
            std::mem::forget(seat);
            place
        };
        let alone: Vec<Place> = (0..own_shard_count()).map(|_| lasting()).collect();
        assert!(alone.iter().all(|place| place.is_alone), "{alone:?}");
        let shared: Vec<Place> = (own_shard_count()..shard_count()).map(|_| lasting()).collect();
        assert!(shared.iter().all(|place| !place.is_alone), "{shared:?}");
        let apart: BTreeSet<usize> = alone.iter().chain(&shared).map(|place| place.shard).collect();
        assert_eq!(apart.len(), shard_count(), "{alone:?} {shared:?}");
        assert!(shared.iter().any(|place| *place == lasting()), "who comes late joins others");
    }

    #[test]
    fn nothing_is_lost_when_threads_come_and_go() {
        let shards = Shards::<Sum>::new();
        let write = || {
            let (sum, is_alone) = shards.mine();
            sum.add(1, is_alone, Ordering::Relaxed);
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        std::thread::scope(|scope| {
                            scope.spawn(|| (0..1_000).for_each(|_| write()));
                            write();
                        });
                    }
                });
            }
        });
        let sum: u64 = shards.iter().map(|sum| sum.get(Ordering::Relaxed)).sum();
        assert_eq!(sum, 4 * 200 * 1_001);
    }

    #[test]
    fn a_thread_that_has_given_its_place_back_writes_among_others() {
        /// Tells where the thread writes when this is dropped.
        struct AtEnd(mpsc::Sender<Place>);

        impl Drop for AtEnd {
            fn drop(&mut self) {
                let _ = self.0.send(place_of_thread());
            }
        }

        thread_local! {
            static BEFORE: std::cell::OnceCell<AtEnd> = const { std::cell::OnceCell::new() };
            static AFTER: std::cell::OnceCell<AtEnd> = const { std::cell::OnceCell::new() };
        }

        // Threads of other tests may have every place of its own at first.
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < Duration::from_secs(20), "no thread has been alone");
            let (tell, told) = mpsc::channel();
            let place = std::thread::spawn(move || {
                let _ = BEFORE.with(|end| end.set(AtEnd(tell.clone())));
                let place = place_of_thread();
                let _ = AFTER.with(|end| end.set(AtEnd(tell)));
                place
            });
            let place = place.join().unwrap();
            let at_end: Vec<Place> = told.iter().collect();
            assert_eq!(at_end.len(), 2);
            if place.is_alone {
                assert!(at_end.iter().any(|place| !place.is_alone), "{place:?}, then {at_end:?}");
                break;
            }
        }
    }
}
