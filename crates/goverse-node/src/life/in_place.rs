//! The two ends of the life of an object without hooks and without stored state: nothing waits, so nothing is a future.

use std::mem;
use std::sync::Arc;

use goverse_metrics::{DeactivationFailure, DeactivationReason};

use super::{Threshold, tell};
use crate::activation::{Activation, Live};
use crate::directory::Taken;
use crate::error::ObjectError;
use crate::object::Object;
use crate::object_type::ObjectType;
use crate::run_to_end::{Doing, catch_now};
use crate::state::Book;
use crate::turn_lock::{ExclusiveTurn, TurnOwner};

/// An object that takes no more turns and is about to leave its place.
struct Leaving<'a, T: Object>(&'a Arc<Activation<T>>);

/// Makes an object in its first turn, and goes on with that.
pub(super) fn bring_to_life<T: Object>(
    threshold: Threshold<T>,
) -> Result<ExclusiveTurn<Activation<T>>, ObjectError> {
    make(threshold, Threshold::cross)
}

/// Makes an object.
pub(super) fn create<T: Object>(threshold: Threshold<T>) -> Result<(), ObjectError> {
    make(threshold, Threshold::cross_and_leave)
}

#[inline]
fn make<T: Object, R>(
    threshold: Threshold<T>,
    cross: impl FnOnce(Threshold<T>, T, Option<Box<Book>>) -> R,
) -> Result<R, ObjectError> {
    let object_type = threshold.activation().object_type();
    if threshold.comes_too_late() {
        return threshold.refuse();
    }
    match catch_now(|| (object_type.construct)()) {
        // The constructor blocked its thread past the limit: nobody would deactivate the object any more.
        Ok(object) if object_type.node_state.lifecycle.is_killed() => {
            let _ = catch_now(|| drop(object));
            threshold.refuse()
        }
        Ok(object) => Ok(cross(threshold, object, None)),
        Err(message) => threshold.panicked(message),
    }
}

/// Destroys an object: at once if it is free, else when its turn for that has come.
pub(super) fn destroy<T: Object>(
    object_type: &ObjectType<T>,
    id: &str,
) -> Doing<Option<Result<(), ObjectError>>> {
    let reason = DeactivationReason::Destroyed;
    let close = |activation: &Activation<T>| activation.turn_lock().close_if_free();
    if const { mem::needs_drop::<T>() } {
        let Some(there) = object_type.directory.get(id) else { return Doing::Done(None) };
        let Some(live) = close(&there) else { return wait_and_end(there) };
        let leaving = Leaving(&there);
        let ended = end(live, &there, reason);
        drop(leaving);
        return Doing::Done(Some(ended));
    }
    // No code of the application runs at the end of such an object, so its place is free as soon as it is closed.
    match object_type.directory.take_if(id, close) {
        None => Doing::Done(None),
        Some(Taken::Stays(there)) => wait_and_end(there),
        Some(Taken::Out(activation, live)) => {
            let ended = end(live, &activation, reason);
            activation.end_timers_if_any();
            tell(object_type);
            Doing::Done(Some(ended))
        }
    }
}

#[cold]
fn wait_and_end<T: Object>(there: Arc<Activation<T>>) -> Doing<Option<Result<(), ObjectError>>> {
    let end = async { Some(super::end(there, DeactivationReason::Destroyed).await) };
    Doing::GoesOn(Box::pin(end))
}

/// Drops an object in its last turn. It is gone when this returns, also with an error.
pub(super) fn deactivate<T: Object>(
    mut turn: ExclusiveTurn<Activation<T>>,
    reason: DeactivationReason,
) -> Result<(), ObjectError> {
    let live = turn.take();
    let threshold = Threshold { turn: Some(turn) };
    end(live, threshold.activation(), reason)
}

/// Drops an object that takes no more turns, and counts that.
#[inline]
fn end<T: Object>(
    live: Option<Live<T>>,
    activation: &Activation<T>,
    reason: DeactivationReason,
) -> Result<(), ObjectError> {
    let Some(live) = live else { return Ok(()) };
    let object_type = activation.object_type();
    let lifecycle = &object_type.node_state.lifecycle;
    let is_cut_off = lifecycle.is_killed();
    activation.guard().ends(reason);
    let dropped = live.end(activation);
    if is_cut_off {
        lifecycle.count_cut_off();
    } else if reason == DeactivationReason::Shutdown {
        lifecycle.count_deactivated();
    }
    match dropped {
        Ok(()) if !is_cut_off => Ok(()),
        Ok(()) => {
            object_type.metrics.deactivation_failed(DeactivationFailure::TimedOut);
            Err(ObjectError::ShuttingDown)
        }
        Err(message) => {
            object_type.metrics.deactivation_failed(DeactivationFailure::Panicked);
            let type_name = object_type.name.clone();
            Err(ObjectError::DeactivationPanicked { type_name, message })
        }
    }
}

// === impl Leaving ===

impl<T: Object> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        let Self(activation) = self;
        activation.object_type().directory.remove(activation);
        activation.end_timers_if_any();
        tell(activation.object_type());
    }
}
