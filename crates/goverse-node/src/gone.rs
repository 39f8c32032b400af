//! Activations that have left their place, for the few who wait for that.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Tells who waits that some activation of a type is gone. To tell nobody costs a look.
#[derive(Default)]
pub(crate) struct Gone {
    waiting: AtomicUsize,
    notify: Notify,
}

/// Counts as waiting, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

// === impl Gone ===

impl Gone {
    /// Some activation is gone.
    pub(crate) fn tell(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.notify.notify_waiters();
        }
    }

    /// Waits until `is_gone`, which looks under the lock that the place is given up under.
    pub(crate) async fn until(&self, is_gone: impl Fn() -> bool) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        loop {
            let mut told = pin!(self.notify.notified());
            told.as_mut().enable();
            if is_gone() {
                return;
            }
            told.await;
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
