//! Who runs, who waits and who is next: the lock without its mutex.
//!
//! While the lock is open and somebody waits, somebody runs. A waiter that was granted its turn or refused stays
//! known by its ticket until it fetches that answer or leaves.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::mem;
use std::task::{Poll, Waker};

use super::sync::Arc;
use super::{NotNow, Refused, Turn};

pub(super) struct Queue<S> {
    floor: Floor<S>,
    closed: bool,
    /// Here only while somebody waits, has not fetched its answer, or waits for the state of a closed lock.
    line: Option<Box<Line<S>>>,
}

/// A place in the queue; who came later has the higher one.
pub(super) type Ticket = u64;

pub(super) struct Waiter {
    turn: Turn,
    deadline: Option<u64>,
    waker: Waker,
}

/// What is left to do once the mutex is free: a waker is foreign code, also its drop, and may come back to the lock.
#[derive(Default)]
pub(super) struct AfterUnlock {
    /// Mostly there is one, which then costs no allocation.
    wakes: Option<Waker>,
    wakes_too: Vec<Waker>,
    drops: Option<Waker>,
}

/// The state and the turns that have it.
struct Floor<S> {
    /// Out while an exclusive turn runs, and for good once a closer took it.
    state: Option<Arc<S>>,
    running: Running,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Running {
    Nobody,
    Exclusive,
    Shared(u32),
}

struct Line<S> {
    next: Ticket,
    waiting: BTreeMap<Ticket, Waiter>,
    answered: BTreeMap<Ticket, Result<Arc<S>, Refused>>,
    closer: Option<Waker>,
}

// === impl Queue ===

impl<S> Queue<S> {
    pub(super) fn new(state: S) -> Self {
        let floor = Floor { state: Some(Arc::new(state)), running: Running::Nobody };
        Self { floor, closed: false, line: None }
    }

    pub(super) fn len_waiting(&self) -> usize {
        self.line.as_ref().map_or(0, |line| line.waiting.len())
    }

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
    pub(super) fn begin(&mut self, turn: Turn) -> Result<Arc<S>, NotNow> {
        if self.closed {
            return Err(NotNow::Closed);
        }
        if self.len_waiting() == 0 && self.floor.admits(turn) {
            return Ok(self.floor.enter(turn));
        }
        Err(if self.line.is_none() { NotNow::Busy } else { NotNow::WouldWait })
    }

    /// Begins a turn, or gets in line for it: then the place is written to `ticket`.
    pub(super) fn begin_or_join(
        &mut self,
        turn: Turn,
        waiting_max: usize,
        waiter: impl FnOnce() -> Waiter,
        ticket: &mut Option<Ticket>,
    ) -> Poll<Result<Arc<S>, Refused>> {
        match self.begin(turn) {
            Ok(state) => Poll::Ready(Ok(state)),
            Err(NotNow::Closed) => Poll::Ready(Err(Refused::Closed)),
            Err(_) if self.len_waiting() >= waiting_max => Poll::Ready(Err(Refused::Overloaded)),
            Err(NotNow::Busy | NotNow::WouldWait) => {
                let waiter = waiter();
                *ticket = Some(self.line().join(waiter));
                Poll::Pending
            }
        }
    }

    /// The answer to a waiter, fetched once it is there.
    pub(super) fn poll(
        &mut self,
        ticket: Ticket,
        waker: &Waker,
        after: &mut AfterUnlock,
    ) -> Poll<Result<Arc<S>, Refused>> {
        let line = self.line();
        if let Some(waiter) = line.waiting.get_mut(&ticket) {
            if !waiter.waker.will_wake(waker) {
                after.drops = Some(mem::replace(&mut waiter.waker, waker.clone()));
            }
            return Poll::Pending;
        }
        let answer = line.answered.remove(&ticket).expect("a ticket waits until it is answered");
        self.fold_line();
        Poll::Ready(answer)
    }

    /// A waiter goes away; if its turn was granted, that passes on.
    pub(super) fn leave(
        &mut self,
        ticket: Ticket,
        now: impl FnOnce() -> u64,
        after: &mut AfterUnlock,
    ) {
        let line = self.line();
        after.drops = line.waiting.remove(&ticket).map(|waiter| waiter.waker);
        if let Some(Ok(state)) = line.answered.remove(&ticket) {
            self.floor.leave(state);
        }
        self.advance(now, after);
    }

    /// A turn ends; whether somebody may be next.
    pub(super) fn end(&mut self, state: Arc<S>) -> bool {
        self.floor.leave(state);
        self.line.is_some()
    }

