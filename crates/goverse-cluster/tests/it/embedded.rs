//! The coordinator of one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use goverse_cluster::{BoxFuture, Coordinator, CoordinatorError, Embedded, Revision};
use tokio::runtime::Handle;

use crate::conformance::{self, Subject};
use crate::steps::{TTL, cells, force, put_with};

struct InThisProcess {
    one: Embedded,
    other: Embedded,
}

impl InThisProcess {
    async fn start() -> Self {
        let start = || Embedded::start(&Handle::current());
        Self { one: start(), other: start() }
    }
}

impl Subject for InThisProcess {
    fn coordinator(&self) -> Arc<dyn Coordinator> {
        Arc::new(self.one.clone())
    }

    fn neighbour(&self) -> Arc<dyn Coordinator> {
        Arc::new(self.other.clone())
    }

    fn compact(&self, revision: Revision) -> BoxFuture<'_, ()> {
        self.one.compact(revision);
        Box::pin(std::future::ready(()))
    }
}

conformance::every_promise!(InThisProcess::start());

#[tokio::test]
async fn another_coordinator_has_another_id() {
    let [one, other] = [(), ()].map(|()| Embedded::start(&Handle::current()));
    let ids = [one.read().await.unwrap().cluster, other.read().await.unwrap().cluster];
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test(start_paused = true)]
async fn a_gap_in_its_ticking_lengthens_every_lease() {
    let it = Embedded::start(&Handle::current());
    let lease = it.grant(TTL).await.unwrap().lease;
    force(&it, [put_with("a", "", lease)]).await;
    tokio::task::yield_now().await;
    // As if the process had stood still for an hour: nobody ticked.
    tokio::time::advance(Duration::from_secs(3_600)).await;
    tokio::time::sleep(TTL / 4).await;
    assert_eq!(cells(&it).await.len(), 1);
    // With ticks it is over in time.
    tokio::time::sleep(TTL).await;
    assert_eq!(cells(&it).await, []);
}

#[tokio::test(start_paused = true)]
async fn the_window_of_a_lease_is_closed_by_its_end() {
    let it = Embedded::start(&Handle::current());
    let lease = it.grant(TTL).await.unwrap().lease;
    let is_closed = Arc::new(AtomicBool::new(false));
    let close = Arc::clone(&is_closed);
    it.before_end(lease, Box::new(move || close.store(true, Ordering::SeqCst)));
    tokio::time::sleep(TTL / 2).await;
    assert!(!is_closed.load(Ordering::SeqCst));
    assert!(it.renew(lease).await.is_ok());
    tokio::time::sleep(TTL * 3 / 4).await;
    assert!(!is_closed.load(Ordering::SeqCst));
    tokio::time::sleep(TTL).await;
    assert!(is_closed.load(Ordering::SeqCst));
    assert_eq!(it.renew(lease).await, Err(CoordinatorError::LeaseGone));
}
