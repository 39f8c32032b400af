//! Who runs, who waits and who is next: the lock without its mutex.
//!
//! While the lock is open and somebody waits, somebody runs.

use std::collections::VecDeque;
use std::mem;
use std::task::{Poll, Waker};

use super::sync::Arc;
use super::{NotNow, Refused, Turn};

pub(super) struct Queue<S, W> {
    floor: Floor<S>,
    closed: bool,
    /// Never given twice: who was answered may still come to leave.
    next: Ticket,
    /// Here only while somebody waits, also if it is for the state of a closed lock.
    line: Option<Box<Line<W>>>,
}

/// A place in the queue; who came later has the higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// What became of who came for a turn.
pub(super) enum Arrived<S> {
    /// The turn has begun.
    Begun(Arc<S>),
    /// It stands in line.
    Waits(Ticket),
}

/// What is left to do once the mutex is free: waiters are foreign code, and may come back to the lock.
pub(super) struct AfterUnlock<S, W> {
    /// Mostly there is one, which then costs no allocation.
    pub(super) granted: Option<Grant<S, W>>,
    pub(super) granted_too: Vec<Grant<S, W>>,
    pub(super) refused: VecDeque<Waiter<W>>,
    pub(super) refused_as: Refused,
    wakes: Option<Waker>,
    drops: Option<Waker>,
}

pub(super) struct Grant<S, W> {
    pub(super) turn: Turn,
    pub(super) state: Arc<S>,
    pub(super) waiter: W,
}

pub(super) struct Waiter<W> {
    ticket: Ticket,
    turn: Turn,
    pub(super) waiter: W,
}

/// The state and the turns that have it.
struct Floor<S> {
    /// Out while an exclusive turn runs, while it rests, and for good once a closer took it.
    state: Option<Arc<S>>,
    running: Running,
    /// Whether the state is at rest, or a brief turn has it there.
    rests: bool,
    /// Whether the state may rest once nobody wants it. Turns that come alone and wait are no reason to move it to and fro.
    may_rest: bool,
    /// Whether the turn that runs is exclusive and will soon be over.
    is_brief: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Running {
    Nobody,
    Exclusive,
    Shared(u32),
}

struct Line<W> {
    waiting: VecDeque<Waiter<W>>,
    closer: Option<Waker>,
}

// === impl Queue ===

impl<S, W> Queue<S, W> {
    /// A queue whose first turn runs, and has the state.
    pub(super) fn begun() -> Self {
        let floor = Floor {
            state: None,
            running: Running::Exclusive,
            rests: false,
            may_rest: true,
            is_brief: false,
        };
        Self { floor, closed: false, next: Ticket(0), line: None }
    }

    /// Whether the state is elsewhere, at rest.
    pub(super) fn rests(&self) -> bool {
        self.floor.rests
    }

    /// Takes the state in that was at rest.
    pub(super) fn receive(&mut self, state: S) {
        self.floor.state = Some(Arc::new(state));
        self.floor.rests = false;
    }

    /// The first turn has ended, and its state is at rest.
    pub(super) fn begun_at_rest(&mut self) {
        self.floor.running = Running::Nobody;
        self.floor.rests = true;
    }

    /// An exclusive turn goes on with the state that was at rest.
    pub(super) fn lend(&mut self) {
        self.floor.rests = false;
        self.floor.is_brief = false;
        self.floor.running = Running::Exclusive;
    }

    /// Whether nobody has the state or wants it, and it is here.
    pub(super) fn may_rest(&self) -> bool {
        self.floor.may_rest
            && self.floor.running == Running::Nobody
            && self.line.is_none()
            && !self.closed
            && self.floor.state.is_some()
    }

    /// The state, to be at rest.
    pub(super) fn lay_down(&mut self) -> Option<S> {
        let state = Arc::try_unwrap(self.floor.state.take()?);
        self.floor.rests = true;
        Some(state.ok().expect("a shared turn drops its clone as it ends"))
    }

    pub(super) fn len_waiting(&self) -> usize {
        self.line.as_ref().map_or(0, |line| line.waiting.len())
    }

