//! One turn: how it begins, how a method runs in it, and what its end does to the object.

use std::borrow::Borrow;
use std::sync::Arc;

use goverse_metrics::{CallStatus, DeactivationReason};

use crate::activation::{Activation, Live};
use crate::life;
use crate::method::{Method, Turn};
use crate::object::{Ctx, Object, Wish};
use crate::state::{Book, may_commit};
use crate::turn_lock::{ExclusiveTurn, Granted, NotNow, SharedTurn, TurnLock};

/// A turn that has begun. Dropped without [`end`](Self::end) it counts as cut off, and ends the activation.
pub(crate) struct RunningTurn<T: Object, P: Borrow<Arc<Activation<T>>> = Arc<Activation<T>>> {
    /// Gone once the turn has ended.
    held: Option<Held<T, P>>,
}

pub(crate) enum Held<T: Object, P: Borrow<Arc<Activation<T>>> = Arc<Activation<T>>> {
    Exclusive(ExclusiveTurn<Activation<T>, P>),
    Shared(SharedTurn<Activation<T>, P>),
}

/// How the method ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Returned(Wish),
    /// What the turn did could not be saved.
    NotSaved,
    Panicked,
    CutOff,
}

/// How long to wait between two tries, in pauses of the processor of some 20 ns; about ten microseconds in all.
const PAUSES: [u32; 7] = [4, 8, 16, 32, 64, 128, 256];

const UNTIL_ITS_END: &str = "a turn holds the object until it ends";
const ONCE_ALIVE: &str = "only an object that is there is lent to a turn";

// === impl RunningTurn ===

impl<T: Object, P: Borrow<Arc<Activation<T>>>> RunningTurn<T, P> {
    pub(crate) fn exclusive(turn: ExclusiveTurn<Activation<T>, P>) -> Self {
        Self { held: Some(Held::Exclusive(turn)) }
    }

    pub(crate) fn shared(turn: SharedTurn<Activation<T>, P>) -> Self {
        Self { held: Some(Held::Shared(turn)) }
    }

    /// The first turn of an object, for the method whose call brought it to life.
    pub(crate) fn first<M: Method<Object = T>>(
        turn: ExclusiveTurn<Activation<T>, P>,
        kind: Turn,
    ) -> Self {
        match kind {
            // Others may run beside a method that waits.
            Turn::Shared if !M::PLAIN => Self::shared(turn.share()),
            Turn::Shared | Turn::Exclusive => Self::exclusive(turn),
        }
    }

    /// Begins a turn for this method, if it need not wait, or only for a moment.
    ///
    /// A turn of a method that does not wait takes a tenth of a microsecond, less than it takes to stand in line. While
    /// nobody does, whoever comes tries a few times, and overtakes nobody.
    #[inline]
    pub(crate) fn try_begin<M: Method<Object = T>>(
        activation: P,
        kind: Turn,
    ) -> Result<Self, NotNow>
    where
        P: Clone,
    {
        match Self::try_begin_once::<M>(activation.clone(), kind) {
            Err(NotNow::Busy) => Self::try_again::<M>(activation, kind),
            result => result,
        }
    }

    #[inline]
    fn try_begin_once<M: Method<Object = T>>(activation: P, kind: Turn) -> Result<Self, NotNow> {
        match kind {
            Turn::Exclusive => {
                let is_brief = const { M::PLAIN && !may_commit::<M>() };
                TurnLock::try_begin_exclusive(activation, is_brief).map(Self::exclusive)
            }
            Turn::Shared => TurnLock::try_begin_shared(activation).map(Self::shared),
        }
    }

    #[cold]
    #[inline(never)]
    fn try_again<M: Method<Object = T>>(activation: P, kind: Turn) -> Result<Self, NotNow>
    where
        P: Clone,
    {
        // The longer it waits, the more turns another core runs in a row, which costs less than to pass the object
        // back and forth.
        for pauses in PAUSES {
            (0..pauses).for_each(|_| std::hint::spin_loop());
            match Self::try_begin_once::<M>(activation.clone(), kind) {
                Err(NotNow::Busy) => {}
                result => return result,
            }
        }
        Err(NotNow::Busy)
    }

    pub(crate) fn activation(&self) -> &Arc<Activation<T>> {
        match self.held.as_ref().expect(UNTIL_ITS_END) {
            Held::Exclusive(turn) => turn.owner(),
            Held::Shared(turn) => turn.owner(),
        }
    }

