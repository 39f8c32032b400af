//! A turn that a task waits for.

use std::mem;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use super::guard::Granted;
use super::sync::{Mutex, MutexGuard};
use super::{ExclusiveTurn, Joined, Refused, SharedTurn, Ticket, Turn, TurnLock, TurnOwner};

/// See [`TurnLock::begin_exclusive`]. Dropped, it leaves the queue.
pub(crate) struct BeginExclusive<O: TurnOwner>(Begin<O>);

/// See [`TurnLock::begin_shared`]. Dropped, it leaves the queue.
pub(crate) struct BeginShared<O: TurnOwner>(Begin<O>);

/// A task that waits for a turn.
pub(crate) struct TaskWaiter<O: TurnOwner>(Arc<Slot<O>>);

struct Begin<O: TurnOwner> {
    owner: Arc<O>,
    turn: Turn,
    waiting_max: usize,
    /// Where the answer will be, and the place in line.
    waits: Option<(Arc<Slot<O>>, Ticket)>,
}

/// Where a task finds its answer.
struct Slot<O: TurnOwner>(Mutex<Answer<O>>);

enum Answer<O: TurnOwner> {
    Awaited(Waker),
    Given(Result<Granted<O>, Refused>),
    Taken,
}

// === impl BeginExclusive ===

impl<O: TurnOwner> BeginExclusive<O> {
    pub(super) fn new(owner: Arc<O>, waiting_max: usize) -> Self {
        Self(Begin { owner, turn: Turn::Exclusive, waiting_max, waits: None })
    }
}

impl<O: TurnOwner> Future for BeginExclusive<O> {
    type Output = Result<ExclusiveTurn<O>, Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_ok(|granted| match granted {
            Granted::Exclusive(turn) => turn,
            Granted::Shared(_) => unreachable!("a turn is of the kind that was asked for"),
        })
    }
}

// === impl BeginShared ===

impl<O: TurnOwner> BeginShared<O> {
    pub(super) fn new(owner: Arc<O>, waiting_max: usize) -> Self {
        Self(Begin { owner, turn: Turn::Shared, waiting_max, waits: None })
    }
}

impl<O: TurnOwner> Future for BeginShared<O> {
    type Output = Result<SharedTurn<O>, Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_ok(|granted| match granted {
            Granted::Shared(turn) => turn,
            Granted::Exclusive(_) => unreachable!("a turn is of the kind that was asked for"),
        })
    }
}

// === impl TaskWaiter ===

impl<O: TurnOwner> TaskWaiter<O> {
    /// Gives the task its answer; if it has gone away, the turn ends.
    pub(crate) fn answer(self, turn: Result<Granted<O>, Refused>) {
        let before = mem::replace(&mut *self.0.lock(), Answer::Given(turn));
        if let Answer::Awaited(waker) = before {
            waker.wake();
        }
    }
}

// === impl Begin ===

impl<O: TurnOwner> Begin<O> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Granted<O>, Refused>> {
        match &self.waits {
            None => self.join(cx.waker()),
            Some((slot, _)) => slot.poll(cx.waker()),
        }
    }

    fn join(&mut self, waker: &Waker) -> Poll<Result<Granted<O>, Refused>> {
        let slot = Arc::new(Slot(Mutex::new(Answer::Awaited(waker.clone()))));
        let waiter = || TaskWaiter(Arc::clone(&slot)).into();
        match TurnLock::begin_or_join(&self.owner, self.turn, self.waiting_max, waiter) {
            Ok(Joined::Begun(granted)) => Poll::Ready(Ok(granted)),
            Ok(Joined::Waits(ticket)) => {
                self.waits = Some((slot, ticket));
                Poll::Pending
            }
            Err(refused) => Poll::Ready(Err(refused)),
        }
    }
}

impl<O: TurnOwner> Drop for Begin<O> {
    fn drop(&mut self) {
        // One that is just being answered ends its turn when the slot is dropped, here or there.
        if let Some((_, ticket)) = &self.waits {
            drop(TurnLock::leave(&self.owner, *ticket));
        }
    }
}

// === impl Slot ===

impl<O: TurnOwner> Slot<O> {
    fn poll(&self, waker: &Waker) -> Poll<Result<Granted<O>, Refused>> {
        let mut answer = self.lock();
        if let Answer::Awaited(known) = &mut *answer {
            let before = (!known.will_wake(waker)).then(|| mem::replace(known, waker.clone()));
            // A waker is foreign code, also its drop.
            drop(answer);
            drop(before);
            return Poll::Pending;
        }
        match mem::replace(&mut *answer, Answer::Taken) {
            Answer::Given(turn) => Poll::Ready(turn),
            Answer::Awaited(_) | Answer::Taken => {
                panic!("a future is not polled after its answer")
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Answer<O>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
