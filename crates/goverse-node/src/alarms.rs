//! Deadlines of what waits: one place a node, no timer a call.
//!
//! Whoever waits leaves its waker with the time at which it wants to be woken. The keeper of the node, one task, looks
//! at all of them when the earliest may be due. Deadlines are seconds away and most waits take microseconds, so an
//! alarm is nearly always gone before anybody has looked at it: to set and to drop one costs a short lock each. A task
//! that carries on one turn after the other keeps a single one, which is moved only when it would ring too late.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};

use crossbeam_utils::CachePadded;
use slab::Slab;
use tokio::sync::Notify;

use crate::clock::{NEVER, now};
use crate::node::NodeState;

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
    rings: Rings,
}

enum Rings {
    Task(Waker),
    Line(Weak<dyn Line>),
}

/// The calls that wait for one object: they have one alarm together.
pub(crate) trait Line: Send + Sync {
    /// Refuses who waits no longer.
    fn look(self: Arc<Self>, now: u64);
}

/// Wakes a task at a time, unless it is dropped before.
struct Alarm<'a> {
    shard: &'a Mutex<Slab<Entry>>,
    key: usize,
}

/// Wakes one task at times that mostly never come: left as it is, it may ring too early, but not too late.
pub(crate) struct TaskAlarm {
    node: Arc<NodeState>,
    shard: usize,
    key: usize,
    due: u64,
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
            // Polled in place: whoever carries it on polls it anew, and mostly it is done then.
            if cx.waker().will_wake(Waker::noop()) {
                return Poll::Pending;
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

    /// The output of `future`, whose task is woken at `due` while it is not done, and when all alarms are rung.
    pub(crate) async fn wake_at<T>(&self, due: u64, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut alarm = None;
        poll_fn(|cx| {
            // Set before anything is looked at: who ends it all wakes every alarm that is there then.
            match &alarm {
                None => alarm = Some(self.set(due, cx.waker())),
                Some(alarm) => alarm.update(cx.waker()),
            }
            future.as_mut().poll(cx)
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

    /// Has a line looked at when it is due.
    pub(crate) fn watch(&self, due: u64, line: Weak<dyn Line>) {
        let shard = &self.shards[shard_of_thread()];
        lock(shard).insert(Entry { due, rings: Rings::Line(line) });
        self.announce(due);
    }

    /// Tells all that are due.
    pub(crate) fn ring(&self, now: u64) {
        self.earliest.store(NEVER, Ordering::SeqCst);
        let rings = self.shards.iter().flat_map(|shard| {
            take_due(&mut lock(shard), now, |due| {
                self.earliest.fetch_min(due, Ordering::SeqCst);
            })
        });
        rings.for_each(|rings| rings.ring(now));
    }

    /// Tells all, due or not.
    pub(crate) fn ring_all(&self) {
        let rings = self.shards.iter().flat_map(|shard| take_due(&mut lock(shard), NEVER, |_| {}));
        rings.for_each(|rings| rings.ring(now()));
    }

    fn set(&self, due: u64, waker: &Waker) -> Alarm<'_> {
        let shard = shard_of_thread();
        let key = self.insert(shard, due, waker);
        Alarm { shard: &self.shards[shard], key }
    }

    fn insert(&self, shard: usize, due: u64, waker: &Waker) -> usize {
        let entry = Entry { due, rings: Rings::Task(waker.clone()) };
        let key = lock(&self.shards[shard]).insert(entry);
        self.announce(due);
        key
    }

    fn announce(&self, due: u64) {
        // Most are due later than the earliest, and then nothing shared is written.
        if due < self.earliest() && due < self.earliest.fetch_min(due, Ordering::SeqCst) {
            self.earlier.notify_one();
        }
    }
}

/// The output of `future`, unless `due` is found to have come, or `is_over` is found true, when it is polled.
///
/// Somebody else has the task woken then. The future is polled before either is looked at.
pub(crate) async fn unless_over<T>(
    due: u64,
    is_over: impl Fn() -> bool,
    future: impl Future<Output = T>,
) -> Result<T, Expired> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        // Polled in place: whoever carries it on polls it anew, and mostly it is done then.
        Poll::Pending if cx.waker().will_wake(Waker::noop()) => Poll::Pending,
        Poll::Pending if is_over() || due <= now() => Poll::Ready(Err(Expired)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Whom to tell, of those that are due by `now`. Tasks keep their place until they go; lines come anew.
fn take_due(shard: &mut Slab<Entry>, now: u64, mut stays: impl FnMut(u64)) -> Vec<Rings> {
    let mut due_now = Vec::new();
    shard.retain(|_, entry| {
        if entry.due > now {
            stays(entry.due);
            return true;
        }
        entry.due = NEVER;
        match &entry.rings {
            Rings::Task(waker) => {
                due_now.push(Rings::Task(waker.clone()));
                true
            }
            Rings::Line(line) => {
                due_now.push(Rings::Line(Weak::clone(line)));
                false
            }
        }
    });
    due_now
}

fn lock(shard: &Mutex<Slab<Entry>>) -> MutexGuard<'_, Slab<Entry>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that few threads share; less than 16.
pub(crate) fn shard_of_thread() -> usize {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) as usize % SHARDS;
    }
    SHARD.try_with(|shard| *shard).unwrap_or(0)
}

// === impl Rings ===

impl Rings {
    fn ring(self, now: u64) {
        match self {
            Rings::Task(waker) => waker.wake(),
            Rings::Line(line) => {
                if let Some(line) = line.upgrade() {
                    line.look(now);
                }
            }
        }
    }
}

// === impl Alarm ===

impl Alarm<'_> {
    fn update(&self, waker: &Waker) {
        let mut shard = lock(self.shard);
        let rings = &mut shard[self.key].rings;
        let is_known = matches!(rings, Rings::Task(known) if known.will_wake(waker));
        let before = (!is_known).then(|| std::mem::replace(rings, Rings::Task(waker.clone())));
        drop(shard);
        drop(before);
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        let entry = lock(self.shard).remove(self.key);
        drop(entry);
    }
}

// === impl TaskAlarm ===

impl TaskAlarm {
    /// Sets `alarm` for a task, always the same one, so that it is woken at `due` or before, and when all alarms are rung.
    ///
    /// What may be over is looked at after that: who ends it all wakes every alarm that is there then.
    pub(crate) fn see_to(
        alarm: &mut Option<Self>,
        node: &Arc<NodeState>,
        due: u64,
        now: u64,
        waker: &Waker,
    ) {
        match alarm {
            Some(alarm) if Arc::ptr_eq(&alarm.node, node) => alarm.rings_by(due, now),
            _ => {
                let shard = shard_of_thread();
                let key = node.alarms.insert(shard, due, waker);
                *alarm = Some(Self { node: Arc::clone(node), shard, key, due });
            }
        }
    }

    /// If it was rung after `now` was looked at, the task is polled again.
    pub(crate) fn rings_by(&mut self, due: u64, now: u64) {
        let is_set = now < self.due && self.due <= due;
        if !is_set {
            self.due = due;
            self.lock()[self.key].due = due;
            self.node.alarms.announce(due);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Entry>> {
        lock(&self.node.alarms.shards[self.shard])
    }
}

impl Drop for TaskAlarm {
    fn drop(&mut self) {
        let entry = self.lock().remove(self.key);
        drop(entry);
    }
}
