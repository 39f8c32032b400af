//! The end of a turn that may have changed its object: what is saved, and what follows if it is not.

use std::sync::Arc;
use std::time::Duration;

use goverse_core::{ErrorCode, Ran};

use crate::activation::{Activation, Live};
use crate::call_error::SystemError;
use crate::method::Method;
use crate::object::{Ctx, Object, Wish};
use crate::outcome::Outcome;
use crate::run_to_end::catch_now;
use crate::state::book::{Book, Stored, Unsaved, outgoing_of};
use crate::state::loading::{Unsure, key_of};
use crate::state::node_store::{told, unix_ms};
use crate::state::once::Once;
use crate::state::persistence::{ENCODING, WritePolicy};
use crate::store::{CallRecord, Change, Save, StoreError, StoredState, Version};
use crate::turn::{RunningTurn, TurnOf};
use tokio::time::Instant;

/// A save that was given to the store. Dropped before it has an answer, it may yet take effect.
struct UnderWay<'a> {
    unsure: &'a Unsure,
    id: &'a goverse_core::ObjectId,
    /// Gone once the outcome is known.
    next: Option<Version>,
}

/// How long to wait between two attempts to save an object that is to go.
const REST: Duration = Duration::from_millis(100);

/// Whether a turn of this method may have to be saved.
pub(crate) const fn may_commit<M: Method>() -> bool {
    <M::Object as Object>::PERSISTENCE.is_some()
        && matches!(M::TURN, crate::method::Turn::Exclusive)
}

/// Why a turn with `&self` may not ask for the deletion of its object.
pub(crate) fn shared_turn_refused(cx: &Ctx) -> SystemError {
    nothing_saved(cx, "only a method with `&mut self` can delete its object")
}

/// Saves what the turn did, or says why that does not count.
pub(crate) async fn commit<M: Method>(
    turn: &mut RunningTurn<M::Object>,
    cx: &Ctx,
    outcome: Outcome<M>,
    once: Option<&Once>,
) -> Outcome<M> {
    let (Some(saving), Outcome::Returned(result)) = (cx.saving(), &outcome) else { return outcome };
    if let Some(refused) = saving.refused() {
        return Outcome::NotSaved(refused.clone());
    }
    let activation = Arc::clone(turn.activation());
    let Some(mut book) = saving.take_book() else {
        return Outcome::NotSaved(abandoned_save(&activation));
    };
    let kept = activation.object_type().node_state.settings.call_results_kept;
    let record = match once.map(|once| once.record::<M>(result, kept)).transpose() {
        Ok(record) => record,
        Err(error) => return Outcome::NotSaved(error),
    };
    let Some(live) = turn.live_mut() else { return outcome };
    let saved = match (&mut book.stored, cx.wish()) {
        (None, _) => {
            book.remember(record);
            Ok(())
        }
        (Some(_), Wish::RollBack) => save_record(&activation, record).await,
        (Some(stored), wish) => {
            let was_saved = stored.unsaved.is_empty();
            stored.unsaved.outgoing.append(&mut saving.take_outgoing());
            stored.unsaved.calls.extend(record);
            stored.unsaved.is_changed = true;
            save_turn(&activation, live, stored, wish, was_saved).await
        }
    };
    match saved {
        Ok(()) => {
            live.book = Some(book);
            outcome
        }
        Err(error) => Outcome::NotSaved(error),
    }
}

/// Saves a turn now, or as soon as the type's policy says.
async fn save_turn<T: Object>(
    activation: &Arc<Activation<T>>,
    live: &Live<T>,
    stored: &mut Stored,
    wish: Wish,
    was_saved: bool,
) -> Result<(), SystemError> {
    if wish == Wish::Delete {
        return write(activation, stored, Change::Delete)
            .await
            .map_err(|error| not_saved(activation, &error));
    }
    match activation.object_type().write_policy() {
        WritePolicy::EveryCall => {
            let change = Change::Put(state_of(activation, &live.object)?);
            write(activation, stored, change).await.map_err(|error| not_saved(activation, &error))
        }
        WritePolicy::Interval(_) => {
            if was_saved {
                activation.object_type().unsaved.add(activation);
            }
            Ok(())
        }
        WritePolicy::OnDeactivate => Ok(()),
    }
}

/// Saves a state within its turn, see [`Ctx::save`].
pub(crate) async fn save_within<T: Object>(cx: &Ctx, object: &T) -> Result<(), SystemError> {
    let Some(activation) = cx.activation_of::<T>() else {
        return Err(nothing_saved(cx, "this is another object"));
    };
    let activation = &activation;
    let Some(saving) = cx.saving().filter(|saving| saving.is_persistent()) else {
        return Err(nothing_saved(cx, "this turn saves nothing"));
    };
    if saving.has_call_id {
        return Err(nothing_saved(cx, "a call with an id is saved as a whole, at its end"));
    }
    let state = state_of(activation, object)?;
    let taken = saving.take_book().ok_or_else(|| abandoned_save(activation));
    let mut book = taken.inspect_err(|error| saving.refuse(error.clone()))?;
    let stored = book.stored.as_mut().expect("looked at above");
    stored.unsaved.outgoing.append(&mut saving.take_outgoing());
    let saved = write(activation, stored, Change::Put(state)).await;
    saving.return_book(book);
    saved.map_err(|error| {
        let error = not_saved(activation, &error);
        saving.refuse(error.clone());
        error
    })
}

/// What a turn is told that asks for a save where there is none.
pub(super) fn nothing_saved(cx: &Ctx, why: &str) -> SystemError {
    let object = crate::activation::describe(cx.type_name(), cx.id().as_str());
    SystemError::new(
        ErrorCode::NotPersistent,
        Ran::Maybe,
        format!("{object} cannot be saved: {why}"),
    )
}

