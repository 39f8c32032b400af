//! How an object comes from the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use goverse_core::{ErrorCode, ObjectId, Ran};

use crate::activation::Activation;
use crate::call_error::SystemError;
use crate::object::Object;
use crate::object_type::ObjectType;
use crate::state::book::{Book, Stored, Unsaved};
use crate::state::node_store::told;
use crate::state::persistence::Persistence;
use crate::store::{ObjectKey, StoreError, Version};

/// Objects of one type whose last save may yet take effect: up to which version the next load is to raise what is stored.
#[derive(Default)]
pub(crate) struct Unsure(Mutex<HashMap<ObjectId, Version>>);

/// The object as it is stored, or as it begins; and what is known of it.
///
/// # Errors
/// Why it is not to be had.
pub(crate) async fn load<T: Object>(
    activation: &Arc<Activation<T>>,
) -> Result<(T, Option<Box<Book>>), SystemError> {
    match T::PERSISTENCE {
        None => Ok(((activation.object_type().construct)(), None)),
        // Boxed: objects that are not stored need no room for it.
        Some(persistence) => Box::pin(load_stored(activation, persistence)).await,
    }
}

async fn load_stored<T: Object>(
    activation: &Arc<Activation<T>>,
    persistence: Persistence<T>,
) -> Result<(T, Option<Box<Book>>), SystemError> {
    let object_type = activation.object_type();
    let failed =
        |error| told(&error, Ran::No, &format!("{} was not loaded", activation.describe()));
    let raise_to = object_type.unsure.get(activation.id());
    let (tenure, loaded) =
        object_type.store().load(key_of(activation), raise_to).await.map_err(failed)?;
    object_type.store().begin_delivery(&object_type.weak_node());
    if let Some(raised_to) = raise_to {
        deliver_doubtful(activation, raised_to).await.map_err(failed)?;
        object_type.unsure.remove(activation.id());
    }
    let object = match &loaded.state {
        Some(state) => persistence.decode(state).map_err(|why| {
            let message =
                format!("the stored state of {} cannot be read: {why}", activation.describe());
            SystemError::new(ErrorCode::StateUnreadable, Ran::No, message)
        })?,
        None => (object_type.construct)(),
    };
    let stored = Stored {
        tenure,
        version: loaded.version,
        has_call_records: loaded.has_call_records,
        unsaved: Unsaved::default(),
    };
    Ok((object, Some(Box::new(Book { stored: Some(stored), ..Book::default() }))))
}

/// Hands over the calls of the save that was in doubt, if it has taken effect: before the object can ask for others, which
/// come after them.
async fn deliver_doubtful<T: Object>(
    activation: &Arc<Activation<T>>,
    raised_to: Version,
) -> Result<(), StoreError> {
    let object_type = activation.object_type();
    let in_doubt = Version(raised_to.0.saturating_sub(1));
    let calls = object_type.store().outgoing_since(&key_of(activation), in_doubt).await?;
    object_type.store().delivery.send(&object_type.weak_node(), calls);
    Ok(())
}

/// The object's address in the store.
pub(super) fn key_of<T: Object>(activation: &Activation<T>) -> ObjectKey {
    let ObjectType { name, .. } = &**activation.object_type();
    ObjectKey { type_name: name.clone(), id: activation.id().clone() }
}

// === impl Unsure ===

impl Unsure {
    /// A save that was to make `next` may yet take effect.
    pub(super) fn add(&self, id: &ObjectId, next: Version) {
        let raise_to = Version(next.0.saturating_add(1));
        self.lock().insert(id.clone(), raise_to);
    }

    pub(super) fn get(&self, id: &ObjectId) -> Option<Version> {
        self.lock().get(id).copied()
    }

    pub(super) fn remove(&self, id: &ObjectId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectId, Version>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
