//! A call that waits for its turn, with all that it takes to run it: whoever ends the turn before does so.

use std::mem;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use goverse_core::{ErrorCode, Ran};
use goverse_metrics::CallGuard;

use crate::activation::Activation;
use crate::alarms::Expired;
use crate::call::{ActivationOf, CallResult, MetricsOf, is_plain, run, run_plain};
use crate::call_error::SystemError;
use crate::chain::Link;
use crate::clock;
use crate::long_way::Rejected;
use crate::method::{Method, Turn};
use crate::object::{Ctx, Object, Wish};
use crate::runner::{self, Turning};
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

/// A call in the line of an object.
pub(crate) struct WaitingCall<M: Method> {
    deadline: u64,
    /// Its turn has come, though it may not have begun yet.
    is_granted: AtomicBool,
    stage: Mutex<Stage<M>>,
}

/// The answer to a call in line; dropped before, the call leaves the line.
pub(crate) struct InLine<M: Method> {
    activation: ActivationOf<M>,
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
struct Unanswered<M: Method> {
    /// Gone once it has its answer.
    call: Option<Arc<WaitingCall<M>>>,
    activation: ActivationOf<M>,
}

/// A call whose turn has come. Dropped before it begins, it leaves the object to others, and tells the caller that.
struct Coming<M: Method> {
    call: Arc<WaitingCall<M>>,
    /// Gone once it has begun.
    turn: Option<RunningTurn<M::Object>>,
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
    fn new(deadline: u64, stage: Stage<M>) -> Self {
        Self { deadline, is_granted: AtomicBool::new(false), stage: Mutex::new(stage) }
    }

    /// Puts a call in the line of a busy object.
    pub(crate) fn queue(mut brought: Brought<M>, activation: ActivationOf<M>) -> Queued<M> {
        brought.guard.waits();
        let (deadline, kind) = (brought.deadline, brought.turn());
        let call = Arc::new(Self::new(deadline, Stage::Waits { brought, waker: None }));
        let waiter = || Waiter::Call(Arc::clone(&call) as _);
        let turn = match kind {
            Turn::Exclusive => turn_lock::Turn::Exclusive,
            Turn::Shared => turn_lock::Turn::Shared,
        };
        let waiting_max = activation.object_type().settings.waiting_max;
        let joined = TurnLock::begin_or_join(&activation, turn, waiting_max, waiter);
        if let Ok(Joined::Waits(ticket)) = joined {
            activation.watch_line(deadline);
            return Queued::Waits(InLine { activation, ticket, call });
        }
        let brought =
            call.begin(Stage::Over).expect("what stands in no line is answered by nobody");
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
    ) -> Arc<Self> {
        let object_type = activation.object_type();
        object_type.node_state.keeper.is_needed(object_type);
        let call = Arc::new(Self::new(deadline, Stage::Runs { waker: None }));
        runner::carry_on(Arc::clone(&call).turning(running, activation));
        call
    }

    /// Runs a turn to its end. At the deadline the caller is told that it goes on.
    fn turning(
        self: Arc<Self>,
        running: impl Future<Output = CallResult<M>> + Send + 'static,
        activation: ActivationOf<M>,
    ) -> Turning {
        let (deadline, shared) = (self.deadline, Arc::clone(&activation) as _);
        let mut unanswered = Unanswered { call: Some(self), activation };
        let future = async move {
            let mut running = pin!(running);
            let alarms = &unanswered.activation.object_type().node_state.alarms;
            let ended = alarms.before(deadline, || false, running.as_mut()).await;
            match ended {
                Ok(result) => unanswered.give(result),
                Err(Expired) => {
                    let error = runs_on::<M>(&unanswered.activation);
                    unanswered.give(Err(error.into()));
                    drop(running.await);
                }
            }
        };
        Turning { future: Box::pin(future), activation: shared }
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
    fn begin(&self, stage: Stage<M>) -> Option<Brought<M>> {
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
        let Some(brought) = self.begin(Stage::Runs { waker: None }) else {
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
        let activation = Arc::clone(turn.activation());
        let running = run(turn, brought);
        Some(self.turning(running, activation))
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
                let turn = RunningTurn::granted(granted);
                let mut coming = Coming { call: self, turn: Some(turn) };
                runner::start(Box::new(move || coming.run()));
            }
            Err(Refused::Expired) => {
                if let Some(brought) = self.begin(Stage::Runs { waker: None }) {
                    let node = &brought.guard.owner().object_type().node_state;
                    let rejected = Rejected::overdue(node);
                    self.give(Answer::Rejected(brought.guard, rejected));
                }
            }
            Err(Refused::Closed | Refused::Overloaded) => {
                if let Some(brought) = self.begin(Stage::Runs { waker: None }) {
                    self.give(Answer::Closed(brought));
                }
            }
        }
    }
}

// === impl Unanswered ===

impl<M: Method> Unanswered<M> {
    fn give(&mut self, result: CallResult<M>) {
        if let Some(call) = self.call.take() {
            call.give(Answer::Ran(result));
        }
    }
}

impl<M: Method> Drop for Unanswered<M> {
    fn drop(&mut self) {
        if self.call.is_some() {
            self.give(Err(lost::<M>(&self.activation).into()));
        }
    }
}

// === impl Coming ===

impl<M: Method> Coming<M> {
    fn run(&mut self) -> Option<Turning> {
        Arc::clone(&self.call).run(self.turn.take()?)
    }
}

impl<M: Method> Drop for Coming<M> {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        turn.end(Ending::Returned(Wish::Stay));
        if let Some(brought) = self.call.begin(Stage::Runs { waker: None }) {
            self.call.give(Answer::Rejected(brought.guard, Rejected::shutting_down()));
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
        &self.activation
    }

    /// What stands in line.
    pub(crate) fn call(&self) -> Arc<dyn StillWaits> {
        Arc::clone(&self.call) as _
    }

    /// Leaves the line, unless the turn has come.
    pub(crate) fn leave(&self) -> Option<Brought<M>> {
        let brought = self.call.begin(Stage::Over)?;
        drop(TurnLock::leave(&self.activation, self.ticket));
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
