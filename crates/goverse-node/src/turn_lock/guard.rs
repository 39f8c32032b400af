//! A turn that runs. It ends when its guard is dropped, also by a panic.

use std::mem;
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
    state: Lent<O::State>,
}

enum Lent<S> {
    /// The first turn of a lock has yet to bring it.
    Awaited,
    Here(sync::Arc<S>),
    GivenBack,
}

// === impl ExclusiveTurn ===

impl<O: TurnOwner> ExclusiveTurn<O> {
    pub(super) fn new(held: Held<O>) -> Self {
        Self(held)
    }

    pub(crate) fn owner(&self) -> &Arc<O> {
        &self.0.owner
    }

    /// The first turn of a lock, which brings its state.
    pub(super) fn first(owner: Arc<O>) -> Self {
        Self(Held { owner, state: Lent::Awaited })
    }

    /// Brings the state in the first turn, and goes on with it.
    pub(crate) fn bring(&mut self, state: O::State) {
        self.0.state = Lent::Here(sync::Arc::new(state));
    }

    /// Brings the state in the first turn, and ends that.
    #[inline]
    pub(crate) fn end_with(mut self, state: O::State) {
        self.0.state = Lent::GivenBack;
        TurnLock::end_first(self.owner(), state);
    }

    /// Goes on as a shared turn, without a moment in which an exclusive one could begin.
    pub(crate) fn share(self) -> SharedTurn<O> {
        let state = self.0.state.here().expect(UNTIL_ITS_END);
        TurnLock::update(self.owner(), |queue, after| queue.share(state, after));
        SharedTurn(self.0)
    }

    /// Closes the lock and takes the state out, if there is one: every waiter and whoever comes later is refused.
    pub(crate) fn close(mut self) -> Option<O::State> {
        let state = mem::replace(&mut self.0.state, Lent::GivenBack);
        TurnLock::update(self.owner(), |queue, after| queue.close_in_turn(after));
        match state {
            Lent::Here(state) => Some(sole(state)),
            Lent::Awaited | Lent::GivenBack => None,
        }
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
        let Lent::Here(state) = &mut self.0.state else { panic!("{UNTIL_ITS_END}") };
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

const UNTIL_ITS_END: &str =
    "a turn has the state until it ends, the first one from when it has brought it";

impl<O: TurnOwner> Held<O> {
    pub(super) fn new(owner: Arc<O>, state: sync::Arc<O::State>) -> Self {
        Self { owner, state: Lent::Here(state) }
    }

    fn state(&self) -> &O::State {
        self.state.here().expect(UNTIL_ITS_END)
    }
}

impl<O: TurnOwner> Drop for Held<O> {
    fn drop(&mut self) {
        match mem::replace(&mut self.state, Lent::GivenBack) {
            Lent::Here(state) => TurnLock::end(&self.owner, state),
            Lent::Awaited => {
                TurnLock::update(&self.owner, |queue, after| queue.close_in_turn(after))
            }
            Lent::GivenBack => {}
        }
    }
}

// === impl Lent ===

impl<S> Lent<S> {
    fn here(&self) -> Option<&sync::Arc<S>> {
        match self {
            Lent::Here(state) => Some(state),
            Lent::Awaited | Lent::GivenBack => None,
        }
    }
}
