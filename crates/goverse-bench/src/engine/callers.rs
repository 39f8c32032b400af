//! Callers that call for a while, as fast as they are answered.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::competitor::Threads;

/// How long callers call before it counts.
const WARM_UP: Duration = Duration::from_millis(60);
/// How long they call when it counts.
const RUN: Duration = Duration::from_millis(240);

/// Tells callers when to end; no clock is read between two calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell(Arc<AtomicBool>);

/// How much callers do in a second: each future does something again and again until the bell rings, and says how often it did.
pub(super) fn per_second<F>(
    threads: &impl Threads,
    callers: usize,
    caller: impl Fn(usize, Bell) -> F,
) -> f64
where
    F: Future<Output = u64> + Send + 'static,
{
    call(WARM_UP, threads, callers, &caller);
    let begun = Instant::now();
    let times = call(RUN, threads, callers, &caller);
    let took = begun.elapsed();
    assert!(times.iter().all(|times| *times > 0), "some caller never had a turn: {times:?}");
    times.iter().sum::<u64>() as f64 / took.as_secs_f64()
}

/// What one caller found out that called until the bell rang, after a warm-up that is forgotten.
pub(super) fn one<F>(threads: &impl Threads, caller: impl Fn(usize, Bell) -> F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    call(WARM_UP, threads, 1, &caller);
    call(RUN, threads, 1, &caller).pop().expect("there is one caller")
}

fn call<F>(
    time: Duration,
    threads: &impl Threads,
    callers: usize,
    caller: &impl Fn(usize, Bell) -> F,
) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let bell = Bell::default();
    let (sender, receiver) = mpsc::channel();
    for number in 0..callers {
        let (caller, sender) = (caller(number, bell.clone()), sender.clone());
        threads.spawn(number, async move {
            // Who waits for it is there as long as this function is.
            let _ = sender.send(caller.await);
        });
    }
    drop(sender);
    std::thread::sleep(time);
    bell.ring();
    let outputs: Vec<_> = receiver.iter().collect();
    assert_eq!(outputs.len(), callers, "a caller has panicked");
    outputs
}

// === impl Bell ===

impl Bell {
    /// Whether it is time to end.
    pub(super) fn rings(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn ring(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
