//! A turn that runs. It ends when its guard is dropped, also by a panic.

use std::borrow::Borrow;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Turn, TurnLock, TurnOwner, sole, sync};

/// A turn with `&mut S`. It refers to the owner by an `Arc` of its own, or by somebody else's.
pub(crate) struct ExclusiveTurn<O: TurnOwner, P: Borrow<Arc<O>> = Arc<O>>(Held<O, P>);

/// A turn with `&S`.
pub(crate) struct SharedTurn<O: TurnOwner, P: Borrow<Arc<O>> = Arc<O>>(Held<O, P>);

/// A turn that was waited for, of the kind that the waiter came for.
pub(crate) enum Granted<O: TurnOwner> {
    Exclusive(ExclusiveTurn<O>),
    Shared(SharedTurn<O>),
}

/// What both kinds of turn hold, and give back on drop.
pub(super) struct Held<O: TurnOwner, P: Borrow<Arc<O>> = Arc<O>> {
    owner: P,
    /// `None` once it was given back.
    state: Option<sync::Arc<O::State>>,
}

// === impl ExclusiveTurn ===

impl<O: TurnOwner, P: Borrow<Arc<O>>> ExclusiveTurn<O, P> {
    pub(super) fn new(held: Held<O, P>) -> Self {
        Self(held)
    }

    pub(crate) fn owner(&self) -> &Arc<O> {
        self.0.owner.borrow()
    }

    /// The same turn with an `Arc` of its own.
    pub(crate) fn own(self) -> ExclusiveTurn<O> {
        ExclusiveTurn(self.0.own())
    }

    /// Goes on as a shared turn, without a moment in which an exclusive one could begin.
    pub(crate) fn share(self) -> SharedTurn<O, P> {
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

impl<O: TurnOwner, P: Borrow<Arc<O>>> Deref for ExclusiveTurn<O, P> {
    type Target = O::State;

    fn deref(&self) -> &O::State {
        self.0.state()
    }
}

impl<O: TurnOwner, P: Borrow<Arc<O>>> DerefMut for ExclusiveTurn<O, P> {
    fn deref_mut(&mut self) -> &mut O::State {
        let state = self.0.state.as_mut().expect(UNTIL_ITS_END);
        sync::Arc::get_mut(state)
            .expect("the lock kept no clone, and shared turns dropped theirs as they ended")
    }
}

// === impl SharedTurn ===

impl<O: TurnOwner, P: Borrow<Arc<O>>> SharedTurn<O, P> {
    pub(super) fn new(held: Held<O, P>) -> Self {
        Self(held)
    }

    pub(crate) fn owner(&self) -> &Arc<O> {
        self.0.owner.borrow()
    }

    /// The same turn with an `Arc` of its own.
    pub(crate) fn own(self) -> SharedTurn<O> {
        SharedTurn(self.0.own())
    }
}

impl<O: TurnOwner, P: Borrow<Arc<O>>> Deref for SharedTurn<O, P> {
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

impl<O: TurnOwner, P: Borrow<Arc<O>>> Held<O, P> {
    pub(super) fn new(owner: P, state: sync::Arc<O::State>) -> Self {
        Self { owner, state: Some(state) }
    }

    fn state(&self) -> &O::State {
        self.state.as_ref().expect(UNTIL_ITS_END)
    }

    fn own(mut self) -> Held<O> {
        Held { owner: Arc::clone(self.owner.borrow()), state: self.state.take() }
    }
}

impl<O: TurnOwner, P: Borrow<Arc<O>>> Drop for Held<O, P> {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            let owner: &Arc<O> = self.owner.borrow();
            TurnLock::end(owner, state);
        }
    }
}