    #[cfg(test)]
    pub(super) fn holders(&self) -> usize {
        match self.floor.running {
            Running::Nobody => 0,
            Running::Exclusive => 1,
            Running::Shared(turns) => turns as usize,
        }
    }

    #[cfg(test)]
    pub(super) fn has_line(&self) -> bool {
        self.line.is_some()
    }

    /// Begins a turn if it need not wait.
    #[inline]
    pub(super) fn begin(&mut self, turn: Turn, is_brief: bool) -> Result<Arc<S>, NotNow> {
        if self.closed {
            return Err(NotNow::Closed);
        }
        if self.line.is_none() && self.floor.admits(turn) {
            self.floor.is_brief = is_brief && turn == Turn::Exclusive;
            self.floor.may_rest = is_brief;
            return Ok(self.floor.enter(turn));
        }
        let is_brief = self.line.is_none() && (self.floor.is_brief || self.floor.rests);
        Err(if is_brief { NotNow::Busy } else { NotNow::WouldWait })
    }

    /// Begins a turn, or gets in line for it; then `waiter` is made.
    pub(super) fn begin_or_join(
        &mut self,
        turn: Turn,
        waiting_max: usize,
        waiter: impl FnOnce() -> W,
    ) -> Result<Arrived<S>, Refused> {
        match self.begin(turn, false) {
            Ok(state) => Ok(Arrived::Begun(state)),
            Err(NotNow::Closed) => Err(Refused::Closed),
            Err(_) if self.len_waiting() >= waiting_max => Err(Refused::Overloaded),
            Err(NotNow::Busy | NotNow::WouldWait) => Ok(Arrived::Waits(self.join(turn, waiter()))),
        }
    }

    /// A waiter goes away; `None` if it was answered before.
    pub(super) fn leave(&mut self, ticket: Ticket, after: &mut AfterUnlock<S, W>) -> Option<W> {
        let waiting = &mut self.line.as_mut()?.waiting;
        let index = waiting.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()?;
        let left = waiting.remove(index);
        self.advance(after);
        left.map(|left| left.waiter)
    }

    /// A turn ends; whether somebody may be next.
    #[inline]
    pub(super) fn end(&mut self, state: Arc<S>) -> bool {
        self.floor.leave(state);
        self.line.is_some()
    }

    /// An exclusive turn goes on as a shared one: those who waited first for a shared turn begin theirs.
    pub(super) fn share(&mut self, state: &Arc<S>, after: &mut AfterUnlock<S, W>) {
        self.floor.state = Some(Arc::clone(state));
        self.floor.running = Running::Shared(1);
        self.floor.is_brief = false;
        self.advance(after);
    }

    /// Takes out of the line who is not to wait any longer.
    pub(super) fn refuse_if(
        &mut self,
        mut is_over: impl FnMut(&W) -> bool,
        after: &mut AfterUnlock<S, W>,
    ) {
        let Some(line) = &mut self.line else { return };
        let (over, waiting) =
            mem::take(&mut line.waiting).into_iter().partition(|waiter| is_over(&waiter.waiter));
        line.waiting = waiting;
        (after.refused, after.refused_as) = (over, Refused::Expired);
        self.advance(after);
    }

    /// Whether this is what closes it.
    pub(super) fn close(&mut self, after: &mut AfterUnlock<S, W>) -> bool {
        let closes = !mem::replace(&mut self.closed, true);
        if closes && let Some(line) = &mut self.line {
            after.refused.append(&mut line.waiting);
        }
        closes
    }

    /// Whether it is open, and nobody waits.
    pub(super) fn is_quiet(&self) -> bool {
        !self.closed && self.line.is_none()
    }

    /// Closes if nobody waits, and no turn runs; the state then.
    pub(super) fn close_if_free(&mut self) -> Option<Arc<S>> {
        let is_free = self.is_quiet() && self.floor.admits(Turn::Exclusive);
        if !is_free {
            return None;
        }
        self.closed = true;
        self.floor.state.take()
    }

    /// Closes when the state was taken out where it rested, and so nobody waited.
    pub(super) fn close_at_rest(&mut self) {
        self.closed = true;
        self.floor.rests = false;
    }

