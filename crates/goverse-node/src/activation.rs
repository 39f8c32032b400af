//! The two ends of an object's life: activation and deactivation, each with its hook.

use std::sync::Arc;

use goverse_core::ObjectId;
use goverse_metrics::{ActivationFailure, DeactivationFailure, DeactivationReason, ObjectGuard};

use crate::error::ObjectError;
use crate::node::{Inner, RegisteredType};
use crate::object::{Ctx, ErasedObject};
use crate::run_to_end::{catch, catch_now};

/// An object in memory. The guard is the last field: the object counts until it is gone.
pub(crate) struct Activation {
    object: Box<dyn ErasedObject>,
    cx: Ctx,
    guard: ObjectGuard,
}

/// A place that is taken in a directory; it is given up on drop, unless an object settles in it.
pub(crate) struct Place {
    node: Arc<Inner>,
    registered: Arc<RegisteredType>,
    id: ObjectId,
    settled: bool,
}

/// Brings an object to life in its place.
pub(crate) async fn activate(place: Place) -> Result<(), ObjectError> {
    let registered = Arc::clone(&place.registered);
    let type_name = || registered.name.clone();
    let attempt = registered.metrics.begin_activation();
    let cx = Ctx::new(place.node.address.clone(), type_name(), place.id.clone());
    let life = async {
        let mut object = (registered.construct)();
        object.on_activate(&cx).await.map(|()| object)
    };
    let lifecycle = &place.node.lifecycle;
    match lifecycle.unless_killed(catch(life)).await {
        // The hook blocked its thread past the limit: nobody would deactivate the object any more.
        Some(Ok(Ok(object))) if lifecycle.is_killed() => {
            attempt.fail(ActivationFailure::ShuttingDown);
            let _ = catch_now(|| drop(object));
            Err(ObjectError::ShuttingDown)
        }
        Some(Ok(Ok(object))) => {
            let guard = attempt.succeed();
            place.settle(Activation { object, cx, guard });
            Ok(())
        }
        Some(Ok(Err(source))) => {
            attempt.fail(ActivationFailure::Failed);
            tracing::warn!(r#type = %registered.name, error = %source, "activation failed");
            Err(ObjectError::ActivationFailed { type_name: type_name(), source })
        }
        Some(Err(message)) => {
            attempt.fail(ActivationFailure::Panicked);
            tracing::error!(r#type = %registered.name, panic = message, "activation panicked");
            Err(ObjectError::ActivationPanicked { type_name: type_name(), message })
        }
        None => {
            attempt.fail(ActivationFailure::ShuttingDown);
            Err(ObjectError::ShuttingDown)
        }
    }
}

/// Ends an object. It is gone when this returns, also with an error.
pub(crate) async fn deactivate(
    place: Place,
    activation: Box<Activation>,
    reason: DeactivationReason,
) -> Result<(), ObjectError> {
    let Activation { mut object, cx, mut guard } = *activation;
    guard.ends(reason);
    let lifecycle = &place.node.lifecycle;
    let hook =
        lifecycle.unless_killed(catch(async { object.on_deactivate(&cx, reason).await })).await;
    let dropped = catch_now(|| drop(object));
    let type_name = cx.type_name().clone();
    match &hook {
        None => lifecycle.count_cut_off(),
        Some(_) if reason == DeactivationReason::Shutdown => lifecycle.count_deactivated(),
        Some(_) => {}
    }
    match (hook, dropped) {
        (Some(Ok(Ok(()))), Ok(())) => Ok(()),
        (Some(Ok(Err(source))), Ok(())) => {
            guard.metrics().deactivation_failed(DeactivationFailure::Failed);
            tracing::warn!(r#type = %type_name, error = %source, "deactivation failed");
            Err(ObjectError::DeactivationFailed { type_name, source })
        }
        (Some(Err(message)), _) | (_, Err(message)) => {
            guard.metrics().deactivation_failed(DeactivationFailure::Panicked);
            tracing::error!(r#type = %type_name, panic = message, "deactivation panicked");
            Err(ObjectError::DeactivationPanicked { type_name, message })
        }
        (None, Ok(())) => {
            guard.metrics().deactivation_failed(DeactivationFailure::TimedOut);
            Err(ObjectError::ShuttingDown)
        }
    }
    // The guard ends before the place does, so that who sees the place free sees the gauge down.
}

// === impl Place ===

impl Place {
    /// Takes the place of `id` for an activation; refused if it is taken or the node shuts down.
    pub(crate) fn reserve(
        node: &Arc<Inner>,
        registered: &Arc<RegisteredType>,
        id: ObjectId,
    ) -> Result<Self, ObjectError> {
        if !registered.directory.reserve(&id) {
            return Err(ObjectError::AlreadyExists { type_name: registered.name.clone(), id });
        }
        let place = Self::of(node, registered, id);
        // Looked at after the place is taken: a shutdown that began before sees the place, and waits for it.
        if node.lifecycle.is_closing() {
            registered.metrics.begin_activation().fail(ActivationFailure::ShuttingDown);
            return Err(ObjectError::ShuttingDown);
        }
        Ok(place)
    }

    /// The place of an object that was taken out of its directory.
    pub(crate) fn of(node: &Arc<Inner>, registered: &Arc<RegisteredType>, id: ObjectId) -> Self {
        let (node, registered) = (Arc::clone(node), Arc::clone(registered));
        Self { node, registered, id, settled: false }
    }

    fn settle(mut self, activation: Activation) {
        self.settled = true;
        self.registered.directory.settle(&self.id, activation);
        self.node.lifecycle.entry_changed();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.settled {
            self.registered.directory.remove(&self.id);
            self.node.lifecycle.entry_changed();
        }
    }
}
