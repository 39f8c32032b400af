//! A call that waits for its turn, with all that it takes to run it: whoever ends the turn before does so.

use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use goverse_core::{ErrorCode, Ran};
use goverse_metrics::CallGuard;

use crate::activation::Activation;
use crate::call::{ActivationOf, CallResult, MetricsOf, is_plain, run, run_plain};
use crate::call_error::SystemError;
use crate::chain::Link;
use crate::clock::{self, after};
use crate::long_way::Rejected;
use crate::method::{Method, Turn};
use crate::node::NodeState;
use crate::object::{Ctx, Object, Wish};
use crate::runner::{self, Comes, Start, Turning};
use crate::state::Once;
use crate::turn::{Ending, RunningTurn, TurnOf};
use crate::turn_lock::{self, Granted, Joined, Refused, TaskWaiter, Ticket, TurnLock};
use crate::waits::StillWaits;

/// What waits for a turn of an object.
pub(crate) enum Waiter<T: Object> {
    /// A task, which then deactivates the object.
    Task(TaskWaiter<Activation<T>>),
    /// A call.
    Call(Arc<dyn AnyWaitingCall<T>>),
}

/// A call of whatever method.
pub(crate) trait AnyWaitingCall<T: Object>: Send + Sync {
    fn deadline(&self) -> u64;
    fn granted(&self);
    fn answer(self: Arc<Self>, turn: Result<Granted<Activation<T>>, Refused>);
}

/// What a call brings to its turn.
pub(crate) struct Brought<M: Method> {
    pub(crate) method: M,
    pub(crate) chain: Option<Arc<Link>>,
    pub(crate) deadline: u64,
    pub(crate) received: u64,
    pub(crate) guard: CallGuard<MetricsOf<M>>,
    /// Set if it is to take effect once.
    pub(crate) once: Option<Box<Once>>,
}

/// A call in the line of an object, or one whose turn a task carries on.
pub(crate) struct WaitingCall<M: Method> {
    activation: ActivationOf<M>,
    deadline: u64,
    /// Its turn has come, though it may not have begun yet.
    is_granted: AtomicBool,
    /// That turn, until it begins.
    granted: Mutex<Option<RunningTurn<M::Object>>>,
    stage: Mutex<Stage<M>>,
}

/// The answer to a call in line; dropped before, the call leaves the line.
pub(crate) struct InLine<M: Method> {
    ticket: Ticket,
    call: Arc<WaitingCall<M>>,
}

/// What became of a call that came to be in line.
pub(crate) enum Queued<M: Method> {
    Waits(InLine<M>),
    /// It was its turn after all.
    Begun(RunningTurn<M::Object>, Brought<M>),
    Overloaded(Brought<M>, ActivationOf<M>),
    Closed(Brought<M>, ActivationOf<M>),
}

enum Stage<M: Method> {
    Waits {
        brought: Brought<M>,
        waker: Option<Waker>,
    },
    Runs {
        waker: Option<Waker>,
    },
    Answered(Answer<M>),
    /// The caller has gone away, or has taken the answer.
    Over,
}

/// A call whose turn runs. Dropped before its end, as when the runtime goes, it tells the caller that.
struct Unanswered<M: Method>(Option<Arc<WaitingCall<M>>>);

/// What a call came to that waited for its turn.
pub(crate) enum Answer<M: Method> {
    /// The turn has run.
    Ran(CallResult<M>),
    /// The turn came too late.
    Rejected(CallGuard<MetricsOf<M>>, Rejected),
    /// The object took no more calls; this one may go to the next.
    Closed(Brought<M>),
}

// === impl Brought ===

impl<M: Method> Brought<M> {
    /// What a call brings that is counted from now on.
    pub(crate) fn new(
        method: M,
        chain: Option<Arc<Link>>,
        deadline: u64,
        received: u64,
        activation: &ActivationOf<M>,
    ) -> Self {
        let guard = CallGuard::begin(MetricsOf::Via(Arc::clone(activation)));
        Self { method, chain, deadline, received, guard, once: None }
    }

    /// The turn that it needs: a call that is to take effect once is no other's business.
    pub(crate) fn turn(&self) -> Turn {
        if self.once.is_some() { Turn::Exclusive } else { M::TURN }
    }
}

// === impl Waiter ===

