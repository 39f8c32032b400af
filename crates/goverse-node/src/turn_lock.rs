//! The turn lock of one object: its state, which one exclusive turn or many shared turns borrow.
//!
//! Turns are first come, first served. A turn that ends hands the state over to the next waiter itself, so no
//! newcomer overtakes; shared waiters that follow each other are granted together. The queue is bounded, and
//! closing the lock ends it for good.
//!
//! The state lies in an `Arc`: an exclusive turn takes it out of the lock, a shared turn holds a clone. A turn that
//! nobody waits for costs one short mutex section at its beginning, one at its end, and no allocation.
//!
//! `queue` is the lock without its mutex, pure and without a clock. What remains to go wrong is how threads meet:
//! `models` has loom try that. Loom and not shuttle, since it goes through every order where shuttle samples them, and
//! since its `block_on` brings wakers, spurious wake-ups among them, and reports a lost one as a deadlock:
//!
//! ```text
//! cargo xtask model
//! ```

mod begin;
mod guard;
#[cfg(test)]
#[cfg(loom)]
mod models;
mod queue;
mod sync;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

use std::borrow::Borrow;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

pub(crate) use begin::{BeginExclusive, BeginShared};
pub(crate) use guard::{ExclusiveTurn, SharedTurn};

use guard::Held;
use queue::{AfterUnlock, Queue};
use sync::{Mutex, MutexGuard};

/// What a turn needs of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// `&mut S`: nothing runs beside it.
    Exclusive,
    /// `&S`: other shared turns may run beside it.
    Shared,
}

/// Why a turn will never begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// As many wait already as may.
    Overloaded,
    /// The deadline passed before the turn came.
    Expired,
    /// The lock is closed.
    Closed,
}

/// Why a turn cannot begin at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotNow {
    /// Other turns run, and nobody waits for their end.
    Busy,
    /// Others waited first.
    WouldWait,
    /// The lock is closed.
    Closed,
}

/// What holds a turn lock. A turn keeps it alive by its `Arc`.
pub(crate) trait TurnOwner {
    /// What the turns borrow.
    type State;

    /// The lock; always the same one.
    fn turn_lock(&self) -> &TurnLock<Self::State>;

    /// The time, in the unit and from the origin of the deadlines.
    ///
    /// Asked only when a waiter with a deadline is next, and then within the lock: it must neither touch the lock
    /// nor panic.
    fn now(&self) -> u64;
}

/// The state of an object, and who may have it.
pub(crate) struct TurnLock<S> {
    queue: Mutex<Queue<S>>,
}

/// Gives the state of a closed lock out, once no turn runs; see [`TurnLock::close`].
///
/// If it is dropped before, the state goes with the owner.
pub(crate) struct Closing<O: TurnOwner> {
    owner: Arc<O>,
}

// === impl TurnLock ===

impl<S> TurnLock<S> {
    pub(crate) fn new(state: S) -> Self {
        Self { queue: Mutex::new(Queue::new(state)) }
    }

    /// Begins an exclusive turn if it need not wait.
    #[inline]
    pub(crate) fn try_begin_exclusive<O, P>(owner: P) -> Result<ExclusiveTurn<O, P>, NotNow>
    where
        O: TurnOwner<State = S>,
        P: Borrow<Arc<O>>,
    {
        let state = owner.borrow().turn_lock().lock().begin(Turn::Exclusive)?;
        Ok(ExclusiveTurn::new(Held::new(owner, state)))
    }

    /// Begins a shared turn if it need not wait.
    #[inline]
    pub(crate) fn try_begin_shared<O, P>(owner: P) -> Result<SharedTurn<O, P>, NotNow>
    where
        O: TurnOwner<State = S>,
        P: Borrow<Arc<O>>,
    {
        let state = owner.borrow().turn_lock().lock().begin(Turn::Shared)?;
        Ok(SharedTurn::new(Held::new(owner, state)))
    }

    /// An exclusive turn, begun at the first poll or waited for from then on.
    ///
    /// Who would wait behind `waiting_max` others is refused. The deadline is looked at when the turn comes to a
    /// waiter, and by [`expire`](Self::expire): not at the first poll, nor between a grant and the poll that takes it.
    pub(crate) fn begin_exclusive<O>(
        owner: Arc<O>,
        waiting_max: usize,
        deadline: Option<u64>,
    ) -> BeginExclusive<O>
    where
        O: TurnOwner<State = S>,
    {
        BeginExclusive::new(owner, waiting_max, deadline)
    }

    /// A shared turn; the rest is as with [`begin_exclusive`](Self::begin_exclusive).
    pub(crate) fn begin_shared<O>(
        owner: Arc<O>,
        waiting_max: usize,
        deadline: Option<u64>,
    ) -> BeginShared<O>
    where
        O: TurnOwner<State = S>,
    {
        BeginShared::new(owner, waiting_max, deadline)
    }

    /// Refuses every waiter and whoever comes later; what runs goes on to its end.
    ///
    /// A grant that its waiter has not taken yet is called back. `None` if the lock was closed before. Who has an
    /// exclusive turn closes with [`ExclusiveTurn::close`], which gives the state at once.
    pub(crate) fn close<O>(owner: &Arc<O>) -> Option<Closing<O>>
    where
        O: TurnOwner<State = S>,
    {
        let closes = owner.turn_lock().update(|queue, after| queue.close(after));
        closes.then(|| Closing { owner: Arc::clone(owner) })
    }

    /// Refuses every waiter whose deadline has passed at `now`.
    pub(crate) fn expire(&self, now: u64) {
        self.update(|queue, after| queue.expire(now, after));
    }

    /// How many wait for their turn.
    pub(crate) fn len_waiting(&self) -> usize {
        self.lock().len_waiting()
    }

    /// How many turns run; one that was granted counts before its waiter takes it.
    pub(crate) fn holders(&self) -> usize {
        self.lock().holders()
    }

    /// Whether no turn runs and none waits.
    pub(crate) fn is_idle(&self) -> bool {
        let queue = self.lock();
        queue.holders() == 0 && queue.len_waiting() == 0
    }

    /// Ends a turn. That costs least if nobody is next: nothing is prepared then for who might be.
    fn end(&self, state: sync::Arc<S>, now: impl FnOnce() -> u64) {
        let mut queue = self.lock();
        if queue.end(state) {
            let mut after = AfterUnlock::default();
            queue.advance(now, &mut after);
            drop(queue);
            after.wake();
        }
    }

    /// A poisoned queue is whole: to clone a waker, the one foreign thing here that may panic, precedes any change.
    fn lock(&self) -> MutexGuard<'_, Queue<S>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the queue, and afterwards, with the mutex free, wakes whom that concerns.
    fn update<R>(&self, change: impl FnOnce(&mut Queue<S>, &mut AfterUnlock) -> R) -> R {
        let mut after = AfterUnlock::default();
        let result = change(&mut self.lock(), &mut after);
        after.wake();
        result
    }
}

// === impl Closing ===

impl<O: TurnOwner> Future for Closing<O> {
    /// `None` if an exclusive turn that ran closed the lock too, and so took the state.
    type Output = Option<O::State>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let taken =
            self.owner.turn_lock().update(|queue, after| queue.take_state(cx.waker(), after));
        taken.map(|state| state.map(sole))
    }
}

/// The state itself, from the last `Arc` of it.
fn sole<S>(state: sync::Arc<S>) -> S {
    sync::Arc::try_unwrap(state)
        .ok()
        .expect("a shared turn drops its clone as it ends, and no other turn runs now")
}