/// Keeps the answer of a call that took back what it did: the state stays as it is stored.
async fn save_record<T: Object>(
    activation: &Arc<Activation<T>>,
    record: Option<CallRecord>,
) -> Result<(), SystemError> {
    let Some(record) = record else { return Ok(()) };
    let failed = |error: StoreError| not_saved(activation, &error);
    let store = activation.object_type().store();
    let (tenure, loaded) = store.load(key_of(activation), None).await.map_err(failed)?;
    let change = loaded.state.map_or(Change::Delete, Change::Put);
    let unsaved = Unsaved { calls: vec![record], ..Unsaved::default() };
    let mut stored = Stored { tenure, version: loaded.version, has_call_records: true, unsaved };
    write(activation, &mut stored, change).await.map_err(failed)
}

/// Saves a change with all that is unsaved.
pub(super) async fn write<T: Object>(
    activation: &Arc<Activation<T>>,
    stored: &mut Stored,
    change: Change,
) -> Result<(), StoreError> {
    let object_type = activation.object_type();
    let (object, now) = (key_of(activation), unix_ms());
    // What is made anew begins where no object of this id can have been before.
    let next = if stored.version == Version(0) { now * 1000 } else { stored.version.0 + 1 };
    let next = Version(next);
    let outgoing = outgoing_of(&object, next, now, &stored.unsaved.outgoing);
    let save = Save {
        object,
        tenure: stored.tenure.clone(),
        expected: stored.version,
        next,
        change,
        now,
        calls: stored.unsaved.calls.clone(),
        outgoing: outgoing.clone(),
    };
    let mut under_way =
        UnderWay { unsure: &object_type.unsure, id: activation.id(), next: Some(next) };
    let result = object_type.store().save(save).await;
    if !matches!(result, Err(StoreError::Unknown(_))) {
        under_way.next = None;
    }
    result?;
    stored.version = next;
    stored.has_call_records |= !stored.unsaved.calls.is_empty();
    stored.unsaved = Unsaved::default();
    object_type.store().delivery.send(&object_type.weak_node(), outgoing);
    Ok(())
}

/// Saves a change of an activation that outlives a save of unknown outcome: that one has landed before this, or never
/// will. What it was to save is in this one, too.
pub(super) async fn write_after_doubt<T: Object>(
    activation: &Arc<Activation<T>>,
    stored: &mut Stored,
    change: Change,
) -> Result<(), StoreError> {
    let object_type = activation.object_type();
    let raise_to = object_type.unsure.get(activation.id());
    if raise_to.is_some() {
        let (_, loaded) = object_type.store().load(key_of(activation), raise_to).await?;
        object_type.unsure.remove(activation.id());
        stored.version = loaded.version;
    }
    write(activation, stored, change).await
}

/// Saves all that is unsaved of an object that is to go, for as long as a turn may take.
pub(crate) async fn save_at_the_end<T: Object>(
    activation: &Arc<Activation<T>>,
    live: &mut Live<T>,
    state: StoredState,
    is_changed: bool,
) -> Result<(), SystemError> {
    let stored = live.book.as_mut().and_then(|book| book.stored.as_mut());
    let Some(stored) = stored.filter(|stored| is_changed || !stored.unsaved.is_empty()) else {
        return Ok(());
    };
    let end = Instant::now() + activation.object_type().settings.turn_limit;
    loop {
        match write_after_doubt(activation, stored, Change::Put(state.clone())).await {
            Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) if Instant::now() < end => {
                tokio::time::sleep(REST).await
            }
            saved => return saved.map_err(|error| not_saved(activation, &error)),
        }
    }
}

/// The object's state, as it is stored.
pub(crate) fn state_of<T: Object>(
    activation: &Activation<T>,
    object: &T,
) -> Result<StoredState, SystemError> {
    let persistence = T::PERSISTENCE.expect("only the state of persistent types is asked for");
    let unencodable = |error: &dyn std::fmt::Display| {
        let message = format!("the state of {} was not saved: {error}", activation.describe());
        SystemError::new(ErrorCode::Unencodable, Ran::Yes, message)
    };
    match catch_now(|| (persistence.encode)(object)) {
        Ok(Ok(bytes)) => Ok(StoredState { schema: persistence.schema, encoding: ENCODING, bytes }),
        Ok(Err(error)) => Err(unencodable(&error)),
        Err(panic) => Err(unencodable(&panic)),
    }
}

pub(super) fn not_saved<T: Object>(activation: &Activation<T>, error: &StoreError) -> SystemError {
    let what = format!("what {} did was not saved, and it was dropped", activation.describe());
    told(error, Ran::Yes, &what)
}

fn abandoned_save<T: Object>(activation: &Activation<T>) -> SystemError {
    let object = activation.describe();
    let message = format!("a save within a turn of {object} was given up, and it was dropped");
    SystemError::new(ErrorCode::OutcomeUnknown, Ran::Maybe, message)
}

// === impl UnderWay ===

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(next) = self.next {
            self.unsure.add(self.id, next);
        }
    }
}

// === impl Book ===

impl Book {
    /// Keeps the record of a call for as long as the activation lives, or the record is to be kept.
    fn remember(&mut self, record: Option<CallRecord>) {
        let Some(record) = record else { return };
        if self.records.len() == self.records.capacity() {
            let now = unix_ms();
            self.records.retain(|_, record| record.kept_until > now);
        }
        self.records.insert(record.call_id.clone(), record);
    }
}