    /// Runs a method. One of shared turns may run in an exclusive one.
    #[inline]
    pub(crate) async fn run<M: Method<Object = T>>(
        &mut self,
        method: M,
        cx: &Ctx,
    ) -> Result<M::Output, M::Error> {
        match (self.held.as_mut().expect(UNTIL_ITS_END), M::TURN) {
            (Held::Exclusive(turn), Turn::Exclusive) => {
                let live: &mut Live<T> = (**turn).as_mut().expect(ONCE_ALIVE);
                method.run_exclusive(&mut live.object, cx).await
            }
            (Held::Exclusive(turn), Turn::Shared) => {
                method.run_shared(&(**turn).as_ref().expect(ONCE_ALIVE).object, cx).await
            }
            (Held::Shared(turn), _) => {
                method.run_shared(&(**turn).as_ref().expect(ONCE_ALIVE).object, cx).await
            }
        }
    }

    /// The object and what is known of it, if nothing else runs.
    pub(crate) fn live_mut(&mut self) -> Option<&mut Live<T>> {
        match self.held.as_mut().expect(UNTIL_ITS_END) {
            Held::Exclusive(turn) => (**turn).as_mut(),
            Held::Shared(_) => None,
        }
    }

    /// What is known of the object, for a turn that may save it, and gives it back then.
    pub(crate) fn take_book(&mut self) -> Option<Box<Book>> {
        let live = self.live_mut()?;
        Some(live.book.take().unwrap_or_default())
    }

    /// Whether other turns may run beside it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.held, Some(Held::Shared(_)))
    }

    /// Ends the turn: the object stays, or goes, by how it ended.
    #[inline]
    pub(crate) fn end(mut self, ending: Ending) {
        let Some(held) = self.held.take() else { return };
        match ending {
            Ending::Returned(Wish::Stay) => drop(held),
            ending => end_object(held.own(), ending),
        }
    }

    /// The same turn with an `Arc` of its own.
    pub(crate) fn own(mut self) -> RunningTurn<T> {
        RunningTurn { held: self.held.take().map(Held::own) }
    }
}

impl<T: Object> RunningTurn<T> {
    /// A turn that was waited for.
    pub(crate) fn granted(granted: Granted<Activation<T>>) -> Self {
        match granted {
            Granted::Exclusive(turn) => Self::exclusive(turn),
            Granted::Shared(turn) => Self::shared(turn),
        }
    }
}

impl<T: Object, P: Borrow<Arc<Activation<T>>>> Held<T, P> {
    fn own(self) -> Held<T> {
        match self {
            Held::Exclusive(turn) => Held::Exclusive(turn.own()),
            Held::Shared(turn) => Held::Shared(turn.own()),
        }
    }
}

impl<T: Object, P: Borrow<Arc<Activation<T>>>> Drop for RunningTurn<T, P> {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            end_object(held.own(), Ending::CutOff);
        }
    }
}

#[cold]
fn end_object<T: Object>(held: Held<T>, ending: Ending) {
    let reason = match ending {
        Ending::Returned(Wish::Stay) => return,
        Ending::Returned(Wish::Deactivate) => return life::end_after(held),
        Ending::Returned(Wish::RollBack) => DeactivationReason::RolledBack,
        Ending::Returned(Wish::Delete) => DeactivationReason::Deleted,
        Ending::NotSaved => DeactivationReason::NotSaved,
        Ending::Panicked => DeactivationReason::Panicked,
        Ending::CutOff => DeactivationReason::CutOff,
    };
    match held {
        Held::Exclusive(turn) => life::drop_object(turn, reason),
        Held::Shared(turn) => life::drop_after_shared(turn, reason),
    }
}

// === impl Ending ===

impl Ending {
    /// The status that a call is counted under whose turn ended so; `failed` if the method returned its error.
    #[inline]
    pub(crate) fn status(self, failed: bool) -> CallStatus {
        match self {
            Ending::Returned(_) if failed => CallStatus::Failed,
            Ending::Returned(_) => CallStatus::Ok,
            Ending::NotSaved => CallStatus::NotSaved,
            Ending::Panicked => CallStatus::Panicked,
            Ending::CutOff => CallStatus::CutOff,
        }
    }
}
