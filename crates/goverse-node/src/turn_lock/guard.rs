//! A turn that runs. It ends when its guard is dropped, also by a panic.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Turn, TurnLock, TurnOwner, sole, sync};

/// A turn with `&mut S`. It refers to the owner by an `Arc` of its own, or by somebody else's.
pub(crate) struct ExclusiveTurn<O: TurnOwner>(Held<O>);

/// A turn with `&S`.
pub(crate) struct SharedTurn<O: TurnOwner>(Held<O>);

/// A turn that was waited for, of the kind that the waiter came for.
pub(crate) enum Granted<O: TurnOwner> {
    Exclusive(ExclusiveTurn<O>),
    Shared(SharedTurn<O>),
}

/// What both kinds of turn hold, and give back on drop.
pub(super) struct Held<O: TurnOwner> {
    owner: Arc<O>,
    /// `None` once it was given back.
    state: Option<sync::Arc<O::State>>,
}

// === impl ExclusiveTurn ===

impl<O: TurnOwner> ExclusiveTurn<O> {
    pub(super) fn new(held: Held<O>) -> Self {
        Self(held)
    }

    pub(crate) fn owner(&self) -> &Arc<O> {
        &self.0.owner
    }

    /// Goes on as a shared turn, without a moment in which an exclusive one could begin.
    pub(crate) fn share(self) -> SharedTurn<O> {
        let state = self.0.state.as_ref().expect(UNTIL_ITS_END);
        TurnLock::update(self.owner(), |queue, after| queue.share(state, after));
        SharedTurn(self.0)
    }

    /// Closes the lock and takes the state out: every waiter and whoever comes later is refused.
    pub(crate) fn close(mut self) -> O::State {
        let state = self.0.state.take().expect(UNTIL_ITS_END);
        TurnLock::update(self.owner(), |queue, after| queue.close_in_turn(after));
        sole(state)
    }
}

impl<O: TurnOwner> Deref for ExclusiveTurn<O> {
    type Target = O::State;

    fn deref(&self) -> &O::State {
        self.0.state()
    }
}

impl<O: TurnOwner> DerefMut for ExclusiveTurn<O> {
    fn deref_mut(&mut self) -> &mut O::State {
        let state = self.0.state.as_mut().expect(UNTIL_ITS_END);
        sync::Arc::get_mut(state)
            .expect("the lock kept no clone, and shared turns dropped theirs as they ended")
    }
}

// === impl SharedTurn ===

impl<O: TurnOwner> SharedTurn<O> {
    pub(super) fn new(held: Held<O>) -> Self {
        Self(held)
    }

    pub(crate) fn owner(&self) -> &Arc<O> {
        &self.0.owner
    }
}

impl<O: TurnOwner> Deref for SharedTurn<O> {
    type Target = O::State;

    fn deref(&self) -> &O::State {
        self.0.state()
    }
}

// === impl Granted ===

impl<O: TurnOwner> Granted<O> {
    pub(super) fn new(owner: &Arc<O>, turn: Turn, state: sync::Arc<O::State>) -> Self {
        let held = Held::new(Arc::clone(owner), state);
        match turn {
            Turn::Exclusive => Self::Exclusive(ExclusiveTurn::new(held)),
            Turn::Shared => Self::Shared(SharedTurn::new(held)),
        }
    }
}

// === impl Held ===

const UNTIL_ITS_END: &str = "a turn holds the state until it ends";

impl<O: TurnOwner> Held<O> {
    pub(super) fn new(owner: Arc<O>, state: sync::Arc<O::State>) -> Self {
        Self { owner, state: Some(state) }
    }

    fn state(&self) -> &O::State {
        self.state.as_ref().expect(UNTIL_ITS_END)
    }
}

impl<O: TurnOwner> Drop for Held<O> {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            TurnLock::end(&self.owner, state);
        }
    }
}
