//! The end of a node: it takes no more objects, deactivates those it has, and stops waiting at a limit.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio_util::sync::CancellationToken;

/// How a node's shutdown went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Objects whose deactivation hook ran to its end.
    pub deactivated: u64,
    /// Objects whose hook was cut off, or never began, because the limit was reached.
    pub cut_off: u64,
    /// Objects that are still there because their hook never yields.
    pub left: u64,
}

/// Whether the node is open, closing, or out of patience.
#[derive(Default)]
pub(crate) struct Lifecycle {
    closing: AtomicBool,
    killed: CancellationToken,
    changed: Notify,
    deactivated: AtomicU64,
    cut_off: AtomicU64,
}

// === impl Lifecycle ===

impl Lifecycle {
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Cuts off every hook that still runs, and those that would begin.
    pub(crate) fn kill(&self) {
        self.killed.cancel();
    }

    /// Whether the node is out of patience. The token locks, and most nodes are never closed at all.
    pub(crate) fn is_killed(&self) -> bool {
        self.is_closing() && self.killed.is_cancelled()
    }

    /// Waits until the node is out of patience.
    pub(crate) async fn killed(&self) {
        self.killed.cancelled().await;
    }

    /// The output of `future`, or `None` once the node is out of patience.
    pub(crate) async fn unless_killed<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        if self.is_killed() {
            return None;
        }
        let mut future = std::pin::pin!(future);
        // Most hooks are done at once, and need no token.
        match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            Poll::Ready(output) => Some(output),
            Poll::Pending => self.killed.run_until_cancelled(future).await,
        }
    }

    /// A directory has changed; every drain that waits looks again.
    pub(crate) fn entry_changed(&self) {
        if self.is_closing() {
            self.changed.notify_waiters();
        }
    }

    /// Is done at the first change after it was made, polled or not.
    pub(crate) fn next_change(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub(crate) fn count_deactivated(&self) {
        self.deactivated.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_cut_off(&self) {
        self.cut_off.fetch_add(1, Ordering::Relaxed);
    }

    /// What has become of the objects so far, with those that are `left`.
    pub(crate) fn drained(&self, left: u64) -> Drained {
        let deactivated = self.deactivated.load(Ordering::Relaxed);
        Drained { deactivated, cut_off: self.cut_off.load(Ordering::Relaxed), left }
    }
}
