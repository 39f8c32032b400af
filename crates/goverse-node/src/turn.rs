//! One turn: how it begins, how a method runs in it, and what its end does to the object.

use std::sync::Arc;

use goverse_metrics::{CallStatus, DeactivationReason};

use crate::activation::{Activation, Live};
use crate::life;
use crate::method::{Method, Turn};
use crate::object::{Ctx, Object, Wish};
use crate::state::{Book, may_commit};
use crate::turn_lock::{self, BriefTurn, ExclusiveTurn, Granted, NotNow, SharedTurn, TurnLock};

/// A turn that has begun. Dropped without [`end`](Self::end) it counts as cut off, and ends the activation.
pub(crate) struct RunningTurn<T: Object> {
    /// Gone once the turn has ended.
    held: Option<Held<T>>,
}

pub(crate) enum Held<T: Object> {
    Exclusive(ExclusiveTurn<Activation<T>>),
    Shared(SharedTurn<Activation<T>>),
}

/// A turn that has begun, of whichever kind.
pub(crate) trait TurnOf<T: Object> {
    fn activation(&self) -> &Arc<Activation<T>>;

    /// Whether other turns may run beside it.
    fn is_shared(&self) -> bool;

    /// Runs a method. One of shared turns may run in an exclusive one.
    fn run<M: Method<Object = T>>(
        &mut self,
        method: M,
        cx: &Ctx,
    ) -> impl Future<Output = Result<M::Output, M::Error>>;

    /// Ends the turn: the object stays, or goes, by how it ended.
    fn end(self, ending: Ending);
}

/// A turn of a method that does not wait, on an object that nobody else has.
pub(crate) type Brief<'a, T> = BriefTurn<'a, Activation<T>>;

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

impl<T: Object> RunningTurn<T> {
    pub(crate) fn exclusive(turn: ExclusiveTurn<Activation<T>>) -> Self {
        Self { held: Some(Held::Exclusive(turn)) }
    }

    pub(crate) fn shared(turn: SharedTurn<Activation<T>>) -> Self {
        Self { held: Some(Held::Shared(turn)) }
    }

    /// The first turn of an object, for the method whose call brought it to life.
    pub(crate) fn first<M: Method<Object = T>>(
        turn: ExclusiveTurn<Activation<T>>,
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
    pub(crate) fn try_begin<M: Method<Object = T>>(
        activation: &Arc<Activation<T>>,
        kind: Turn,
    ) -> Result<Self, NotNow> {
        let is_brief = const { M::PLAIN && !may_commit::<M>() };
        try_often(|| {
            let activation = Arc::clone(activation);
            match kind {
                Turn::Exclusive => {
                    TurnLock::try_begin_exclusive(activation, is_brief).map(Self::exclusive)
                }
                Turn::Shared => TurnLock::try_begin_shared(activation, is_brief).map(Self::shared),
            }
        })
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

    /// A turn that was waited for.
    pub(crate) fn granted(granted: Granted<Activation<T>>) -> Self {
        match granted {
            Granted::Exclusive(turn) => Self::exclusive(turn),
            Granted::Shared(turn) => Self::shared(turn),
        }
    }
}

impl<T: Object> TurnOf<T> for RunningTurn<T> {
    fn activation(&self) -> &Arc<Activation<T>> {
        match self.held.as_ref().expect(UNTIL_ITS_END) {
            Held::Exclusive(turn) => turn.owner(),
            Held::Shared(turn) => turn.owner(),
        }
    }

    fn is_shared(&self) -> bool {
        matches!(self.held, Some(Held::Shared(_)))
    }

    async fn run<M: Method<Object = T>>(
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

    fn end(mut self, ending: Ending) {
        let Some(held) = self.held.take() else { return };
        match ending {
            Ending::Returned(Wish::Stay) => drop(held),
            ending => end_object(held, ending),
        }
    }
}

impl<T: Object> Drop for RunningTurn<T> {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            end_object(held, Ending::CutOff);
        }
    }
}

// === impl Brief ===

impl<T: Object> TurnOf<T> for Brief<'_, T> {
    #[inline]
    fn activation(&self) -> &Arc<Activation<T>> {
        self.owner()
    }

