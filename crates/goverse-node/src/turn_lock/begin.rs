//! A turn that is waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::guard::Held;
use super::queue::{Ticket, Waiter};
use super::{ExclusiveTurn, Refused, SharedTurn, Turn, TurnOwner};

/// See [`TurnLock::begin_exclusive`](super::TurnLock::begin_exclusive). Dropped, it leaves the queue.
pub(crate) struct BeginExclusive<O: TurnOwner>(Begin<O>);

/// See [`TurnLock::begin_shared`](super::TurnLock::begin_shared). Dropped, it leaves the queue.
pub(crate) struct BeginShared<O: TurnOwner>(Begin<O>);

struct Begin<O: TurnOwner> {
    /// `None` once it was answered.
    owner: Option<Arc<O>>,
    turn: Turn,
    waiting_max: usize,
    deadline: Option<u64>,
    /// Its place in the queue, while it has one.
    ticket: Option<Ticket>,
}

// === impl BeginExclusive ===

impl<O: TurnOwner> BeginExclusive<O> {
    pub(super) fn new(owner: Arc<O>, waiting_max: usize, deadline: Option<u64>) -> Self {
        Self(Begin::new(owner, Turn::Exclusive, waiting_max, deadline))
    }
}

impl<O: TurnOwner> Future for BeginExclusive<O> {
    type Output = Result<ExclusiveTurn<O>, Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_ok(ExclusiveTurn::new)
    }
}

// === impl BeginShared ===

impl<O: TurnOwner> BeginShared<O> {
    pub(super) fn new(owner: Arc<O>, waiting_max: usize, deadline: Option<u64>) -> Self {
        Self(Begin::new(owner, Turn::Shared, waiting_max, deadline))
    }
}

impl<O: TurnOwner> Future for BeginShared<O> {
    type Output = Result<SharedTurn<O>, Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_ok(SharedTurn::new)
    }
}

// === impl Begin ===

const UNTIL_ITS_ANSWER: &str = "a future is not polled after its answer";

impl<O: TurnOwner> Begin<O> {
    fn new(owner: Arc<O>, turn: Turn, waiting_max: usize, deadline: Option<u64>) -> Self {
        Self { owner: Some(owner), turn, waiting_max, deadline, ticket: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Held<O>, Refused>> {
        let lock = self.owner.as_ref().expect(UNTIL_ITS_ANSWER).turn_lock();
        let polled = match self.ticket {
            Some(ticket) => lock.update(|queue, after| queue.poll(ticket, cx.waker(), after)),
            None => {
                let waiter = || Waiter::new(self.turn, self.deadline, cx.waker().clone());
                lock.lock().begin_or_join(self.turn, self.waiting_max, waiter, &mut self.ticket)
            }
        };
        let answer = ready!(polled);
        self.ticket = None;
        let owner = self.owner.take().expect(UNTIL_ITS_ANSWER);
        Poll::Ready(answer.map(|state| Held::new(owner, state)))
    }
}

impl<O: TurnOwner> Drop for Begin<O> {
    fn drop(&mut self) {
        if let (Some(owner), Some(ticket)) = (&self.owner, self.ticket) {
            owner.turn_lock().update(|queue, after| queue.leave(ticket, || owner.now(), after));
        }
    }
}