impl<T: Object> Waiter<T> {
    pub(crate) fn answer(self, turn: Result<Granted<Activation<T>>, Refused>) {
        match self {
            Waiter::Task(task) => task.answer(turn),
            Waiter::Call(call) => call.answer(turn),
        }
    }

    /// Its turn has come.
    pub(crate) fn granted(&self) {
        match self {
            Waiter::Task(_) => {}
            Waiter::Call(call) => call.granted(),
        }
    }

    /// Until when it waits.
    pub(crate) fn deadline(&self) -> u64 {
        match self {
            Waiter::Task(_) => clock::NEVER,
            Waiter::Call(call) => call.deadline(),
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
    fn new(activation: ActivationOf<M>, deadline: u64, stage: Stage<M>) -> Arc<Self> {
        let (is_granted, granted) = (AtomicBool::new(false), Mutex::new(None));
        Arc::new(Self { activation, deadline, is_granted, granted, stage: Mutex::new(stage) })
    }

    /// Puts a call in the line of a busy object.
    pub(crate) fn queue(mut brought: Brought<M>, activation: ActivationOf<M>) -> Queued<M> {
        brought.guard.waits();
        let (deadline, kind) = (brought.deadline, brought.turn());
        let call = Self::new(activation, deadline, Stage::Waits { brought, waker: None });
        let activation = &call.activation;
        let waiter = || Waiter::Call(Arc::clone(&call) as _);
        let turn = match kind {
            Turn::Exclusive => turn_lock::Turn::Exclusive,
            Turn::Shared => turn_lock::Turn::Shared,
        };
        let waiting_max = activation.object_type().settings.waiting_max;
        let joined = TurnLock::begin_or_join(activation, turn, waiting_max, waiter);
        if let Ok(Joined::Waits(ticket)) = joined {
            activation.watch_line(deadline);
            return Queued::Waits(InLine { ticket, call });
        }
        let activation = Arc::clone(activation);
        let brought = call.take(Stage::Over).expect("what stands in no line is answered by nobody");
        match joined {
            Ok(Joined::Begun(turn)) => Queued::Begun(RunningTurn::granted(turn), brought),
            Err(Refused::Overloaded) => Queued::Overloaded(brought, activation),
            Ok(Joined::Waits(_)) | Err(Refused::Closed | Refused::Expired) => {
                Queued::Closed(brought, activation)
            }
        }
    }

    /// A call whose turn runs already, which a task now carries on.
    pub(crate) fn carry_on(
        running: BoxFuture<'static, CallResult<M>>,
        activation: ActivationOf<M>,
        deadline: u64,
        begun: u64,
    ) -> Arc<Self> {
        let object_type = activation.object_type();
        object_type.node_state.keeper.is_needed(object_type);
        let call = Self::new(activation, deadline, Stage::Runs { waker: None });
        runner::carry_on(Arc::clone(&call).turning(running, begun));
        call
    }

    /// Runs a turn to its end.
    fn turning(
        self: Arc<Self>,
        running: impl Future<Output = CallResult<M>> + Send + 'static,
        begun: u64,
    ) -> Turning {
        let deadline = self.deadline;
        let limit = after(begun, self.activation.object_type().settings.turn_limit);
        let call = Arc::clone(&self) as _;
        let mut unanswered = Unanswered(Some(self));
        let future = Box::pin(running.map(move |result| unanswered.give(result)));
        Turning { future, call, deadline, limit }
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

    /// Takes what the call brought, if its turn has not come yet, and leaves `stage`.
    fn take(&self, stage: Stage<M>) -> Option<Brought<M>> {
        let mut current = self.lock();
        match mem::replace(&mut *current, stage) {
            Stage::Waits { mut brought, waker } => {
                if let Stage::Runs { waker: known } = &mut *current {
                    *known = waker;
                }
                drop(current);
                brought.guard.waits_no_more();
                Some(brought)
            }
            other => {
                *current = other;
                None
            }
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

    fn lock(&self) -> MutexGuard<'_, Stage<M>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the call in its turn, or says how to.
    fn run(self: Arc<Self>, turn: RunningTurn<M::Object>) -> Option<Turning> {
        let Some(brought) = self.take(Stage::Runs { waker: None }) else {
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
        if const { is_plain::<M>() } && brought.once.is_none() {
            let Brought { method, chain, deadline, received, guard, .. } = brought;
            let cx = Ctx::new(Arc::clone(turn.activation()), chain, deadline);
            let result = run_plain(turn, method, &cx, guard, received, begun);
            self.give(Answer::Ran(result));
            return None;
        }
        Some(self.turning(run(turn, brought, begun), begun))
    }

    fn lock_granted(&self) -> MutexGuard<'_, Option<RunningTurn<M::Object>>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Method> Comes for WaitingCall<M> {
    fn begin(self: Arc<Self>) -> Option<Turning> {
        let turn = self.lock_granted().take()?;
        self.run(turn)
    }

    fn give_up(&self) {
        let Some(turn) = self.lock_granted().take() else { return };
        turn.end(Ending::Returned(Wish::Stay));
        if let Some(brought) = self.take(Stage::Runs { waker: None }) {
            self.give(Answer::Rejected(brought.guard, Rejected::shutting_down()));
        }
    }

    fn runs_on(&self) {
        self.give(Answer::Ran(Err(runs_on::<M>(&self.activation).into())));
    }

    fn node_state(&self) -> &Arc<NodeState> {
        &self.activation.object_type().node_state
    }
}

impl<M: Method> StillWaits for WaitingCall<M> {
    fn still_waits(&self) -> bool {
        !self.is_granted.load(Ordering::SeqCst)
    }
}

impl<M: Method> AnyWaitingCall<M::Object> for WaitingCall<M> {
    fn deadline(&self) -> u64 {
        self.deadline
    }

    fn granted(&self) {
        self.is_granted.store(true, Ordering::SeqCst);
    }

    fn answer(self: Arc<Self>, turn: Result<Granted<Activation<M::Object>>, Refused>) {
        match turn {
            Ok(granted) => {
                *self.lock_granted() = Some(RunningTurn::granted(granted));
                runner::start(Start::new(self));
            }
            Err(Refused::Expired) => {
                if let Some(brought) = self.take(Stage::Runs { waker: None }) {
                    let node = &brought.guard.owner().object_type().node_state;
                    let rejected = Rejected::overdue(node);
                    self.give(Answer::Rejected(brought.guard, rejected));
                }
            }
            Err(Refused::Closed | Refused::Overloaded) => {
                if let Some(brought) = self.take(Stage::Runs { waker: None }) {
                    self.give(Answer::Closed(brought));
                }
            }
        }
    }
}

// === impl Unanswered ===

impl<M: Method> Unanswered<M> {
    fn give(&mut self, result: CallResult<M>) {
        if let Some(call) = self.0.take() {
            call.give(Answer::Ran(result));
        }
    }
}

impl<M: Method> Drop for Unanswered<M> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call.give(Answer::Ran(Err(lost::<M>(&call.activation).into())));
        }
    }
}

#[cold]
fn lost<M: Method>(activation: &Activation<M::Object>) -> SystemError {
    let object = activation.describe();
    let message = format!("{} of {object} began, and its runtime was shut down", M::NAME);
    SystemError::new(ErrorCode::ShuttingDown, Ran::Maybe, message)
}

#[cold]
fn runs_on<M: Method>(activation: &Activation<M::Object>) -> SystemError {
    let object = activation.describe();
    let message = format!("{} of {object} was not done by the deadline; it goes on", M::NAME);
    SystemError::new(ErrorCode::DeadlineExceeded, Ran::Maybe, message)
}

// === impl InLine ===

impl<M: Method> InLine<M> {
    pub(crate) fn activation(&self) -> &ActivationOf<M> {
        &self.call.activation
    }

    /// What stands in line.
    pub(crate) fn call(&self) -> Arc<dyn StillWaits> {
        Arc::clone(&self.call) as _
    }

    /// Leaves the line, unless the turn has come.
    pub(crate) fn leave(&self) -> Option<Brought<M>> {
        let brought = self.call.take(Stage::Over)?;
        drop(TurnLock::leave(&self.call.activation, self.ticket));
        Some(brought)
    }
}

impl<M: Method> Future for InLine<M> {
    type Output = Answer<M>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer<M>> {
        self.call.poll(cx)
    }
}

impl<M: Method> Drop for InLine<M> {
    fn drop(&mut self) {
        drop(self.leave());
    }
}
