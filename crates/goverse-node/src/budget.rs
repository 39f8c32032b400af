//! How long a task may go on with calls that are answered at once, before others have their turn.
//!
//! tokio gives a task a budget of operations for each time that it is polled, and a call is one of those. But a call
//! may take a tenth of a microsecond, and to give way costs several of them, on another core too when that one is
//! woken for what was given up. So what counts is time: short calls are paid for together, by the microsecond.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

/// What one unit of tokio's budget buys, in ns of calls. With 128 units a task goes on for a good tenth of a millisecond.
const UNIT: u64 = 1_024;

/// What a call costs beside its turn.
const OVERHEAD: u64 = 64;

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
    if !coop::has_budget_remaining() {
        // tokio itself would put the task aside until its worker has nothing else to do, where no other worker can
        // take it; so woken it stands in line.
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    ready!(coop::poll_proceed(cx)).made_progress();
    SPENT.set(0);
    Poll::Ready(())
}
