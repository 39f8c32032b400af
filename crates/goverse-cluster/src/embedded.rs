//! The coordinator of one process: the same cells, guards, leases and watches as in etcd, in memory.
//!
//! Its leases end by its own clock. When that stood still, or its task was late, each lease lives longer by as much, and
//! the window of a lease's holder is closed before its cells go: so the nodes of the process need no clock to be safe.

mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::coordinator::{
    BoxFuture, Content, Coordinator, CoordinatorError, Grant, LeaseId, Revision, Transaction,
    Verdict, Watch, WatchEvent,
};
use store::Store;

/// How often it looks which leases are over.
const TICK: Duration = Duration::from_millis(50);

/// A coordinator in this process. Clones share it; it is gone with the last of them.
#[derive(Clone)]
pub struct Embedded {
    shared: Arc<Shared>,
}

struct Shared {
    store: Mutex<Store>,
    /// The newest revision, for those who wait for the next.
    newest: watch::Sender<Revision>,
}

/// Keeps the coordinator alive, for it may be the last that knows it.
struct EmbeddedWatch {
    shared: Arc<Shared>,
    said: Revision,
    newest: watch::Receiver<Revision>,
}

// === impl Embedded ===

impl Embedded {
    /// A coordinator that holds nothing. Its task runs on `runtime` until it is dropped.
    pub fn start(runtime: &Handle) -> Self {
        let store = Store::new(cluster_id());
        let newest = watch::Sender::new(store.revision());
        let shared = Arc::new(Shared { store: Mutex::new(store), newest });
        runtime.spawn(tick(Arc::downgrade(&shared)));
        Self { shared }
    }

    /// Forgets the history up to `revision`: a watch from before it fails.
    pub fn compact(&self, revision: Revision) {
        self.shared.lock().compact(revision);
    }
}

/// An id that no other coordinator had, so that its data is not taken for the data of one before it.
fn cluster_id() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

/// Lets the leases grow old, as long as somebody has the coordinator.
async fn tick(shared: Weak<Shared>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = Instant::now();
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        // Not when the tick was due: it may have come late.
        let now = Instant::now();
        // A gap lengthens every lease: what is beyond two ticks has not passed for them.
        let passed = (now - before).min(2 * TICK);
        before = now;
        shared.change(|store| store.pass(passed));
    }
}

impl Coordinator for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn grant(&self, ttl: Duration) -> BoxFuture<'_, Result<Grant, CoordinatorError>> {
        at_once(self.shared.lock().grant(ttl))
    }

    fn renew(&self, lease: LeaseId) -> BoxFuture<'_, Result<Grant, CoordinatorError>> {
        at_once(self.shared.lock().renew(lease))
    }

    fn revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), CoordinatorError>> {
        self.shared.change(|store| store.end(lease));
        at_once(Ok(()))
    }

    fn read(&self) -> BoxFuture<'_, Result<Content, CoordinatorError>> {
        at_once(Ok(self.shared.lock().content()))
    }

    fn modified(&self, key: &str) -> BoxFuture<'_, Result<Option<Revision>, CoordinatorError>> {
        at_once(Ok(self.shared.lock().modified(key)))
    }

    fn transact(
        &self,
        transaction: Transaction,
    ) -> BoxFuture<'_, Result<Verdict, CoordinatorError>> {
        at_once(self.shared.change(|store| store.transact(transaction)))
    }

    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<Box<dyn Watch>, CoordinatorError>> {
        let newest = self.shared.newest.subscribe();
        let watch = EmbeddedWatch { shared: Arc::clone(&self.shared), said: after, newest };
        at_once(Ok(Box::new(watch) as Box<dyn Watch>))
    }

    fn before_end(&self, lease: LeaseId, close: Box<dyn FnOnce() + Send>) {
        self.shared.lock().before_end(lease, close);
    }
}

fn at_once<'a, T: Send + 'a>(output: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(output))
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what may make revisions, and tells those who wait for them.
    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.lock();
        let output = change(&mut store);
        let revision = store.revision();
        drop(store);
        self.newest.send_if_modified(|newest| {
            let is_newer = revision > *newest;
            *newest = revision.max(*newest);
            is_newer
        });
        output
    }
}

// === impl EmbeddedWatch ===

impl Watch for EmbeddedWatch {
    fn next(&mut self) -> BoxFuture<'_, Result<WatchEvent, CoordinatorError>> {
        Box::pin(async {
            loop {
                // What is seen here is not waited for below.
                self.newest.borrow_and_update();
                let next = self.shared.lock().change_after(self.said)?;
                if let Some(change) = next {
                    self.said = change.revision;
                    return Ok(WatchEvent::Changed(change));
                }
                let gone = "the embedded coordinator is gone";
                let waited = self.newest.changed().await;
                waited.map_err(|_| CoordinatorError::Unavailable(gone.to_owned()))?;
            }
        })
    }
}
