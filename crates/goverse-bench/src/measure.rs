//! Measuring: ours and the references in turn, several times, wall time and CPU time.
//!
//! A machine is never as quiet in one minute as in the next. So contenders take turns, A B A B …, and
//! what counts is the ratio of their medians.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// How long one run of a contender should take.
pub const RUN_TIME: Duration = Duration::from_millis(100);

/// What the runs of one contender gave, one value for each.
#[derive(Clone, Debug)]
pub struct Runs(Vec<f64>);

/// What one operation cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    wall: f64,
    cpu: f64,
}

/// Work that many threads can do, and what must follow before it is done.
pub struct Work<'a> {
    /// Does that many operations.
    pub operate: &'a (dyn Fn(u64) + Sync),
    /// Ends what the operations left to be done: its CPU time counts, but no caller waits for it.
    pub settle: &'a dyn Fn(),
}

/// Lets the contenders take turns, `runs` times, after one round that does not count.
pub fn in_turns<T, const N: usize>(
    runs: usize,
    mut contenders: [&mut dyn FnMut() -> T; N],
) -> [Vec<T>; N] {
    for contender in &mut contenders {
        drop(contender());
    }
    let mut results = [const { Vec::new() }; N];
    for _ in 0..runs {
        for (contender, results) in contenders.iter_mut().zip(&mut results) {
            results.push(contender());
        }
    }
    results
}

/// How many operations fill [`RUN_TIME`], by what `time` says that so many take.
pub fn operations_per_run(time: impl Fn(u64) -> Duration) -> u64 {
    let mut operations = 1;
    loop {
        // The least of three, for a pause of the machine must not pass for a slow operation.
        let took = (0..3).map(|_| time(operations)).min().unwrap_or_default();
        if took >= RUN_TIME / 10 {
            let fill = operations as f64 * RUN_TIME.as_secs_f64() / took.as_secs_f64();
            return (fill as u64).max(1);
        }
        operations *= 2;
    }
}

/// CPU time of the process so far.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("CPU time is never negative")
}

// === impl Runs ===

impl Runs {
    /// The values of at least one run.
    ///
    /// # Panics
    /// When there is none.
    pub fn new(values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "a figure needs one run at least");
        Self(values)
    }

    /// What `value` takes from the result of each run.
    pub fn of<T>(results: &[T], value: impl Fn(&T) -> f64) -> Self {
        Self::new(results.iter().map(value).collect())
    }

    /// The value in the middle; between two of them, their mean.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = sorted.len() / 2;
        let lower = (sorted.len() - 1) / 2;
        (sorted[lower] + sorted[upper]) / 2.0
    }

    /// The least value.
    pub fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The greatest value.
    pub fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// How many runs there were.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

// === impl Cost ===

impl Cost {
    /// The cost of each of so many operations, by the sum of what their callers waited and the CPU time.
    pub fn of_each(operations: u64, wall: Duration, cpu: Duration) -> Self {
        let each = |time: Duration| time.as_secs_f64() * 1e9 / operations as f64;
        Self { wall: each(wall), cpu: each(cpu) }
    }

    /// How long a caller waited for it, in ns.
    pub fn wall(&self) -> f64 {
        self.wall
    }

    /// CPU time of the whole process, in ns.
    pub fn cpu(&self) -> f64 {
        self.cpu
    }
}

// === impl Work ===

impl Work<'_> {
    /// Does `operations` on each of so many threads at once.
    pub fn cost(&self, threads: usize, operations: u64) -> Cost {
        let start = Barrier::new(threads);
        let one_thread = || {
            start.wait();
            let begun = Instant::now();
            (self.operate)(operations);
            begun.elapsed()
        };
        let cpu = cpu_time();
        let wall: Duration = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one_thread)).collect();
            threads.into_iter().map(|thread| thread.join().expect("the work does not panic")).sum()
        });
        (self.settle)();
        Cost::of_each(operations * threads as u64, wall, cpu_time() - cpu)
    }

    /// How many operations of each of so many threads fill [`RUN_TIME`].
    pub fn operations_per_run(&self, threads: usize) -> u64 {
        operations_per_run(|operations| {
            let nanos = self.cost(threads, operations).wall * operations as f64;
            Duration::from_nanos(nanos as u64)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::{Runs, in_turns};

    #[test]
    fn contenders_take_turns_after_a_round_that_does_not_count() {
        let turns = RefCell::new(String::new());
        let run = |name| {
            turns.borrow_mut().push(name);
            turns.borrow().len()
        };
        let [ours, reference] = in_turns(2, [&mut || run('A'), &mut || run('B')]);
        assert_eq!(*turns.borrow(), "ABABAB");
        assert_eq!((ours, reference), (vec![3, 5], vec![4, 6]));
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let check = |values: &[f64], expected: f64| {
            assert_eq!(Runs::new(values.to_vec()).median(), expected, "{values:?}");
        };
        check(&[3.0], 3.0);
        check(&[3.0, 1.0], 2.0);
        check(&[9.0, 1.0, 3.0], 3.0);
    }
}
