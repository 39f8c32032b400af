//! How a turn ended, and all that follows from it: for the object, the metrics, and the caller.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use goverse_core::{ErrorCode, Ran};
use goverse_metrics::{CallGuard, CallStatus, MethodMetrics, PanicSite, RejectionCode};

use crate::budget;
use crate::call::{ActivationOf, CallResult};
use crate::call_error::{CallError, SystemError};
use crate::clock;
use crate::method::Method;
use crate::object::{Ctx, Wish};
use crate::state::{Repeat, shared_turn_refused};
use crate::turn::{Ending, RunningTurn};

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

    /// A method may have asked for what its turn cannot give.
    #[inline]
    fn unless_refused(self, cx: &Ctx) -> Self {
        match (cx.saving().and_then(|saving| saving.refused()), self) {
            (Some(error), Outcome::Returned(_)) => Outcome::NotSaved(error.clone()),
            (_, outcome) => outcome,
        }
    }

    fn ending(&self, cx: &Ctx) -> Ending {
        match self {
            Outcome::Returned(_) => Ending::Returned(cx.wish()),
            Outcome::Panicked(_) => Ending::Panicked,
            Outcome::CutOff => Ending::CutOff,
            Outcome::NotSaved(_) => Ending::NotSaved,
        }
    }
}

/// Ends a turn and counts it.
#[inline]
pub(crate) fn settle<M: Method, G: Borrow<MethodMetrics>, P: Borrow<ActivationOf<M>>>(
    turn: RunningTurn<M::Object, P>,
    cx: &Ctx,
    outcome: Outcome<M>,
    guard: CallGuard<G>,
    received: u64,
    begun: u64,
) -> CallResult<M> {
    let activation = cx.activation();
    let outcome = if turn.is_shared() && cx.wish() == Wish::Delete {
        Outcome::NotSaved(shared_turn_refused(cx))
    } else {
        outcome.unless_refused(cx)
    };
    let ending = outcome.ending(cx);
    cx.end();
    if !cx.is_tick() {
        turn.activation().used(begun);
    }
    let long_turn = turn.activation().object_type().long_turn;
    turn.end(ending);
    let ended = clock::now();
    budget::spend(ended.saturating_sub(begun));
    let node = activation.node_state();
    node.hot.turn_ended(ended.saturating_sub(begun), ended, || {
        (activation.type_name().clone(), activation.id().clone())
    });
    if ended.saturating_sub(begun) >= long_turn {
        guard.metrics().long_turn();
        node.long_turns.tell(cx, M::NAME, clock::between(begun, ended));
    }
    let failed = matches!(outcome, Outcome::Returned(Err(_)));
    let queued = if begun == received { 0.0 } else { clock::seconds(received, begun) };
    if let Outcome::Panicked(message) = &outcome {
        guard.metrics().type_calls().panicked(PanicSite::Turn);
        let (r#type, panic) = (activation.type_name(), message);
        tracing::error!(%r#type, method = M::NAME, panic, "method panicked");
    }
    guard.ran(ending.status(failed), queued, clock::seconds(begun, ended));
    match outcome {
        Outcome::Returned(result) => result.map_err(CallError::Method),
        Outcome::Panicked(message) => Err(panicked::<M>(cx, &message).into()),
        Outcome::NotSaved(error) => Err(error.into()),
        Outcome::CutOff => Err(cut_off::<M>(cx, clock::between(begun, ended)).into()),
    }
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
