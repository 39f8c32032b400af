//! Brief turns: of somebody who does not wait meanwhile, on the state where it rests.
//!
//! While nobody else has the state or waits for it, it lies beside the queue, in a lock of its own that nobody ever waits
//! for: who finds it taken goes to the queue instead. There it *summons* the state: it takes it if it can; otherwise a
//! brief turn has it, which looks when it has ended whether the state was summoned meanwhile. One of the two always
//! notices: the summons are raised before the lock is tried, and the lock is released before the summons are looked at,
//! each with a fence between (Dekker's protocol; Dijkstra, *Cooperating Sequential Processes*, 1965). When the line is
//! empty again, the state goes back to rest.

use std::sync::Arc;
use std::sync::TryLockError;

use super::queue::Queue;
use super::sync::{AtomicBool, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard, fence};
use super::{ExclusiveTurn, Held, NotNow, Turn, TurnLock, TurnOwner, sync};

/// No larger state is moved to and fro, in bytes.
const SIZE_MAX: usize = 1_024;

/// The state while it rests. What brief turns look at lies together.
#[repr(C)]
pub(super) struct Rest<S> {
    /// Whether brief turns have to ask in the queue, where the state is, or is waited for.
    is_summoned: AtomicBool,
    state: RwLock<Option<S>>,
}

/// A turn that does not wait. It holds a lock, and must not live across an `await`.
pub(crate) struct BriefTurn<'a, O: TurnOwner> {
    access: Access<'a, O::State>,
    /// Dropped after the access.
    end: End<'a, O>,
}

enum Access<'a, S> {
    Exclusive(RwLockWriteGuard<'a, Option<S>>),
    Shared(RwLockReadGuard<'a, Option<S>>),
}

/// Looks whether the state was summoned, once it is free.
struct End<'a, O: TurnOwner> {
    owner: &'a Arc<O>,
}

const AT_REST: &str = "a brief turn begins on a state at rest, and nobody takes it meanwhile";

// === impl Rest ===

impl<S> Rest<S> {
    /// Whether a state of this type is ever at rest.
    pub(super) const IS_USED: bool = size_of::<S>() <= SIZE_MAX;

    pub(super) fn new(state: Option<S>) -> Self {
        Self { is_summoned: AtomicBool::new(state.is_none()), state: RwLock::new(state) }
    }

    /// Brings the state to the queue, unless a brief turn has it: that one will look.
    pub(super) fn summon<W>(&self, queue: &mut Queue<S, W>) {
        if !queue.rests() {
            return;
        }
        self.is_summoned.store(true, Ordering::Relaxed);
        let once_more = || {
            fence(Ordering::SeqCst);
            self.try_take()
        };
        if let Some(state) = self.try_take().or_else(once_more) {
            queue.receive(state);
        }
    }

    /// Takes the state out, unless a brief turn has it.
    #[inline]
    pub(super) fn try_take(&self) -> Option<S> {
        self.try_write()?.take()
    }

    /// Lets the state rest if it has nothing else to do.
    pub(super) fn settle<W>(&self, queue: &mut Queue<S, W>) {
        if const { Self::IS_USED }
            && queue.may_rest()
            && let Some(place) = self.try_write()
        {
            let state = queue.lay_down();
            self.lay_down(place, state);
        }
    }

    /// Lets a state rest that the queue has not seen; it is given back if that cannot be.
    #[inline]
    pub(super) fn begin(&self, state: S) -> Result<(), S> {
        match self.try_write() {
            Some(place) if const { Self::IS_USED } => {
                self.lay_down(place, Some(state));
                Ok(())
            }
            _ => Err(state),
        }
    }

    #[inline]
    fn lay_down(&self, mut place: RwLockWriteGuard<'_, Option<S>>, state: Option<S>) {
        *place = state;
        drop(place);
        self.is_summoned.store(false, Ordering::Relaxed);
    }

    fn try_write(&self) -> Option<RwLockWriteGuard<'_, Option<S>>> {
        match self.state.try_write() {
            Ok(state) => Some(state),
            // What may panic in a turn is caught in it.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn try_read(&self) -> Option<RwLockReadGuard<'_, Option<S>>> {
        match self.state.try_read() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

// === impl BriefTurn ===

impl<'a, O: TurnOwner> BriefTurn<'a, O> {
    /// Begins one if the state is at rest; [`NotNow::Busy`] if another brief turn has it.
    #[inline]
    pub(super) fn try_begin(owner: &'a Arc<O>, turn: Turn) -> Result<Self, NotNow> {
        let rest = &owner.turn_lock().rest;
        if rest.is_summoned.load(Ordering::Relaxed) {
            return Err(NotNow::WouldWait);
        }
        let (access, is_there) = match turn {
            Turn::Exclusive => {
                let state = rest.try_write().ok_or(NotNow::Busy)?;
                let is_there = state.is_some();
                (Access::Exclusive(state), is_there)
            }
            Turn::Shared => {
                let state = rest.try_read().ok_or(NotNow::Busy)?;
                let is_there = state.is_some();
                (Access::Shared(state), is_there)
            }
        };
        if is_there { Ok(Self { access, end: End { owner } }) } else { Err(NotNow::WouldWait) }
    }

    #[inline]
    pub(crate) fn owner(&self) -> &'a Arc<O> {
        self.end.owner
    }

    #[inline]
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.access, Access::Shared(_))
    }

    #[inline]
    pub(crate) fn state(&self) -> &O::State {
        match &self.access {
            Access::Exclusive(state) => state.as_ref().expect(AT_REST),
            Access::Shared(state) => state.as_ref().expect(AT_REST),
        }
    }

    /// The state of an exclusive turn.
    #[inline]
    pub(crate) fn state_mut(&mut self) -> Option<&mut O::State> {
        match &mut self.access {
            Access::Exclusive(state) => Some(state.as_mut().expect(AT_REST)),
            Access::Shared(_) => None,
        }
    }

    /// Goes on as an exclusive turn that may wait, unless it is shared.
    ///
    /// Until the queue knows of it, the state seems to be at rest and is not to be had.
    pub(crate) fn into_exclusive(self) -> Result<ExclusiveTurn<O>, Self> {
        let Self { access: Access::Exclusive(mut state), end } = self else { return Err(self) };
        let taken = state.take().expect(AT_REST);
        drop(state);
        let lock = end.owner.turn_lock();
        let mut queue = lock.lock();
        lock.rest.is_summoned.store(true, Ordering::Relaxed);
        queue.lend();
        drop(queue);
        Ok(ExclusiveTurn::new(Held::new(Arc::clone(end.owner), sync::Arc::new(taken))))
    }
}

// === impl End ===

impl<O: TurnOwner> Drop for End<'_, O> {
    #[inline]
    fn drop(&mut self) {
        fence(Ordering::SeqCst);
        if self.owner.turn_lock().rest.is_summoned.load(Ordering::Relaxed) {
            TurnLock::come(self.owner);
        }
    }
}
