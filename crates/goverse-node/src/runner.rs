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

use crate::alarms::TaskAlarm;
use crate::budget::Slice;
use crate::call::poll_in_place;
use crate::clock::{self, NEVER};
use crate::node::NodeState;

/// A call whose turn has come.
pub(crate) trait Comes: Send + Sync {
    /// Runs a method that does not wait; another is returned.
    fn begin(self: Arc<Self>) -> Option<Turning>;
    /// Leaves the object to others, and tells the caller that.
    fn give_up(&self);
    /// Tells the caller that its deadline came before the turn's end.
    fn runs_on(&self);
    fn node_state(&self) -> &Arc<NodeState>;
}

/// A turn that has come and has not begun. It is given up if this is dropped, as when the runtime goes.
pub(crate) struct Start(Option<Arc<dyn Comes>>);

/// A turn that may wait.
pub(crate) struct Turning {
    pub(crate) future: BoxFuture<'static, ()>,
    pub(crate) call: Arc<dyn Comes>,
    /// When the caller waits no more.
    pub(crate) deadline: u64,
    /// When it is cut off, if it is polled then.
    pub(crate) limit: u64,
}

/// A task that runs turns to their end, and then what they granted.
struct Runner {
    current: Option<Turning>,
    /// For what is due of the turns that it carries on, which is seldom come to.
    alarm: Option<TaskAlarm>,
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
            return drop(runtime.spawn(Runner::new(None, waiting)));
        }
        in_a_row += 1;
        if let Some(Turning { future, call, deadline, limit }) = start.begin() {
            let slice = slice.get_or_insert_with(Slice::begin);
            if let Err(future) = poll_in_place(future, slice) {
                carry_on(Turning { future, call, deadline, limit });
            }
        }
        next = GRANTED.with_borrow_mut(VecDeque::pop_front);
    }
}

/// Lets a task carry a turn on that has begun.
///
/// A thread that belongs to no runtime leaves that to the one that the node is looked after on.
pub(crate) fn carry_on(turning: Turning) {
    let runtime = Handle::try_current().ok();
    if let Some(runtime) = runtime.or_else(|| turning.call.node_state().keeper.runtime()) {
        drop(runtime.spawn(Runner::new(Some(turning), VecDeque::new())));
    }
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

// === impl Turning ===

impl Turning {
    /// Whether it is done after a poll that wakes nobody.
    fn is_done_at_once(&mut self) -> bool {
        self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// Goes on with it, in the task whose alarm this is.
    fn poll(&mut self, alarm: &mut Option<TaskAlarm>, cx: &mut Context<'_>) -> Poll<()> {
        let now = clock::now();
        TaskAlarm::see_to(alarm, self.call.node_state(), self.due(), now, cx.waker());
        if self.future.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if self.due() <= now {
            self.came_to(now);
            TaskAlarm::see_to(alarm, self.call.node_state(), self.due(), now, cx.waker());
        }
        Poll::Pending
    }

    /// Tells the caller that it goes on, at its deadline. If it goes on after its limit it looks at that by itself.
    fn came_to(&mut self, now: u64) {
        if self.limit <= now {
            self.limit = NEVER;
        }
        if self.deadline <= now {
            self.deadline = NEVER;
            self.call.runs_on();
        }
    }

    fn due(&self) -> u64 {
        self.deadline.min(self.limit)
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
        let this = &mut *self;
        let mut slice = None;
        for _ in 0..IN_A_ROW_MAX {
            if let Some(current) = &mut this.current {
                if current.poll(&mut this.alarm, cx).is_pending() {
                    this.hand_over();
                    return Poll::Pending;
                }
                this.current = None;
            }
            this.waiting.append(&mut take_granted());
            match this.waiting.pop_front() {
                Some(start) => this.current = start.begin(),
                None => return Poll::Ready(()),
            }
            let slice = slice.get_or_insert_with(Slice::begin);
            // Were it polled with its waker at once, a method that yields would be put aside until its worker has nothing
            // else to do.
            if this.current.as_mut().is_some_and(Turning::is_done_at_once) {
                this.current = None;
            }
            if this.current.is_some() && slice.is_over() {
                // It stands in line with the other tasks from here on.
                this.hand_over();
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        this.waiting.append(&mut take_granted());
        // Others have their turn now.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Runner {
    fn new(current: Option<Turning>, waiting: VecDeque<Start>) -> Self {
        Self { current, alarm: None, waiting }
    }

    /// While its own turn waits, others begin what it has granted.
    fn hand_over(&mut self) {
        self.waiting.append(&mut take_granted());
        if !self.waiting.is_empty() {
            tokio::spawn(Self::new(None, std::mem::take(&mut self.waiting)));
        }
    }
}
