//! The turn lock of one object: its state, which one exclusive turn or many shared turns borrow.
//!
//! Turns are first come, first served. A turn that ends hands the state over to the next waiter itself, so no
//! newcomer overtakes; shared waiters that follow each other are granted together. The queue is bounded, and
//! closing the lock ends it for good.
//!
//! What waits is up to the owner: a task that is woken, or the very thing that is to be done in the turn, which whoever
//! ended the turn before can do at once. For while a turn is granted to a task that is not yet running, others pile up
//! behind it.
//!
//! While somebody has the state who may wait, it lies in an `Arc`: an exclusive turn takes it out of the queue, a shared turn
//! holds a clone. Brief turns, of who never waits, run on it in place, see `brief`: they cost one attempt at a lock and
//! its release.
//!
//! `queue` is the lock without its mutex, pure and without a clock. What remains to go wrong is how threads meet:
//! `models` has loom try that. Loom and not shuttle, since it goes through every order where shuttle samples them, and
//! since its `block_on` brings wakers, spurious wake-ups among them, and reports a lost one as a deadlock:
//!
//! ```text
//! cargo xtask model
//! ```

mod begin;
mod brief;
mod guard;
#[cfg(test)]
#[cfg(loom)]
mod models;
mod queue;
mod sync;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

pub(crate) use begin::{BeginExclusive, BeginShared, TaskWaiter};
pub(crate) use brief::BriefTurn;
pub(crate) use guard::{ExclusiveTurn, Granted, SharedTurn};
pub(crate) use queue::Ticket;

use brief::Rest;
use guard::Held;
use queue::{AfterUnlock, Arrived, Queue};
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
    /// It was found to wait no longer, see [`TurnLock::refuse_if`].
    Expired,
    /// The lock is closed.
    Closed,
}

/// Why a turn cannot begin at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotNow {
    /// A turn runs that will soon be over, and nobody waits for its end.
    Busy,
    /// Others waited first.
    WouldWait,
    /// The lock is closed.
    Closed,
}

/// What holds a turn lock. A turn keeps it alive by its `Arc`.
pub(crate) trait TurnOwner: Sized {
    /// What the turns borrow.
    type State;
    /// What waits for a turn.
    type Waiter: From<TaskWaiter<Self>>;

    /// The lock; always the same one.
    fn turn_lock(&self) -> &TurnLock<Self::State, Self::Waiter>;

    /// Tells a waiter that it waits no more, before any turn begins that was granted together with its own.
    fn granted(waiter: &Self::Waiter) {
        let _ = waiter;
    }

    /// Gives a waiter its turn, or tells it that none will come.
    ///
    /// It is called by whoever ended the turn before, when the mutex is free. It must not panic.
    fn answer(waiter: Self::Waiter, turn: Result<Granted<Self>, Refused>);
}

/// The state of an object, and who may have it.
#[repr(C)]
pub(crate) struct TurnLock<S, W> {
    rest: Rest<S>,
    queue: Mutex<Queue<S, W>>,
}

/// A turn that has begun, or a place in line for it.
pub(crate) enum Joined<O: TurnOwner> {
    Begun(Granted<O>),
    Waits(Ticket),
}

/// Gives the state of a closed lock out, once no turn runs; see [`TurnLock::close`].
///
/// If it is dropped before, the state goes with the owner.
pub(crate) struct Closing<O: TurnOwner> {
    owner: Arc<O>,
}

// === impl TurnLock ===

impl<S, W> TurnLock<S, W> {
    /// A lock whose state is at rest.
    #[cfg(test)]
    pub(crate) fn new(state: S) -> Self {
        let mut queue = Queue::begun();
        queue.end(sync::Arc::new(state));
        let lock = Self { rest: Rest::new(None), queue: Mutex::new(Queue::begun()) };
        lock.rest.settle(&mut queue);
        *lock.lock() = queue;
        lock
    }

