//! The two ends of an object's life: activation and deactivation, each with its hook.

mod in_place;

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use futures_util::FutureExt;
use goverse_core::{ErrorCode, ObjectId, Ran};
use goverse_metrics::{ActivationFailure, DeactivationFailure, DeactivationReason, PanicSite};
use tokio::runtime::Handle;

use crate::activation::{Activation, Live};
use crate::call_error::SystemError;
use crate::chain::Link;
use crate::clock;
use crate::directory::Found;
use crate::error::ObjectError;
use crate::object::{Ctx, HookError, Object};
use crate::object_type::ObjectType;
use crate::run_to_end::{Doing, begin_in_place, catch, catch_now, run_to_end};
use crate::state::{Book, load, save_at_the_end, state_of};
use crate::store::StoredState;
use crate::turn_lock::{Closing, ExclusiveTurn, TurnLock};

/// The first turn of an object, or its last. Dropped within it, the object is gone.
struct Threshold<T: Object> {
    /// Gone once the object is there, or its place is free.
    turn: Option<ExclusiveTurn<Activation<T>>>,
}

/// Drops an object that takes no more turns when the last one ends: whoever ends it does that, so it needs no runtime.
struct Closer<T: Object> {
    activation: Arc<Activation<T>>,
    reason: DeactivationReason,
    closing: Mutex<Option<Closing<Activation<T>>>>,
}

/// Whether objects of this type come and go in place.
const fn is_hookless<T: Object>() -> bool {
    !T::HAS_HOOKS && T::PERSISTENCE.is_none()
}

const UNTIL_ITS_END: &str = "a threshold is crossed once";

/// The activation of `id`; if there is none, the first turn of a new one, which is to [`activate`] it.
///
/// `None` if there is none and the node closes: a shutdown may have found its place free, and leaves it so. Who takes a
/// place as a shutdown begins is found by that.
pub(crate) fn find_or_begin<T: Object>(
    object_type: &ObjectType<T>,
    id: &ObjectId,
) -> Option<Found<T, ExclusiveTurn<Activation<T>>>> {
    if object_type.node_state.lifecycle.is_closing() {
        let there = object_type.directory.get(id.as_str());
        if there.is_none() {
            object_type.metrics.activation_failed(ActivationFailure::ShuttingDown);
        }
        return there.map(Found::There);
    }
    let found = object_type.directory.get_or_make(id.as_str(), || {
        let turn = Activation::begin(object_type.handle(), id.clone());
        (Arc::clone(turn.owner()), turn)
    });
    Some(match found {
        Found::There(there) => Found::There(there),
        Found::Made((turn, is_first)) => {
            object_type.node_state.keeper.knows(is_first, object_type);
            Found::Made(turn)
        }
    })
}

/// Why an object did not come to be.
enum NoLife {
    NotLoaded(SystemError),
    Failed(HookError),
}

/// Creates an object that is not there; that is done when its activation hook is.
pub(crate) fn create<T: Object>(
    object_type: &ObjectType<T>,
    id: ObjectId,
) -> Doing<Result<(), ObjectError>> {
    let turn = match find_or_begin(object_type, &id) {
        None => return Doing::Done(Err(ObjectError::ShuttingDown)),
        Some(Found::Made(turn)) => turn,
        Some(Found::There(_)) => {
            let type_name = object_type.name.clone();
            return Doing::Done(Err(ObjectError::AlreadyExists { type_name, id }));
        }
    };
    let threshold = Threshold { turn: Some(turn) };
    if const { is_hookless::<T>() } {
        return Doing::Done(in_place::create(threshold));
    }
    begin_in_place(bring_to_life(threshold, None, Threshold::cross_and_leave))
}

