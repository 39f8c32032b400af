//! The keeper of a node: the one task that rings alarms and looks for idle objects.
//!
//! It begins with the first object, sleeps until something may be due, and ends with its node.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::clock::{self, between, now};
use crate::node::Inner;
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
    /// Told when something is due earlier than all before.
    earlier: Notify,
}

/// Says that the keeper runs no more, also when its runtime is dropped.
struct Running(Weak<Inner>);

// === impl Keeper ===

impl Keeper {
    /// There is an object to look after; it may be the first to be looked at.
    pub(crate) fn knows<T: Object>(&self, is_first: bool, object_type: &ObjectType<T>) {
        if !self.runs.load(Ordering::Relaxed)
            && let Ok(runtime) = Handle::try_current()
            && let Some(node) = object_type.node()
            && !self.runs.swap(true, Ordering::SeqCst)
        {
            let running = Running(Arc::downgrade(node.inner()));
            runtime.spawn(keep(running));
        }
        if is_first {
            self.earlier.notify_one();
        }
    }
}

async fn keep(running: Running) {
    while let Some(node) = running.0.upgrade() {
        let now = now();
        let state = Arc::clone(&node.state);
        if state.alarms.earliest() <= now {
            state.alarms.ring(now);
        }
        let looks = node.types.values().map(|object_type| object_type.collect_idle(now));
        let next = looks.min().unwrap_or(clock::NEVER);
        // Nothing keeps the node while the keeper sleeps.
        drop(node);
        let due = next.min(state.alarms.earliest());
        let sleep = between(now, due).clamp(REST, SLEEP_MAX);
        let (sooner, alarm) = (pin!(state.keeper.earlier.notified()), pin!(state.alarms.earlier()));
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = sooner => {}
            () = alarm => {}
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(node) = self.0.upgrade() {
            node.state.keeper.runs.store(false, Ordering::SeqCst);
        }
    }
}
