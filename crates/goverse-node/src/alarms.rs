//! Deadlines of what waits: one place a node, no timer a call.
//!
//! Whoever waits leaves its waker with the time at which it wants to be woken. The keeper of the node, one task, looks
//! at all of them when the earliest may be due. Deadlines are seconds away and most waits take microseconds, so an
//! alarm is nearly always gone before anybody has looked at it: to set and to drop one costs a short lock each.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crossbeam_utils::CachePadded;
use slab::Slab;
use tokio::sync::Notify;

use crate::clock::{NEVER, now};

const SHARDS: usize = 16;

/// The alarms of a node.
pub(crate) struct Alarms {
    shards: Box<[CachePadded<Mutex<Slab<Entry>>>]>,
    /// No alarm is due before this; it may be earlier than the earliest of them.
    earliest: AtomicU64,
    /// Told when the earliest has become earlier.
    earlier: Notify,
}

struct Entry {
    due: u64,
    waker: Waker,
}

/// Wakes a task at a time, unless it is dropped before.
struct Alarm<'a> {
    shard: &'a Mutex<Slab<Entry>>,
    key: usize,
}

/// The time came before the future was done.
#[derive(Debug)]
pub(crate) struct Expired;

// === impl Alarms ===

impl Alarms {
    pub(crate) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| CachePadded::default()).collect();
        Self { shards, earliest: AtomicU64::new(NEVER), earlier: Notify::new() }
    }

    /// The output of `future`, unless `due` comes first, or `is_over` is found true at a wake-up.
    ///
    /// The future is polled before either is looked at.
    pub(crate) async fn before<T>(
        &self,
        due: u64,
        is_over: impl Fn() -> bool,
        future: impl Future<Output = T>,
    ) -> Result<T, Expired> {
        let mut future = pin!(future);
        let mut alarm = None;
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            match &alarm {
                None => alarm = Some(self.set(due, cx.waker())),
                Some(alarm) => alarm.update(cx.waker()),
            }
            // Looked at after the alarm is set: who ends it all wakes every alarm that is there then.
            if is_over() || (due != NEVER && due <= now()) {
                return Poll::Ready(Err(Expired));
            }
            Poll::Pending
        })
        .await
    }

    /// When the earliest alarm may be due.
    pub(crate) fn earliest(&self) -> u64 {
        self.earliest.load(Ordering::SeqCst)
    }

    /// Is done when an alarm was set that is due before all others.
    pub(crate) async fn earlier(&self) {
        self.earlier.notified().await;
    }

    /// Wakes all that are due.
    pub(crate) fn ring(&self, now: u64) {
        self.earliest.store(NEVER, Ordering::SeqCst);
        let mut wakers = Vec::new();
        for shard in &self.shards {
            for (_, entry) in lock(shard).iter_mut() {
                if entry.due <= now {
                    entry.due = NEVER;
                    wakers.push(entry.waker.clone());
                }
                self.earliest.fetch_min(entry.due, Ordering::SeqCst);
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Wakes all, due or not.
    pub(crate) fn ring_all(&self) {
        let wakers = self.shards.iter().flat_map(|shard| {
            lock(shard).iter().map(|(_, entry)| entry.waker.clone()).collect::<Vec<_>>()
        });
        wakers.for_each(Waker::wake);
    }

    fn set(&self, due: u64, waker: &Waker) -> Alarm<'_> {
        let shard: &Mutex<Slab<Entry>> = &self.shards[shard_of_thread()];
        let entry = Entry { due, waker: waker.clone() };
        let key = lock(shard).insert(entry);
        // Most are due later than the earliest, and then nothing shared is written.
        if due < self.earliest() && due < self.earliest.fetch_min(due, Ordering::SeqCst) {
            self.earlier.notify_one();
        }
        Alarm { shard, key }
    }
}

fn lock(shard: &Mutex<Slab<Entry>>) -> MutexGuard<'_, Slab<Entry>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shard_of_thread() -> usize {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) as usize % SHARDS;
    }
    SHARD.try_with(|shard| *shard).unwrap_or(0)
}

// === impl Alarm ===

impl Alarm<'_> {
    fn update(&self, waker: &Waker) {
        let mut shard = lock(self.shard);
        let entry = &mut shard[self.key];
        if !entry.waker.will_wake(waker) {
            let before = std::mem::replace(&mut entry.waker, waker.clone());
            drop(shard);
            drop(before);
        }
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        let entry = lock(self.shard).remove(self.key);
        drop(entry);
    }
}
