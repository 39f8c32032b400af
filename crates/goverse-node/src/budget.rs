//! How long a task may go on with calls that are answered at once, before others have their turn.
//!
//! tokio gives a task a budget of operations for each time that it is polled, and a call is one of those. But a call
//! may take a tenth of a microsecond, and to give way costs several of them, on another core too when that one is
//! woken for what was given up. So what counts is time: short calls are paid for together, by the microsecond.
//!
//! A method that yields asks for the same, and for the same reason it is not heeded at once: a turn that has yielded
//! after a short time is polled once more before others have theirs. It yields for good if it does so again, or if what
//! has run since others had their turn was not short; and when it takes long after it was not heeded, the next call
//! gives way in its place. So others wait as long for methods that yield as for those that finish at once. tokio promises
//! no more: a task that yields may be the next to run.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

use crate::clock::now;

/// What one unit of tokio's budget buys, in ns of calls. With 128 units a task goes on for a good tenth of a millisecond.
const UNIT: u64 = 1_024;

/// What a call costs beside its turn.
const OVERHEAD: u64 = 64;

/// For how many ns turns go on that have yielded. What it costs to give way is little beside it.
const SLICE: u64 = 32 * UNIT;

/// More than any time: it costs all the units that a task may have.
const OVERDRAWN: u64 = u64::MAX;
const UNITS_MAX: u32 = 128;

/// What runs on a thread until others have their turn.
pub(crate) struct Slice {
    begun: u64,
}

thread_local! {
    /// Time that was spent and not paid for.
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

/// Whether the task may go on; otherwise it is woken when others have had their turn.
#[inline]
pub(crate) fn poll_proceed(cx: &mut Context<'_>) -> Poll<()> {
    if SPENT.get() < UNIT {
        return Poll::Ready(());
    }
    pay(cx)
}

/// Goes on with what takes about as long as an activation, when the task may.
pub(crate) async fn proceed() {
    poll_fn(poll_proceed).await;
    spend(UNIT / 2);
}

/// A turn took so long.
#[inline]
pub(crate) fn spend(nanos: u64) {
    SPENT.set(SPENT.get().saturating_add(nanos + OVERHEAD));
}

#[cold]
fn pay(cx: &mut Context<'_>) -> Poll<()> {
    let units = if SPENT.get() == OVERDRAWN { UNITS_MAX } else { 0 };
    for _ in 0..=units {
        if !coop::has_budget_remaining() {
            SPENT.set(UNIT);
            // tokio itself would put the task aside until its worker has nothing else to do, where no other worker can
            // take it; so woken it stands in line.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(coop::poll_proceed(cx)).made_progress();
    }
    SPENT.set(0);
    Poll::Ready(())
}

// === impl Slice ===

impl Slice {
    pub(crate) fn begin() -> Self {
        Self::begun_at(now())
    }

    pub(crate) fn begun_at(begun: u64) -> Self {
        Self { begun }
    }

    /// Whether a turn that yields is to be heeded.
    pub(crate) fn is_over(&self) -> bool {
        !coop::has_budget_remaining() || now().saturating_sub(self.begun) >= SLICE
    }

    /// A turn that was not heeded went on to its end.
    pub(crate) fn went_on(&self) {
        if self.is_over() {
            SPENT.set(OVERDRAWN);
        }
    }
}
