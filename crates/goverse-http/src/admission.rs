//! How much work is done at once for whoever asks: some at a time, some more wait, the rest is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Admits work.
#[derive(Debug)]
pub struct Admission {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// Work that was admitted, for as long as this lives.
///
/// It goes where the work goes: when a blocking task does the work, into that task, which goes on when the
/// client that asked has gone away.
#[derive(Debug)]
#[must_use = "the next one is admitted when this is dropped"]
pub struct Admitted {
    _place: OwnedSemaphorePermit,
}

/// One who waits, counted while this lives.
struct Waiting<'a>(&'a AtomicUsize);

// === impl Admission ===

impl Admission {
    /// Admits `at_once` pieces of work beside each other, while `waiting_max` more may wait.
    pub fn new(at_once: usize, waiting_max: usize) -> Self {
        let places = Arc::new(Semaphore::new(at_once));
        Self { places, waiting: AtomicUsize::new(0), waiting_max }
    }

    /// Waits for a place; `None` when too many wait already.
    pub async fn admit(&self) -> Option<Admitted> {
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            return None;
        }
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        drop(waiting);
        Some(Admitted { _place: place })
    }
}

// === impl Waiting ===

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::{Admission, Admitted};

    fn poll(admit: std::pin::Pin<&mut impl Future<Output = Option<Admitted>>>) -> Poll<bool> {
        let admitted = admit.poll(&mut Context::from_waker(Waker::noop()));
        admitted.map(|admitted| admitted.map(std::mem::forget).is_some())
    }

    #[test]
    fn some_work_some_wait_the_rest_is_refused() {
        let admission = Admission::new(1, 2);
        assert_eq!(poll(pin!(admission.admit())), Poll::Ready(true));
        let (mut first, mut second) = (Box::pin(admission.admit()), Box::pin(admission.admit()));
        assert_eq!(poll(first.as_mut()), Poll::Pending);
        assert_eq!(poll(second.as_mut()), Poll::Pending);
        assert_eq!(poll(pin!(admission.admit())), Poll::Ready(false));
        // One who goes away makes room to wait, and a place that is given back is taken by the next.
        drop(first);
        assert_eq!(poll(pin!(admission.admit())), Poll::Pending);
        admission.places.add_permits(1);
        assert_eq!(poll(second.as_mut()), Poll::Ready(true));
    }
}