    /// Closes as the end of an exclusive turn, which keeps the state.
    pub(super) fn close_in_turn(&mut self, after: &mut AfterUnlock<S, W>) {
        self.close(after);
        self.floor.running = Running::Nobody;
        self.wake_closer(after);
        self.fold_line();
    }

    /// The state of a closed lock once no turn runs: `None` if it was taken before.
    pub(super) fn take_state(
        &mut self,
        waker: &Waker,
        after: &mut AfterUnlock<S, W>,
    ) -> Poll<Option<Arc<S>>> {
        if self.floor.running == Running::Nobody && !self.floor.rests {
            self.fold_line();
            return Poll::Ready(self.floor.state.take());
        }
        let waker = waker.clone();
        after.drops = self.line().closer.replace(waker);
        Poll::Pending
    }

    /// Grants the floor to those who are next.
    pub(super) fn advance(&mut self, after: &mut AfterUnlock<S, W>) {
        let Some(line) = &mut self.line else { return };
        while line.waiting.front().is_some_and(|first| self.floor.admits(first.turn)) {
            let Some(Waiter { turn, waiter, .. }) = line.waiting.pop_front() else { break };
            self.floor.is_brief = false;
            self.floor.may_rest = true;
            after.grant(Grant { turn, state: self.floor.enter(turn), waiter });
        }
        self.wake_closer(after);
        self.fold_line();
    }

    fn join(&mut self, turn: Turn, waiter: W) -> Ticket {
        let ticket = self.next;
        self.next = Ticket(ticket.0 + 1);
        self.line().waiting.push_back(Waiter { ticket, turn, waiter });
        ticket
    }

    fn wake_closer(&mut self, after: &mut AfterUnlock<S, W>) {
        if self.floor.running == Running::Nobody
            && !self.floor.rests
            && let Some(waker) = self.line.as_mut().and_then(|line| line.closer.take())
        {
            after.wakes = Some(waker);
        }
    }

    fn line(&mut self) -> &mut Line<W> {
        self.line.get_or_insert_default()
    }

    /// Frees the line when nobody is in it.
    fn fold_line(&mut self) {
        if self.line.as_ref().is_some_and(|line| line.is_empty()) {
            self.line = None;
        }
    }
}

// === impl AfterUnlock ===

impl<S, W> AfterUnlock<S, W> {
    pub(super) fn wake(&mut self) {
        self.drops = None;
        if let Some(waker) = self.wakes.take() {
            waker.wake();
        }
    }

    fn grant(&mut self, grant: Grant<S, W>) {
        match &self.granted {
            None => self.granted = Some(grant),
            Some(_) => self.granted_too.push(grant),
        }
    }
}

impl<S, W> Default for AfterUnlock<S, W> {
    fn default() -> Self {
        Self {
            granted: None,
            granted_too: Vec::new(),
            refused: VecDeque::new(),
            refused_as: Refused::Closed,
            wakes: None,
            drops: None,
        }
    }
}

// === impl Floor ===

impl<S> Floor<S> {
    fn admits(&self, turn: Turn) -> bool {
        match self.running {
            Running::Nobody => !self.rests,
            Running::Exclusive => false,
            Running::Shared(_) => turn == Turn::Shared,
        }
    }

    /// The floor must admit the turn, and the lock be open.
    fn enter(&mut self, turn: Turn) -> Arc<S> {
        let state = match (turn, self.running) {
            (Turn::Exclusive, _) => {
                self.running = Running::Exclusive;
                self.state.take()
            }
            (Turn::Shared, running) => {
                let beside = if let Running::Shared(turns) = running { turns } else { 0 };
                self.running = Running::Shared(beside + 1);
                self.state.clone()
            }
        };
        state.expect("an open lock has its state while no exclusive turn runs")
    }

    /// The clone of a shared turn is dropped here, before any exclusive turn can begin.
    fn leave(&mut self, state: Arc<S>) {
        match self.running {
            Running::Shared(turns) if turns > 1 => self.running = Running::Shared(turns - 1),
            Running::Shared(_) => self.running = Running::Nobody,
            Running::Exclusive | Running::Nobody => {
                self.running = Running::Nobody;
                self.state = Some(state);
            }
        }
    }
}

// === impl Line ===

impl<W> Line<W> {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.closer.is_none()
    }
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), closer: None }
    }
}
