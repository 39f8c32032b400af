//! How a turn ended, and all that follows from it: for the object, the metrics, and the caller.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use goverse_core::{ErrorCode, Ran};
use goverse_metrics::{CallGuard, CallStatus, MethodMetrics, PanicSite, RejectionCode};

use crate::budget;
use crate::call::CallResult;
use crate::call_error::{CallError, SystemError};
use crate::clock;
use crate::method::Method;
use crate::object::{Ctx, Object, Wish};
use crate::state::{Repeat, shared_turn_refused};
use crate::turn::{Ending, RunningTurn, TurnOf};

/// What became of a method.
pub(crate) enum Outcome<M: Method> {
    Returned(Result<M::Output, M::Error>),
    /// What the panic said.
    Panicked(String),
    /// It came to the turn limit, or the node's shutdown to its own.
    CutOff,
    /// It returned, and what it did could not be saved.
    NotSaved(SystemError),
}

// === impl Outcome ===

impl<M: Method> Outcome<M> {
    #[inline]
    pub(crate) fn of(caught: Result<Result<M::Output, M::Error>, String>) -> Self {
        match caught {
            Ok(result) => Outcome::Returned(result),
            Err(message) => Outcome::Panicked(message),
        }
    }
}

/// Ends a turn and counts it.
#[inline]
pub(crate) fn settle<M: Method, G: Borrow<MethodMetrics>, T: TurnOf<M::Object>>(
    turn: T,
    cx: &Ctx,
    outcome: Outcome<M>,
    guard: CallGuard<G>,
    received: u64,
    begun: u64,
) -> CallResult<M> {
    match outcome {
        Outcome::Returned(result) if !is_refused(&turn, cx) => {
            let (ending, failed) = (Ending::Returned(cx.wish()), result.is_err());
            end::<M, G, T>(turn, cx, ending, failed, guard, received, begun);
            result.map_err(CallError::Method)
        }
        outcome => settle_badly::<M, G, T>(turn, cx, outcome, guard, received, begun),
    }
}

/// Ends a turn that does not count.
#[cold]
#[inline(never)]
fn settle_badly<M: Method, G: Borrow<MethodMetrics>, T: TurnOf<M::Object>>(
    turn: T,
    cx: &Ctx,
    outcome: Outcome<M>,
    guard: CallGuard<G>,
    received: u64,
    begun: u64,
) -> CallResult<M> {
    let refused = || match cx.saving().and_then(|saving| saving.refused()) {
        Some(error) => error.clone(),
        None => shared_turn_refused(cx),
    };
    let (ending, error) = match outcome {
        Outcome::Returned(_) => (Ending::NotSaved, refused()),
        Outcome::NotSaved(error) => (Ending::NotSaved, error),
        Outcome::Panicked(panic) => {
            guard.metrics().type_calls().panicked(PanicSite::Turn);
            tracing::error!(r#type = %cx.type_name(), method = M::NAME, panic, "method panicked");
            (Ending::Panicked, panicked::<M>(cx, &panic))
        }
        Outcome::CutOff => (Ending::CutOff, cut_off::<M>(cx, clock::between(begun, clock::now()))),
    };
    end::<M, G, T>(turn, cx, ending, false, guard, received, begun);
    Err(error.into())
}

/// Whether the method has asked for what its turn cannot give.
#[inline]
fn is_refused<T: Object>(turn: &impl TurnOf<T>, cx: &Ctx) -> bool {
    cx.saving().is_some_and(|saving| saving.refused().is_some())
        || (cx.wish() == Wish::Delete && turn.is_shared())
}

/// Ends a turn, and counts it; `failed` if the method returned its error.
#[inline]
fn end<M: Method, G: Borrow<MethodMetrics>, T: TurnOf<M::Object>>(
    turn: T,
    cx: &Ctx,
    ending: Ending,
    failed: bool,
    guard: CallGuard<G>,
    received: u64,
    begun: u64,
) {
    cx.end();
    if !cx.is_tick() {
        turn.activation().used(begun);
    }
    let long_turn = turn.activation().object_type().long_turn;
    turn.end(ending);
    let ended = clock::now();
    let took = ended.saturating_sub(begun);
    budget::spend(took);
    let activation = cx.activation();
    let node = activation.node_state();
    node.hot.turn_ended(took, ended, || (activation.type_name().clone(), activation.id().clone()));
    if took >= long_turn {
        guard.metrics().long_turn();
        node.long_turns.tell(cx, M::NAME, clock::between(begun, ended));
    }
    let queued = if begun == received { 0.0 } else { clock::seconds(received, begun) };
    guard.ran(ending.status(failed), queued, clock::seconds(begun, ended));
}

/// Ends a turn in which nothing ran: an earlier call with the same id was found, or cannot be looked for.
pub(crate) fn repeated<M: Method, G: Borrow<MethodMetrics>>(
    mut turn: RunningTurn<M::Object>,
    cx: &Ctx,
    repeat: Repeat<M>,
    guard: CallGuard<G>,
    received: u64,
    begun: u64,
) -> CallResult<M> {
    turn.activation().used(begun);
    cx.end();
    if let (Some(live), Some(saving)) = (turn.live_mut(), cx.saving()) {
        live.book = saving.take_book();
    }
    let activation = Arc::clone(turn.activation());
    turn.end(Ending::Returned(Wish::Stay));
    let (code, error) = match repeat {
        Repeat::First => unreachable!("the first of its id runs"),
        Repeat::Answered(result) => {
            let (queued, ran) =
                (clock::seconds(received, begun), clock::seconds(begun, clock::now()));
            activation.object_type().repeated.deduplicated();
            guard.ran(CallStatus::Repeated, queued, ran);
            return result;
        }
        Repeat::Reused(error) => (RejectionCode::CallIdReused, error),
        Repeat::Unknown(error) => (RejectionCode::NotLoaded, error),
    };
    guard.rejected(code);
    Err(error.into())
}

#[cold]
fn panicked<M: Method>(cx: &Ctx, message: &str) -> SystemError {
    let object = crate::activation::describe(cx.type_name(), cx.id().as_str());
    let message =
        format!("{} of {object} panicked, and the object was dropped: {message}", M::NAME);
    SystemError::new(ErrorCode::Panicked, Ran::Maybe, message)
}

#[cold]
fn cut_off<M: Method>(cx: &Ctx, after: Duration) -> SystemError {
    let object = crate::activation::describe(cx.type_name(), cx.id().as_str());
    let message =
        format!("{} of {object} was ended after {after:?}, and the object was dropped", M::NAME);
    SystemError::new(ErrorCode::CutOff, Ran::Maybe, message)
}
