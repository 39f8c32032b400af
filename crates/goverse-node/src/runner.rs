//! Who runs the turns that were waited for: whoever ended the turn before.
//!
//! A turn that comes to a waiting call is not left until the caller's task happens to be polled, for all that while the
//! object would stand still and others would pile up behind it. A method that does not wait is run at once, on the
//! thread that ended the turn before; the first poll of one that may wait too. What is left then goes to a task, and that
//! task goes on with what it grants itself. A turn that has only yielded is mostly done at the next poll, which it gets
//! at once, for a while. After flat combining: Hendler, Incze, Shavit and Tzafrir, *Flat Combining and
//! the Synchronization-Parallelism Tradeoff* (2010).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use crate::budget::Slice;
use crate::call::poll_in_place;
use crate::node::NodeState;

/// A call whose turn has come.
pub(crate) trait Comes: Send + Sync {
    /// Runs a method that does not wait; another is returned.
    fn begin(self: Arc<Self>) -> Option<Turning>;
    /// Leaves the object to others, and tells the caller that.
    fn give_up(&self);
    fn node_state(&self) -> &NodeState;
}

/// A turn that has come and has not begun. It is given up if this is dropped, as when the runtime goes.
pub(crate) struct Start(Option<Arc<dyn Comes>>);

/// A turn that may wait.
pub(crate) struct Turning {
    pub(crate) future: BoxFuture<'static, ()>,
    pub(crate) call: Arc<dyn Comes>,
}

/// A task that runs turns to their end, and then what they granted.
struct Runner {
    current: Option<BoxFuture<'static, ()>>,
    /// What is left when it has gone on for long enough.
    waiting: VecDeque<Start>,
}

/// How many turns are run in a row before others have their turn.
const IN_A_ROW_MAX: usize = 256;

thread_local! {
    /// Whether this thread runs turns that were waited for; what is granted meanwhile is put down here.
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
    static GRANTED: RefCell<VecDeque<Start>> = const { RefCell::new(VecDeque::new()) };
}

/// This thread runs turns, until this is dropped.
struct Running;

/// Whether this thread runs turns that were waited for.
pub(crate) fn is_running() -> bool {
    IS_RUNNING.get()
}

/// Begins a turn that has come, now or as soon as this thread has ended the one that it is running.
pub(crate) fn start(start: Start) {
    if IS_RUNNING.get() {
        return GRANTED.with_borrow_mut(|granted| granted.push_back(start));
    }
    let _running = Running::begin();
    let mut next = Some(start);
    let mut in_a_row = 0;
    let mut slice = None;
    while let Some(start) = next {
        if in_a_row >= IN_A_ROW_MAX
            && let Ok(runtime) = Handle::try_current()
        {
            let mut waiting = take_granted();
            waiting.push_front(start);
            return drop(runtime.spawn(Runner { current: None, waiting }));
        }
        in_a_row += 1;
        if let Some(Turning { future, call }) = start.begin() {
            let slice = slice.get_or_insert_with(Slice::begin);
            if let Err(future) = poll_in_place(future, slice) {
                carry_on(Turning { future, call });
            }
        }
        next = GRANTED.with_borrow_mut(VecDeque::pop_front);
    }
}

/// Lets a task carry a turn on that has begun.
///
/// A thread that belongs to no runtime leaves that to the one that the node is looked after on.
pub(crate) fn carry_on(turning: Turning) {
    let Turning { future, call } = turning;
    let runner = Runner { current: Some(future), waiting: VecDeque::new() };
    let runtime = Handle::try_current().ok();
    if let Some(runtime) = runtime.or_else(|| call.node_state().keeper.runtime()) {
        drop(runtime.spawn(runner));
    }
}

/// What is left of a future after a poll that wakes nobody.
fn poll_once(mut future: BoxFuture<'static, ()>) -> Option<BoxFuture<'static, ()>> {
    let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    polled.is_pending().then_some(future)
}

fn take_granted() -> VecDeque<Start> {
    GRANTED.with_borrow_mut(std::mem::take)
}

// === impl Start ===

impl Start {
    pub(crate) fn new(call: Arc<dyn Comes>) -> Self {
        Self(Some(call))
    }

    fn begin(mut self) -> Option<Turning> {
        self.0.take()?.begin()
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call.give_up();
        }
    }
}

// === impl Running ===

impl Running {
    fn begin() -> Self {
        IS_RUNNING.set(true);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        IS_RUNNING.set(false);
    }
}

// === impl Runner ===

impl Future for Runner {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _running = Running::begin();
        let mut slice = None;
        for _ in 0..IN_A_ROW_MAX {
            if let Some(current) = &mut self.current {
                if current.as_mut().poll(cx).is_pending() {
                    self.hand_over();
                    return Poll::Pending;
                }
                self.current = None;
            }
            self.waiting.append(&mut take_granted());
            match self.waiting.pop_front() {
                Some(start) => self.current = start.begin().map(|turning| turning.future),
                None => return Poll::Ready(()),
            }
            let slice = slice.get_or_insert_with(Slice::begin);
            // Were it polled with its waker at once, a method that yields would be put aside until its worker has nothing
            // else to do.
            self.current = self.current.take().and_then(poll_once);
            if self.current.is_some() && slice.is_over() {
                // It stands in line with the other tasks from here on.
                self.hand_over();
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        self.waiting.append(&mut take_granted());
        // Others have their turn now.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Runner {
    /// While its own turn waits, others begin what it has granted.
    fn hand_over(&mut self) {
        self.waiting.append(&mut take_granted());
        if !self.waiting.is_empty() {
            tokio::spawn(Self { current: None, waiting: std::mem::take(&mut self.waiting) });
        }
    }
}
