//! Runs a future to its end, whatever becomes of the task that began it.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::nesting::Nested;

/// Polls `future` once in place, if there is stack for it; if it is not done then, a task of its own carries it on.
///
/// A caller that goes away while it waits therefore never leaves the work half done. The future must
/// not panic: what may panic inside it is wrapped in [`catch`].
///
/// # Errors
/// `None` when the runtime stops before the future has ended.
pub(crate) fn run_to_end<T, F>(future: F) -> impl Future<Output = Option<T>> + Send
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    // Boxed before there is another future around it, which would have room for it twice.
    let mut future = Box::pin(future);
    async move {
        let mut in_place = |cx: &mut Context<'_>| match Nested::enter() {
            Some(_nested) => future.as_mut().poll(cx),
            None => Poll::Pending,
        };
        match poll_fn(|cx| Poll::Ready(in_place(cx))).await {
            Poll::Ready(output) => Some(output),
            Poll::Pending => tokio::spawn(future).await.ok(),
        }
    }
}

/// What was done at once, or is going on.
pub(crate) enum Doing<T> {
    Done(T),
    GoesOn(BoxFuture<'static, Option<T>>),
}

/// As [`run_to_end`], for one who may be answered without a future.
pub(crate) fn begin_in_place<T, F>(future: F) -> Doing<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut future = Box::pin(future);
    if let Some(_nested) = Nested::enter()
        && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    {
        return Doing::Done(output);
    }
    Doing::GoesOn(Box::pin(async { tokio::spawn(future).await.ok() }))
}

/// The output of `future`, or what its panic said.
pub(crate) fn catch<T>(future: impl Future<Output = T>) -> impl Future<Output = Result<T, String>> {
    let caught = AssertUnwindSafe(future).catch_unwind();
    caught.map(|result| result.map_err(|payload| panic_message(&*payload)))
}

/// What `act` returns, or what its panic said.
pub(crate) fn catch_now<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(AssertUnwindSafe(act)).map_err(|payload| panic_message(&*payload))
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}
