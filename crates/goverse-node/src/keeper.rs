//! The keeper of a node: the one task that rings alarms and looks for idle objects.
//!
//! It begins with the first object, sleeps until something may be due, and ends with its node and its last object.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::clock::{self, between, now};
use crate::node::{Inner, NodeState};
use crate::object::Object;
use crate::object_type::ObjectType;

/// It does not wake more often than that.
const REST: Duration = Duration::from_millis(2);
/// It looks whether its node is still there as often as that.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// What the node knows of its keeper.
#[derive(Default)]
pub(crate) struct Keeper {
    runs: AtomicBool,
    /// Where it runs, or last did.
    runtime: Mutex<Option<Handle>>,
    /// Told when something is due earlier than all before.
    earlier: Notify,
}

/// A keeper that runs. It goes on without its node, for turns that have not ended may still have to be woken.
struct Running {
    node: Weak<Inner>,
    state: Arc<NodeState>,
}

// === impl Keeper ===

impl Keeper {
    /// There is an object to look after; it may be the first to be looked at.
    pub(crate) fn knows<T: Object>(&self, is_first: bool, object_type: &ObjectType<T>) {
        self.is_needed(object_type);
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// Runs from now on, if it does not yet: the runtime that it ran on may be gone.
    pub(crate) fn is_needed<T: Object>(&self, object_type: &ObjectType<T>) {
        if !self.runs.load(Ordering::Relaxed)
            && let Ok(runtime) = Handle::try_current()
            && !self.runs.swap(true, Ordering::SeqCst)
        {
            *self.lock_runtime() = Some(runtime.clone());
            let state = Arc::clone(&object_type.node_state);
            runtime.spawn(keep(Running { node: object_type.weak_node(), state }));
        }
    }
}

impl Keeper {
    /// Where tasks can be left by those who have no runtime of their own.
    pub(crate) fn runtime(&self) -> Option<Handle> {
        self.lock_runtime().clone()
    }

    fn lock_runtime(&self) -> MutexGuard<'_, Option<Handle>> {
        self.runtime.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep(running: Running) {
    let state = &running.state;
    while running.may_be_needed() {
        let now = now();
        if state.alarms.earliest() <= now {
            state.alarms.ring(now);
        }
        let due = running.collect_idle(now).min(state.alarms.earliest());
        let sleep = between(now, due).clamp(REST, SLEEP_MAX);
        let (sooner, alarm) = (pin!(state.keeper.earlier.notified()), pin!(state.alarms.earlier()));
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = sooner => {}
            () = alarm => {}
        }
    }
}

// === impl Running ===

impl Running {
    /// Whether the node is there, or an object that outlives it.
    fn may_be_needed(&self) -> bool {
        self.node.strong_count() > 0 || Arc::strong_count(&self.state) > 1
    }

    /// Looks for idle objects; when to look again. Nothing keeps the node in between.
    fn collect_idle(&self, now: u64) -> u64 {
        let Some(node) = self.node.upgrade() else { return clock::NEVER };
        let looks = node.types.values().map(|object_type| object_type.collect_idle(now));
        looks.min().unwrap_or(clock::NEVER)
    }
}

impl Drop for Running {
    /// Also when its runtime is dropped.
    fn drop(&mut self) {
        self.state.keeper.runs.store(false, Ordering::SeqCst);
    }
}
