//! A call that waits for its turn, with all that it takes to run it: whoever ends the turn before does so.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use goverse_metrics::{CallGuard, QueuedGuard};

use crate::activation::Activation;
use crate::call::{CallResult, MetricsOf, run, run_plain};
use crate::chain::Link;
use crate::clock;
use crate::long_way::Rejected;
use crate::method::Method;
use crate::object::{Ctx, Object, Wish};
use crate::object_type::ObjectType;
use crate::runner::{self, Start};
use crate::turn::{Ending, RunningTurn};
use crate::turn_lock::{Granted, Refused, TaskWaiter};

/// What waits for a turn of an object.
pub(crate) enum Waiter<T: Object> {
    /// A task, which then deactivates the object.
    Task(TaskWaiter<Activation<T>>),
    /// A call.
    Call(Arc<dyn AnyWaitingCall<T>>),
}

/// A call of whatever method.
pub(crate) trait AnyWaitingCall<T: Object>: Send + Sync {
    fn answer(self: Arc<Self>, turn: Result<Granted<Activation<T>>, Refused>);
}

/// What a call brings to its turn.
pub(crate) struct Brought<M: Method> {
    pub(crate) method: M,
    pub(crate) chain: Option<Arc<Link>>,
    pub(crate) deadline: u64,
    pub(crate) received: u64,
    pub(crate) guard: CallGuard<MetricsOf<M>>,
}

/// A call in the line of an object.
pub(crate) struct WaitingCall<M: Method> {
    stage: Mutex<Stage<M>>,
}

enum Stage<M: Method> {
    Waits { brought: Brought<M>, waker: Option<Waker>, _queued: QueuedGuard<MetricsOf<M>> },
    Runs { waker: Option<Waker> },
    Answered(Answer<M>),
    /// The caller has gone away, or has taken the answer.
    Over,
}

/// What a call came to that waited for its turn.
pub(crate) enum Answer<M: Method> {
    /// The turn has run.
    Ran(CallResult<M>),
    /// The turn came too late.
    Rejected(CallGuard<MetricsOf<M>>, Rejected),
    /// The object took no more calls; this one may go to the next.
    Closed(Brought<M>),
}

/// What the deadline found.
pub(crate) enum Overdue<M: Method> {
    /// The turn had not begun, and will not.
    Waited(Brought<M>),
    /// The turn runs.
    Runs,
    /// The turn had just ended.
    Answered(Answer<M>),
}

// === impl Waiter ===

impl<T: Object> Waiter<T> {
    pub(crate) fn answer(self, turn: Result<Granted<Activation<T>>, Refused>) {
        match self {
            Waiter::Task(task) => task.answer(turn),
            Waiter::Call(call) => call.answer(turn),
        }
    }
}

impl<T: Object> From<TaskWaiter<Activation<T>>> for Waiter<T> {
    fn from(task: TaskWaiter<Activation<T>>) -> Self {
        Waiter::Task(task)
    }
}

// === impl WaitingCall ===

impl<M: Method> WaitingCall<M> {
    pub(crate) fn new(brought: Brought<M>, object_type: &Arc<ObjectType<M::Object>>) -> Self {
        let _queued = QueuedGuard::begin(MetricsOf::<M>(Arc::clone(object_type)));
        Self { stage: Mutex::new(Stage::Waits { brought, waker: None, _queued }) }
    }

    /// A call whose turn runs already, and what is to run it further.
    pub(crate) fn begun(running: BoxFuture<'static, CallResult<M>>) -> (Arc<Self>, BoxFuture<'static, ()>) {
        let call = Arc::new(Self { stage: Mutex::new(Stage::Runs { waker: None }) });
        let rest = Arc::clone(&call).to_the_end(running);
        (call, Box::pin(rest))
    }

    async fn to_the_end(self: Arc<Self>, running: impl Future<Output = CallResult<M>>) {
        let result = running.await;
        self.give(Answer::Ran(result));
    }