    pub(super) fn expire(&mut self, now: u64, after: &mut AfterUnlock) {
        let Some(line) = &mut self.line else { return };
        for (ticket, waiter) in line.waiting.extract_if(.., |_, waiter| waiter.is_expired(|| now)) {
            line.answered.insert(ticket, Err(Refused::Expired));
            after.wake_later(waiter.waker);
        }
        self.advance(|| now, after);
    }

    /// Whether this is what closes it.
    pub(super) fn close(&mut self, after: &mut AfterUnlock) -> bool {
        let closes = !mem::replace(&mut self.closed, true);
        if closes && let Some(line) = &mut self.line {
            line.close(&mut self.floor, after);
        }
        closes
    }

    /// Closes as the end of an exclusive turn, which keeps the state.
    pub(super) fn close_in_turn(&mut self, after: &mut AfterUnlock) {
        self.close(after);
        self.floor.running = Running::Nobody;
        self.wake_closer(after);
    }

    /// The state of a closed lock once no turn runs: `None` if it was taken before.
    pub(super) fn take_state(
        &mut self,
        waker: &Waker,
        after: &mut AfterUnlock,
    ) -> Poll<Option<Arc<S>>> {
        if self.floor.running == Running::Nobody {
            self.fold_line();
            return Poll::Ready(self.floor.state.take());
        }
        let waker = waker.clone();
        after.drops = self.line().closer.replace(waker);
        Poll::Pending
    }

    /// Grants the floor to those who are next.
    pub(super) fn advance(&mut self, now: impl FnOnce() -> u64, after: &mut AfterUnlock) {
        let Some(line) = &mut self.line else { return };
        let now = LazyCell::new(now);
        while let Some(first) = line.waiting.first_entry() {
            if !self.floor.admits(first.get().turn) {
                break;
            }
            let expired = first.get().is_expired(|| *now);
            let (ticket, waiter) = first.remove_entry();
            let answer =
                if expired { Err(Refused::Expired) } else { Ok(self.floor.enter(waiter.turn)) };
            line.answered.insert(ticket, answer);
            after.wake_later(waiter.waker);
        }
        self.wake_closer(after);
        self.fold_line();
    }

    fn wake_closer(&mut self, after: &mut AfterUnlock) {
        if self.floor.running == Running::Nobody
            && let Some(waker) = self.line.as_mut().and_then(|line| line.closer.take())
        {
            after.wake_later(waker);
        }
    }

    fn line(&mut self) -> &mut Line<S> {
        self.line.get_or_insert_default()
    }

    /// Frees the line when nobody is in it.
    fn fold_line(&mut self) {
        if self.line.as_ref().is_some_and(|line| line.is_empty()) {
            self.line = None;
        }
    }
}

// === impl Waiter ===

impl Waiter {
    pub(super) fn new(turn: Turn, deadline: Option<u64>, waker: Waker) -> Self {
        Self { turn, deadline, waker }
    }

    /// A deadline has passed from its own instant on.
    fn is_expired(&self, now: impl FnOnce() -> u64) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now())
    }
}

// === impl AfterUnlock ===

impl AfterUnlock {
    pub(super) fn wake(self) {
        self.wakes.into_iter().chain(self.wakes_too).for_each(Waker::wake);
    }

    fn wake_later(&mut self, waker: Waker) {
        match &self.wakes {
            None => self.wakes = Some(waker),
            Some(_) => self.wakes_too.push(waker),
        }
    }
}

// === impl Floor ===

impl<S> Floor<S> {
    fn admits(&self, turn: Turn) -> bool {
        match self.running {
            Running::Nobody => true,
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

impl<S> Line<S> {
    fn join(&mut self, waiter: Waiter) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        self.waiting.insert(ticket, waiter);
        ticket
    }

    /// Refuses all that wait, and all that were granted a turn and have not begun it.
    fn close(&mut self, floor: &mut Floor<S>, after: &mut AfterUnlock) {
        for answer in self.answered.values_mut().filter(|answer| answer.is_ok()) {
            if let Ok(state) = mem::replace(answer, Err(Refused::Closed)) {
                floor.leave(state);
            }
        }
        for (ticket, waiter) in mem::take(&mut self.waiting) {
            self.answered.insert(ticket, Err(Refused::Closed));
            after.wake_later(waiter.waker);
        }
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.answered.is_empty() && self.closer.is_none()
    }
}

impl<S> Default for Line<S> {
    fn default() -> Self {
        Self { next: 0, waiting: BTreeMap::new(), answered: BTreeMap::new(), closer: None }
    }
}