    #[inline]
    fn is_shared(&self) -> bool {
        BriefTurn::is_shared(self)
    }

    #[inline]
    async fn run<M: Method<Object = T>>(
        &mut self,
        method: M,
        cx: &Ctx,
    ) -> Result<M::Output, M::Error> {
        match (M::TURN, self.state_mut()) {
            (Turn::Exclusive, Some(live)) => {
                method.run_exclusive(&mut live.as_mut().expect(ONCE_ALIVE).object, cx).await
            }
            _ => method.run_shared(&self.state().as_ref().expect(ONCE_ALIVE).object, cx).await,
        }
    }

    #[inline]
    fn end(self, ending: Ending) {
        match ending {
            Ending::Returned(Wish::Stay) => drop(self),
            ending => end_object_of_brief(self, ending),
        }
    }
}

/// Begins a brief turn for this method, if it need not wait, or only for a moment.
#[inline]
pub(crate) fn try_begin_brief<M: Method>(
    activation: &Arc<Activation<M::Object>>,
) -> Result<Brief<'_, M::Object>, NotNow> {
    let turn = match M::TURN {
        Turn::Exclusive => turn_lock::Turn::Exclusive,
        Turn::Shared => turn_lock::Turn::Shared,
    };
    try_often(|| TurnLock::try_begin_brief(activation, turn))
}

#[inline]
fn try_often<R>(try_begin: impl Fn() -> Result<R, NotNow>) -> Result<R, NotNow> {
    match try_begin() {
        Err(NotNow::Busy) => try_again(try_begin),
        result => result,
    }
}

#[cold]
#[inline(never)]
fn try_again<R>(try_begin: impl Fn() -> Result<R, NotNow>) -> Result<R, NotNow> {
    // The longer it waits, the more turns another core runs in a row, which costs less than to pass the object
    // back and forth.
    for pauses in PAUSES {
        (0..pauses).for_each(|_| std::hint::spin_loop());
        match try_begin() {
            Err(NotNow::Busy) => {}
            result => return result,
        }
    }
    Err(NotNow::Busy)
}

#[cold]
fn end_object_of_brief<T: Object>(turn: Brief<'_, T>, ending: Ending) {
    let activation = Arc::clone(turn.owner());
    match turn.into_exclusive() {
        Ok(turn) => end_object(Held::Exclusive(turn), ending),
        Err(turn) => end_after_shared(&activation, ending, || drop(turn)),
    }
}

#[cold]
fn end_object<T: Object>(held: Held<T>, ending: Ending) {
    match held {
        Held::Exclusive(turn) => match ending.reason() {
            Some(DeactivationReason::Requested) => life::end_after(turn),
            Some(reason) => life::drop_object(turn, reason),
            None => drop(turn),
        },
        Held::Shared(turn) => {
            let activation = Arc::clone(turn.owner());
            end_after_shared(&activation, ending, || drop(turn));
        }
    }
}

/// Ends the object of a shared turn, and the turn.
fn end_after_shared<T: Object>(
    activation: &Arc<Activation<T>>,
    ending: Ending,
    end_turn: impl FnOnce(),
) {
    match ending.reason() {
        Some(DeactivationReason::Requested) => {
            end_turn();
            life::end_in_time(activation);
        }
        Some(reason) => {
            life::drop_after_shared(activation, reason);
            end_turn();
        }
        None => end_turn(),
    }
}

// === impl Ending ===

impl Ending {
    /// Why the object goes, if it does.
    fn reason(self) -> Option<DeactivationReason> {
        match self {
            Ending::Returned(Wish::Stay) => None,
            Ending::Returned(Wish::Deactivate) => Some(DeactivationReason::Requested),
            Ending::Returned(Wish::RollBack) => Some(DeactivationReason::RolledBack),
            Ending::Returned(Wish::Delete) => Some(DeactivationReason::Deleted),
            Ending::NotSaved => Some(DeactivationReason::NotSaved),
            Ending::Panicked => Some(DeactivationReason::Panicked),
            Ending::CutOff => Some(DeactivationReason::CutOff),
        }
    }

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