    /// Whether the turn has not come yet.
    pub(crate) fn waits(&self) -> bool {
        matches!(*self.lock(), Stage::Waits { .. })
    }

    /// Waits for the answer.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Answer<M>> {
        let mut stage = self.lock();
        let (Stage::Waits { waker, .. } | Stage::Runs { waker }) = &mut *stage else {
            return match mem::replace(&mut *stage, Stage::Over) {
                Stage::Answered(answer) => Poll::Ready(answer),
                _ => panic!("a call is not polled after its answer"),
            };
        };
        let before = match waker {
            Some(known) if known.will_wake(cx.waker()) => None,
            known => known.replace(cx.waker().clone()),
        };
        // A waker is foreign code, also its drop.
        drop(stage);
        drop(before);
        Poll::Pending
    }

    /// Ends the waiting: a turn that has not begun will not.
    pub(crate) fn give_up(&self) -> Overdue<M> {
        let mut stage = self.lock();
        match mem::replace(&mut *stage, Stage::Over) {
            Stage::Waits { brought, .. } => Overdue::Waited(brought),
            Stage::Runs { .. } | Stage::Over => Overdue::Runs,
            Stage::Answered(answer) => Overdue::Answered(answer),
        }
    }

    /// Takes what the call brought, for its turn has come; `None` if the caller has gone away.
    fn begin(&self) -> Option<Brought<M>> {
        let mut stage = self.lock();
        match mem::replace(&mut *stage, Stage::Over) {
            Stage::Waits { brought, waker, _queued } => {
                *stage = Stage::Runs { waker };
                Some(brought)
            }
            _ => None,
        }
    }

    fn give(&self, answer: Answer<M>) {
        let mut stage = self.lock();
        let waker = match &mut *stage {
            Stage::Waits { waker, .. } | Stage::Runs { waker } => waker.take(),
            Stage::Answered(_) | Stage::Over => {
                // Nobody waits any more; what is dropped is foreign, so the mutex goes first.
                drop(stage);
                return drop(answer);
            }
        };
        let before = mem::replace(&mut *stage, Stage::Answered(answer));
        drop(stage);
        drop(before);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Runs the call in its turn, or says how to.
    fn run(self: Arc<Self>, turn: RunningTurn<M::Object>) -> Option<BoxFuture<'static, ()>> {
        let Some(brought) = self.begin() else {
            turn.end(Ending::Returned(Wish::Stay));
            return None;
        };
        let begun = clock::now();
        let node = &turn.activation().object_type().node_state;
        if let Some(rejected) = Rejected::at_the_turn(brought.deadline, begun, node) {
            turn.end(Ending::Returned(Wish::Stay));
            self.give(Answer::Rejected(brought.guard, rejected));
            return None;
        }
        let Brought { method, chain, deadline, received, guard } = brought;
        if M::PLAIN {
            let cx = Ctx::new(Arc::clone(turn.activation()), chain, deadline);
            let result = run_plain(turn, method, &cx, guard, received, begun);
            self.give(Answer::Ran(result));
            return None;
        }
        Some(Box::pin(self.to_the_end(run(turn, method, chain, deadline, guard, received))))
    }

    /// The object takes no more calls.
    fn close(&self) {
        let mut stage = self.lock();
        match mem::replace(&mut *stage, Stage::Over) {
            Stage::Waits { brought, waker, _queued } => {
                *stage = Stage::Answered(Answer::Closed(brought));
                drop(stage);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            other => *stage = other,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stage<M>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Method> AnyWaitingCall<M::Object> for WaitingCall<M> {
    fn answer(self: Arc<Self>, turn: Result<Granted<Activation<M::Object>>, Refused>) {
        match turn {
            Ok(granted) => {
                let turn = RunningTurn::granted(granted);
                let start: Start = Box::new(move || self.run(turn));
                runner::start(start);
            }
            Err(_) => self.close(),
        }
    }
}
