//! Objects of one type with unsaved changes, where the type saves so long after a change.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use goverse_metrics::DeactivationReason;
use tokio::sync::Semaphore;

use crate::activation::Activation;
use crate::clock;
use crate::life;
use crate::object::Object;
use crate::object_type::ObjectType;
use crate::state::commit::{state_of, write_after_doubt};
use crate::state::persistence::WritePolicy;
use crate::store::{Change, StoreError};
use crate::turn_lock::TurnLock;

/// How many are saved at once.
const SAVES_MAX: usize = 256;
/// How long to wait after the store was not there.
const REST: Duration = Duration::from_secs(1);

/// Which objects have unsaved changes, and since when.
pub(crate) struct Unsaved<T: Object> {
    queue: Mutex<Queue<T>>,
}

/// Since when, and which.
type Changed<T> = (u64, Weak<Activation<T>>);

struct Queue<T: Object> {
    /// In the order of their first unsaved change.
    changed: VecDeque<Changed<T>>,
    /// Since when those are unsaved that are being saved.
    under_way: Vec<u64>,
    /// Whether a task looks after them.
    runs: bool,
}

// === impl Unsaved ===

impl<T: Object> Default for Unsaved<T> {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Queue {
                changed: VecDeque::new(),
                under_way: Vec::new(),
                runs: false,
            }),
        }
    }
}

impl<T: Object> Unsaved<T> {
    /// An object has changed, and was as it is stored before.
    pub(super) fn add(&self, activation: &Arc<Activation<T>>) {
        let mut queue = self.lock();
        queue.changed.push_back((clock::now(), Arc::downgrade(activation)));
        if !std::mem::replace(&mut queue.runs, true) {
            tokio::spawn(save_in_time(Arc::clone(activation.object_type())));
        }
    }

    /// Since when the oldest change waits, if any does.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let queue = self.lock();
        let waiting = queue.changed.front().map(|(since, _)| *since);
        queue.under_way.iter().copied().chain(waiting).min()
    }

    /// The next object to save, if that is due; else how long to wait. Nothing if there is none.
    fn next(&self, interval: Duration) -> Option<Result<Changed<T>, Duration>> {
        let mut queue = self.lock();
        let Some((since, _)) = queue.changed.front() else {
            queue.runs = false;
            return None;
        };
        let (due, now) = (clock::after(*since, interval), clock::now());
        if due > now {
            return Some(Err(clock::between(now, due)));
        }
        let next = queue.changed.pop_front()?;
        queue.under_way.push(next.0);
        Some(Ok(next))
    }

    /// What was unsaved since then is saved, or gone.
    fn done(&self, since: u64) {
        let mut queue = self.lock();
        if let Some(index) = queue.under_way.iter().position(|other| *other == since) {
            queue.under_way.swap_remove(index);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Saves what is due, until nothing is unsaved.
async fn save_in_time<T: Object>(object_type: Arc<ObjectType<T>>) {
    let WritePolicy::Interval(interval) = object_type.write_policy() else { return };
    let saves = Arc::new(Semaphore::new(SAVES_MAX));
    while let Some(next) = object_type.unsaved.next(interval) {
        match next {
            Err(wait) => tokio::time::sleep(wait).await,
            Ok((since, activation)) => {
                let Some(activation) = activation.upgrade() else {
                    object_type.unsaved.done(since);
                    continue;
                };
                let Ok(permit) = Arc::clone(&saves).acquire_owned().await else { return };
                tokio::spawn(async move {
                    save(&activation).await;
                    activation.object_type().unsaved.done(since);
                    drop(permit);
                });
            }
        }
    }
}

/// Saves an object in a turn of its own.
async fn save<T: Object>(activation: &Arc<Activation<T>>) {
    loop {
        let turn = TurnLock::begin_exclusive(Arc::clone(activation), usize::MAX).await;
        let Ok(mut turn) = turn else { return };
        let Some(live) = turn.as_mut() else { return };
        let Some(stored) = live.book.as_mut().and_then(|book| book.stored.as_mut()) else { return };
        if stored.unsaved.is_empty() {
            return;
        }
        let written = match state_of(activation, &live.object) {
            Ok(state) => write_after_doubt(activation, stored, Change::Put(state)).await,
            Err(error) => Err(StoreError::Refused(error.to_string())),
        };
        match written {
            Ok(()) => return,
            Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) => {}
            Err(error) => return give_up(turn, &error),
        }
        drop(turn);
        tokio::time::sleep(REST).await;
    }
}

/// The object is not the newest, or cannot be saved at all.
fn give_up<T: Object>(turn: crate::turn_lock::ExclusiveTurn<Activation<T>>, error: &StoreError) {
    let object = turn.owner().describe();
    tracing::error!(object, %error, "an object was dropped with changes that could not be saved");
    life::drop_object(turn, DeactivationReason::NotSaved);
}