    /// Begins a turn that ends without waiting for anything, if nobody waits; [`NotNow::Busy`] if it may begin in a
    /// moment, and [`NotNow::WouldWait`] if it has to come with [`try_begin_exclusive`](Self::try_begin_exclusive) and the
    /// like.
    #[inline]
    pub(crate) fn try_begin_brief<O>(owner: &Arc<O>, turn: Turn) -> Result<BriefTurn<'_, O>, NotNow>
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        BriefTurn::try_begin(owner, turn)
    }

    /// Begins the first turn of a lock, an exclusive one, with the owner that `own` makes; it is to bring the state, and
    /// closes the lock if it ends without. Nothing is locked: nobody knows the owner yet.
    pub(crate) fn begun<O>(own: impl FnOnce(Self) -> Arc<O>) -> ExclusiveTurn<O>
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        ExclusiveTurn::first(own(Self { rest: Rest::new(None), queue: Mutex::new(Queue::begun()) }))
    }

    /// Begins an exclusive turn if it need not wait; one that is brief ends without ever waiting for anything.
    pub(crate) fn try_begin_exclusive<O>(
        owner: Arc<O>,
        is_brief: bool,
    ) -> Result<ExclusiveTurn<O>, NotNow>
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        let state = owner.turn_lock().begin(Turn::Exclusive, is_brief)?;
        Ok(ExclusiveTurn::new(Held::new(owner, state)))
    }

    /// Begins a shared turn if it need not wait; the rest is as with an exclusive one.
    pub(crate) fn try_begin_shared<O>(
        owner: Arc<O>,
        is_brief: bool,
    ) -> Result<SharedTurn<O>, NotNow>
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        let state = owner.turn_lock().begin(Turn::Shared, is_brief)?;
        Ok(SharedTurn::new(Held::new(owner, state)))
    }

    /// Begins a turn, or puts the waiter that is then made in line for it.
    ///
    /// Who would wait behind `waiting_max` others is refused.
    pub(crate) fn begin_or_join<O>(
        owner: &Arc<O>,
        turn: Turn,
        waiting_max: usize,
        waiter: impl FnOnce() -> W,
    ) -> Result<Joined<O>, Refused>
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        let lock = owner.turn_lock();
        let mut queue = lock.lock();
        lock.rest.summon(&mut queue);
        let arrived = queue.begin_or_join(turn, waiting_max, waiter)?;
        drop(queue);
        Ok(match arrived {
            Arrived::Begun(state) => Joined::Begun(Granted::new(owner, turn, state)),
            Arrived::Waits(ticket) => Joined::Waits(ticket),
        })
    }

    /// Takes a waiter out of the line; `None` if it has been answered, or is just being.
    pub(crate) fn leave<O>(owner: &Arc<O>, ticket: Ticket) -> Option<W>
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        Self::update(owner, |queue, after| queue.leave(ticket, after))
    }

    /// Refuses those who are not to wait any longer.
    pub(crate) fn refuse_if<O>(owner: &Arc<O>, is_over: impl FnMut(&W) -> bool)
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        Self::update(owner, |queue, after| queue.refuse_if(is_over, after));
    }

    /// An exclusive turn, begun at the first poll or waited for from then on.
    ///
    /// Who would wait behind `waiting_max` others is refused.
    pub(crate) fn begin_exclusive<O>(owner: Arc<O>, waiting_max: usize) -> BeginExclusive<O>
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        BeginExclusive::new(owner, waiting_max)
    }

    /// A shared turn; the rest is as with [`begin_exclusive`](Self::begin_exclusive).
    pub(crate) fn begin_shared<O>(owner: Arc<O>, waiting_max: usize) -> BeginShared<O>
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        BeginShared::new(owner, waiting_max)
    }

    /// Refuses every waiter and whoever comes later; what has begun goes on to its end.
    ///
    /// `None` if the lock was closed before. Who has an exclusive turn closes with [`ExclusiveTurn::close`], which gives
    /// the state at once.
    pub(crate) fn close<O>(owner: &Arc<O>) -> Option<Closing<O>>
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        let closes = Self::update(owner, |queue, after| {
            owner.turn_lock().rest.summon(queue);
            queue.close(after)
        });
        closes.then(|| Closing { owner: Arc::clone(owner) })
    }

    /// Closes the lock and takes the state out, if no turn runs and nobody waits; `None` otherwise, or if it is closed.
    #[inline]
    pub(crate) fn close_if_free(&self) -> Option<S> {
        let mut queue = self.lock();
        if !queue.is_quiet() {
            return None;
        }
        if queue.rests() {
            let state = self.rest.try_take()?;
            queue.close_at_rest();
            return Some(state);
        }
        queue.close_if_free().map(sole)
    }

    /// How many wait for their turn.
    #[cfg(test)]
    pub(crate) fn len_waiting(&self) -> usize {
        self.lock().len_waiting()
    }

    /// How many turns run; one that was granted counts before its waiter takes it.
    #[cfg(test)]
    pub(crate) fn holders(&self) -> usize {
        self.lock().holders()
    }

    /// Ends a turn. That costs least if nobody is next: nothing is prepared then for who might be.
    fn end<O>(owner: &Arc<O>, state: sync::Arc<S>)
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        let lock = owner.turn_lock();
        let mut queue = lock.lock();
        if queue.end(state) {
            let mut after = AfterUnlock::default();
            queue.advance(&mut after);
            lock.rest.settle(&mut queue);
            drop(queue);
            answer(owner, after);
        } else {
            lock.rest.settle(&mut queue);
        }
    }

    /// Ends the first turn, which brings the state.
    #[inline]
    fn end_first<O>(owner: &Arc<O>, state: S)
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        let lock = owner.turn_lock();
        let mut queue = lock.lock();
        let begun = if queue.is_quiet() { lock.rest.begin(state) } else { Err(state) };
        match begun {
            Ok(()) => queue.begun_at_rest(),
            Err(state) => {
                drop(queue);
                Self::end(owner, sync::Arc::new(state));
            }
        }
    }

    /// Comes to the queue with a state that was summoned.
    #[cold]
    fn come<O>(owner: &Arc<O>)
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        let rest = &owner.turn_lock().rest;
        Self::update(owner, |queue, after| {
            rest.summon(queue);
            queue.advance(after);
            rest.settle(queue);
        });
    }

    fn begin(&self, turn: Turn, is_brief: bool) -> Result<sync::Arc<S>, NotNow> {
        let mut queue = self.lock();
        self.rest.summon(&mut queue);
        queue.begin(turn, is_brief)
    }

    /// A poisoned queue is whole: to clone a waker, the one foreign thing here that may panic, precedes any change.
    fn lock(&self) -> MutexGuard<'_, Queue<S, W>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the queue, and afterwards, with the mutex free, tells whom that concerns.
    fn update<O, R>(
        owner: &Arc<O>,
        change: impl FnOnce(&mut Queue<S, W>, &mut AfterUnlock<S, W>) -> R,
    ) -> R
    where
        O: TurnOwner<State = S, Waiter = W>,
    {
        let mut after = AfterUnlock::default();
        let result = change(&mut owner.turn_lock().lock(), &mut after);
        answer(owner, after);
        result
    }
}

#[cold]
fn answer<O: TurnOwner>(owner: &Arc<O>, mut after: AfterUnlock<O::State, O::Waiter>) {
    after.wake();
    let AfterUnlock { granted, granted_too, refused, refused_as, .. } = after;
    granted.iter().chain(&granted_too).for_each(|grant| O::granted(&grant.waiter));
    for grant in granted.into_iter().chain(granted_too) {
        O::answer(grant.waiter, Ok(Granted::new(owner, grant.turn, grant.state)));
    }
    for refused in refused {
        O::answer(refused.waiter, Err(refused_as));
    }
}

// === impl Closing ===

impl<O: TurnOwner> Future for Closing<O> {
    /// `None` if an exclusive turn that ran closed the lock too, and so took the state.
    type Output = Option<O::State>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let taken = TurnLock::update(&self.owner, |queue, after| {
            self.owner.turn_lock().rest.summon(queue);
            queue.take_state(cx.waker(), after)
        });
        taken.map(|state| state.map(sole))
    }
}

/// The state itself, from the last `Arc` of it.
fn sole<S>(state: sync::Arc<S>) -> S {
    sync::Arc::try_unwrap(state)
        .ok()
        .expect("a shared turn drops its clone as it ends, and no other turn runs now")
}