/// Brings an object to life in its first turn, whatever becomes of the caller.
pub(crate) async fn activate<T: Object>(
    turn: ExclusiveTurn<Activation<T>>,
    before: Option<Arc<Link>>,
) -> Result<ExclusiveTurn<Activation<T>>, ObjectError> {
    let threshold = Threshold { turn: Some(turn) };
    if const { is_hookless::<T>() } {
        return in_place::bring_to_life(threshold);
    }
    let life = bring_to_life(threshold, before, Threshold::cross);
    run_to_end(life).await.unwrap_or(Err(ObjectError::ShuttingDown))
}

async fn bring_to_life<T: Object, R>(
    threshold: Threshold<T>,
    before: Option<Arc<Link>>,
    cross: impl FnOnce(Threshold<T>, T, Option<Box<Book>>) -> R,
) -> Result<R, ObjectError> {
    if threshold.comes_too_late() {
        return threshold.refuse();
    }
    let cx = Ctx::new(Arc::clone(threshold.activation()), before, clock::NEVER);
    let activation = cx.typed_activation();
    let object_type = activation.object_type();
    let lifecycle = &object_type.node_state.lifecycle;
    let life = async {
        let (mut object, book) = load(activation).await.map_err(NoLife::NotLoaded)?;
        object.on_activate(&cx).await.map(|()| (object, book)).map_err(NoLife::Failed)
    };
    let came = lifecycle.unless_killed(pin!(catch(life))).await;
    cx.end();
    match came {
        // The hook blocked its thread past the limit: nobody would deactivate the object any more.
        Some(Ok(Ok((object, _)))) if lifecycle.is_killed() => {
            let _ = catch_now(|| drop(object));
            threshold.refuse()
        }
        Some(Ok(Ok((object, book)))) => Ok(cross(threshold, object, book)),
        Some(Ok(Err(NoLife::NotLoaded(error)))) => {
            activation.guard().fail(ActivationFailure::NotLoaded);
            tracing::warn!(r#type = %object_type.name, %error, "state not loaded");
            threshold.fails(ObjectError::NotLoaded(error))
        }
        Some(Ok(Err(NoLife::Failed(source)))) => {
            activation.guard().fail(ActivationFailure::Failed);
            tracing::warn!(r#type = %object_type.name, error = %source, "activation failed");
            let type_name = object_type.name.clone();
            threshold.fails(ObjectError::ActivationFailed { type_name, source })
        }
        Some(Err(message)) => threshold.panicked(message),
        None => threshold.refuse(),
    }
}

/// Destroys an object; that is done when its deactivation hook is. `None` if there was none by then.
pub(crate) fn destroy<T: Object>(
    object_type: &ObjectType<T>,
    id: &str,
) -> Doing<Option<Result<(), ObjectError>>> {
    if const { is_hookless::<T>() } {
        return in_place::destroy(object_type, id);
    }
    let Some(there) = object_type.directory.get(id) else { return Doing::Done(None) };
    let reason = DeactivationReason::Destroyed;
    match TurnLock::try_begin_exclusive(Arc::clone(&there), false) {
        Ok(turn) => begin_in_place(async move { Some(deactivate(turn, reason).await) }),
        Err(_) => Doing::GoesOn(Box::pin(async move { Some(end(there, reason).await) })),
    }
}

/// Deactivates an object when its turn for that has come; `None` if it was gone by then.
pub(crate) async fn end<T: Object>(
    activation: Arc<Activation<T>>,
    reason: DeactivationReason,
) -> Option<Result<(), ObjectError>> {
    let end = async move {
        let turn = TurnLock::begin_exclusive(activation, usize::MAX).await.ok()?;
        Some(deactivate(turn, reason).await)
    };
    run_to_end(end).await.unwrap_or(Some(Err(ObjectError::ShuttingDown)))
}

/// Deactivates an object that nobody has called for long enough, unless it is busy now.
pub(crate) fn end_if_idle<T: Object>(activation: &Arc<Activation<T>>, now: u64) {
    // If a call comes first, the object is looked at again in its time.
    if !end_if_free(activation, activation.last_used()) {
        activation.object_type().directory.stays(activation, now);
    }
}

/// Deactivates an object after a tick of a timer, if nobody has called it for long enough.
///
/// Ticks are no use of an object. One that ticks for most of the time would be busy whenever it is looked at.
pub(crate) fn end_if_idle_after_tick<T: Object>(activation: &Arc<Activation<T>>) {
    let Some(timeout) = activation.object_type().settings.idle_timeout else { return };
    let used = activation.last_used();
    if clock::after(used, timeout) <= clock::now() {
        end_if_free(activation, used);
    }
}

/// Whether it was free, and last called at `used`, so that its deactivation begins.
fn end_if_free<T: Object>(activation: &Arc<Activation<T>>, used: u64) -> bool {
    let turn = TurnLock::try_begin_exclusive(Arc::clone(activation), false).ok();
    let turn = turn.filter(|_| activation.last_used() == used);
    let ends = turn.map(|turn| deactivate(turn, DeactivationReason::Idle).map(drop));
    ends.map(in_background).is_some()
}

/// Deactivates the object of a turn that asked for it, before other calls.
pub(crate) fn end_after<T: Object>(turn: ExclusiveTurn<Activation<T>>) {
    in_background(deactivate(turn, DeactivationReason::Requested).map(drop));
}

/// Deactivates an object when its turn for that has come.
pub(crate) fn end_in_time<T: Object>(activation: &Arc<Activation<T>>) {
    in_background(end(Arc::clone(activation), DeactivationReason::Requested).map(drop));
}

/// Ends an object with its hook. It is gone when this returns, also with an error.
async fn deactivate<T: Object>(
    mut turn: ExclusiveTurn<Activation<T>>,
    reason: DeactivationReason,
) -> Result<(), ObjectError> {
    if const { is_hookless::<T>() } {
        return in_place::deactivate(turn, reason);
    }
    let live = turn.take();
    let threshold = Threshold { turn: Some(turn) };
    let cx = Ctx::new(Arc::clone(threshold.activation()), None, clock::NEVER);
    let activation = cx.typed_activation();
    let object_type = activation.object_type();
    let lifecycle = &object_type.node_state.lifecycle;
    let Some(mut live) = live else { return Ok(()) };
    activation.guard().ends(reason);
    activation.end_timers();
    let before = state_before_hook(activation, &live);
    let hook = async { live.object.on_deactivate(&cx, reason).await };
    let hook = lifecycle.unless_killed(pin!(catch(hook))).await;
    let saved = save_after_hook(activation, &mut live, before, &hook).await;
    let metrics = &object_type.metrics;
    let dropped = live.end(activation);
    match &hook {
        None => lifecycle.count_cut_off(),
        Some(_) if reason == DeactivationReason::Shutdown => lifecycle.count_deactivated(),
        Some(_) => {}
    }
    drop(threshold);
    let name = &object_type.name;
    if let Err(error) = saved {
        metrics.deactivation_failed(DeactivationFailure::NotSaved);
        tracing::error!(r#type = %name, %error, "an object went with changes that could not be saved");
        return Err(ObjectError::NotSaved(error));
    }
    match (hook, dropped) {
        (Some(Ok(Ok(()))), Ok(())) => Ok(()),
        (Some(Ok(Err(source))), Ok(())) => {
            metrics.deactivation_failed(DeactivationFailure::Failed);
            tracing::warn!(r#type = %name, error = %source, "deactivation failed");
            Err(ObjectError::DeactivationFailed { type_name: name.clone(), source })
        }
        (Some(Err(message)), _) => {
            metrics.deactivation_failed(DeactivationFailure::Panicked);
            object_type.call_metrics.panicked(PanicSite::Deactivation);
            tracing::error!(r#type = %name, panic = message, "deactivation panicked");
            Err(ObjectError::DeactivationPanicked { type_name: name.clone(), message })
        }
        (_, Err(message)) => {
            metrics.deactivation_failed(DeactivationFailure::Panicked);
            Err(ObjectError::DeactivationPanicked { type_name: name.clone(), message })
        }
        (None, Ok(())) => {
            metrics.deactivation_failed(DeactivationFailure::TimedOut);
            Err(ObjectError::ShuttingDown)
        }
    }
}

/// The state of a persistent object before its last hook, to see what that changes.
fn state_before_hook<T: Object>(activation: &Activation<T>, live: &Live<T>) -> Option<StoredState> {
    T::PERSISTENCE.as_ref().and_then(|_| state_of(activation, &live.object).ok())
}

/// Saves what is unsaved of a persistent object that goes, and what its last hook has changed; after a panic of the hook
/// what was there before it.
async fn save_after_hook<T: Object>(
    activation: &Arc<Activation<T>>,
    live: &mut Live<T>,
    before: Option<StoredState>,
    hook: &Option<Result<Result<(), HookError>, String>>,
) -> Result<(), SystemError> {
    if T::PERSISTENCE.is_none() {
        return Ok(());
    }
    let after = match hook {
        Some(Ok(_)) => Some(state_of(activation, &live.object)?),
        Some(Err(_)) | None => before.clone(),
    };
    let Some(state) = after else { return Ok(()) };
    let is_changed = before.as_ref() != Some(&state);
    let lifecycle = &activation.object_type().node_state.lifecycle;
    let saving = Box::pin(save_at_the_end(activation, live, state, is_changed));
    lifecycle.unless_killed(saving).await.unwrap_or_else(|| {
        let message =
            format!("{} was not saved: the shutdown came to its limit", activation.describe());
        Err(SystemError::new(ErrorCode::ShuttingDown, Ran::Yes, message))
    })
}

/// Drops the object of an exclusive turn as it is, without its hook.
pub(crate) fn drop_object<T: Object>(
    mut turn: ExclusiveTurn<Activation<T>>,
    reason: DeactivationReason,
) {
    let activation = Arc::clone(turn.owner());
    drop_live(&activation, turn.take(), reason);
    leave(turn);
}

/// Drops the object of a shared turn as it is, as soon as that and those beside it have ended; no other begins.
pub(crate) fn drop_after_shared<T: Object>(
    activation: &Arc<Activation<T>>,
    reason: DeactivationReason,
) {
    Closer::close(activation, reason);
}

/// Drops an object without its hook, because its node is dropped; if it is busy, when its turn has ended.
pub(crate) fn abandon<T: Object>(activation: &Arc<Activation<T>>) {
    match TurnLock::try_begin_exclusive(Arc::clone(activation), false) {
        Ok(turn) => drop_object(turn, DeactivationReason::Dropped),
        Err(_) => {
            Closer::close(activation, DeactivationReason::Dropped);
            gone(activation);
        }
    }
}

fn drop_live<T: Object>(
    activation: &Activation<T>,
    live: Option<Live<T>>,
    reason: DeactivationReason,
) {
    let Some(live) = live else { return };
    activation.guard().ends(reason);
    let _ = live.end(activation);
    let lifecycle = &activation.object_type().node_state.lifecycle;
    if reason == DeactivationReason::CutOff && lifecycle.is_closing() {
        lifecycle.count_cut_off();
    }
}

/// Lets a new activation take the place of one whose object is gone, and all who waited for it turn to that.
fn leave<T: Object>(turn: ExclusiveTurn<Activation<T>>) {
    gone(turn.owner());
    drop(turn.close());
}

fn gone<T: Object>(activation: &Arc<Activation<T>>) {
    activation.object_type().directory.remove(activation);
    activation.end_timers();
    tell(activation.object_type());
}

/// Tells who waits for it that an object has left its place.
fn tell<T: Object>(object_type: &ObjectType<T>) {
    object_type.gone.tell();
    object_type.node_state.lifecycle.entry_changed();
}

/// Goes on with what nobody waits for. Where no runtime is left it does what it can do at once.
fn in_background(future: impl Future<Output = ()> + Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(future)),
        Err(_) => drop(future.now_or_never()),
    }
}

// === impl Closer ===

impl<T: Object> Closer<T> {
    /// Closes an object, unless that was done before.
    fn close(activation: &Arc<Activation<T>>, reason: DeactivationReason) {
        let Some(closing) = TurnLock::close(activation) else { return };
        activation.end_timers();
        let closing = Mutex::new(Some(closing));
        Arc::new(Self { activation: Arc::clone(activation), reason, closing }).wake();
    }

    /// The state, if no turn has it any more.
    fn poll(self: &Arc<Self>) -> Poll<Option<Live<T>>> {
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(future) = closing.as_mut() else { return Poll::Pending };
        let waker = Waker::from(Arc::clone(self));
        let live = ready!(Pin::new(future).poll(&mut Context::from_waker(&waker)));
        *closing = None;
        Poll::Ready(live.flatten())
    }
}

impl<T: Object> Wake for Closer<T> {
    fn wake(self: Arc<Self>) {
        if let Poll::Ready(live) = self.poll() {
            drop_live(&self.activation, live, self.reason);
            gone(&self.activation);
        }
    }
}

// === impl Threshold ===

impl<T: Object> Threshold<T> {
    fn activation(&self) -> &Arc<Activation<T>> {
        self.turn.as_ref().expect(UNTIL_ITS_END).owner()
    }

    /// Looked at after the object's place is taken: a shutdown that began before sees the place, and waits for it.
    fn comes_too_late(&self) -> bool {
        self.activation().object_type().node_state.lifecycle.is_closing()
    }

    /// The object is there, and its first turn goes on.
    fn cross(mut self, object: T, book: Option<Box<Book>>) -> ExclusiveTurn<Activation<T>> {
        let mut turn = self.turn.take().expect(UNTIL_ITS_END);
        came_to_be(turn.owner());
        turn.bring(Some(Live::new(object, book)));
        turn
    }

    /// The object is there, and free.
    #[inline]
    fn cross_and_leave(mut self, object: T, book: Option<Box<Book>>) {
        let turn = self.turn.take().expect(UNTIL_ITS_END);
        came_to_be(turn.owner());
        turn.end_with(Some(Live::new(object, book)));
    }

    fn refuse<R>(self) -> Result<R, ObjectError> {
        self.activation().guard().fail(ActivationFailure::ShuttingDown);
        self.fails(ObjectError::ShuttingDown)
    }

    fn panicked<R>(self, message: String) -> Result<R, ObjectError> {
        self.activation().guard().fail(ActivationFailure::Panicked);
        let object_type = self.activation().object_type();
        object_type.call_metrics.panicked(PanicSite::Activation);
        let type_name = object_type.name.clone();
        tracing::error!(r#type = %type_name, panic = message, "activation panicked");
        self.fails(ObjectError::ActivationPanicked { type_name, message })
    }

    fn fails<R>(self, error: ObjectError) -> Result<R, ObjectError> {
        self.activation().failed(told_to_who_waits(&error));
        Err(error)
    }
}

impl<T: Object> Drop for Threshold<T> {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.owner().guard().end();
            leave(turn);
        }
    }
}

/// Counts an object in that is there.
#[inline]
fn came_to_be<T: Object>(activation: &Activation<T>) {
    let (begun, now) = (activation.last_used(), clock::now());
    activation.came_to_be(now);
    activation.object_type().call_metrics.activation_took(clock::seconds(begun, now));
}

/// A failed activation, as those are told who waited for it.
pub(crate) fn told_to_who_waits(error: &ObjectError) -> SystemError {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}"));
    let message = format!("{error}{}", cause.unwrap_or_default());
    SystemError::new(error.code(), Ran::No, message)
}
