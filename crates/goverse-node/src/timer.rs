//! Timers of objects: calls that an object makes of itself, after a while or again and again.
//!
//! A timer is a task. It sleeps, waits for a turn of the activation that set it, runs its call in that turn, and sleeps
//! again. It takes turns of that activation alone and never looks for another, so none of its calls can run once the
//! turn lock is closed. The token that it shares with the activation is what ends it while it sleeps or waits.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use goverse_core::ErrorCode;
use goverse_metrics::CallGuard;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use crate::activation::{Activation, describe};
use crate::alarms::Expired;
use crate::call::{
    ActivationOf, Call, CallResult, MetricsOf, Request, is_plain, run_in, run_plain,
};
use crate::call_error::CallError;
use crate::clock;
use crate::life;
use crate::long_way::Rejected;
use crate::method::{Method, Turn};
use crate::node::NodeState;
use crate::object::{Ctx, Object, Wish};
use crate::outcome::{Outcome, settle};
use crate::run_to_end::catch_now;
use crate::turn::{Ending, RunningTurn, TurnOf};
use crate::turn_lock::{NotNow, Refused, TurnLock};

/// A timer that an object has set, by [`Ctx::after`] or [`Ctx::every`].
///
/// To drop it changes nothing: the timer goes on until it is cancelled, or its activation ends. Clones are the same timer.
#[derive(Clone)]
pub struct Timer {
    over: CancellationToken,
}

/// What a timer runs: a method, and how long it may wait for its turn.
struct OwnCall<M> {
    method: M,
    timeout: Option<Duration>,
}

/// What a sleep is until that is longer than the clock can tell.
const LONG: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

// === impl Timer ===

impl Timer {
    /// Ends the timer: once this returns no call of it begins, also if one waits for its turn already. One that has
    /// begun runs to its end.
    pub fn cancel(&self) {
        self.over.cancel();
    }

    /// Whether the timer is over: it was cancelled, its only call has ended, or its activation has.
    pub fn is_finished(&self) -> bool {
        self.over.is_cancelled()
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("is_finished", &self.is_finished()).finish()
    }
}

// === impl Ctx ===

/// # Timers
///
/// A timer belongs to the activation that sets it, and goes with it, for whatever reason that ends; it never activates
/// an object anew. One that is set in [`Object::on_activate`] counts from then on, but its first call runs after the
/// activation has succeeded.
///
/// Each call of a timer is a turn like that of any call: it waits for those that came before it, is exclusive or shared
/// as its method says, is counted and limited, and a panic in it ends the activation. It differs from other calls in
/// this:
///
/// - Nobody waits for it. It begins a chain of its own, and has no deadline unless the call has a time-out: then it is
///   left out if its turn has not come by then, and what it calls itself ends by then. Errors are logged, at most one a
///   second on each node.
/// - It is no use of the object: one that nobody else calls is idle, whatever its timers do.
/// - It waits for its turn however many wait there already.
impl Ctx {
    /// Makes a call of this object itself once, in `delay` from now. See [Timers](#timers).
    ///
    /// The call comes from a reference made by [`this`](Self::this):
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use goverse_node::{Ctx, object};
    /// # struct Session;
    /// #[object(crate = "goverse_node")]
    /// impl Session {
    ///     fn leave_soon(&mut self, cx: &Ctx) {
    ///         cx.after(Duration::from_secs(60), cx.this::<Session>().leave());
    ///     }
    ///
    ///     fn leave(&mut self, cx: &Ctx) {
    ///         cx.deactivate();
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    /// If the call is of another object, or has been polled. Outside of a tokio runtime, or in one without time; the
    /// timer goes on where this turn runs.
    #[track_caller]
    pub fn after<M: Method>(&self, delay: Duration, call: Call<M>) -> Timer {
        let activation = self.own_activation::<M>();
        let call = OwnCall::new(&activation, call);
        let (timer, activation) = (activation.timer_token(), Arc::downgrade(&activation));
        let sleep = Box::pin(tokio::time::sleep(delay));
        spawn(timer, |over| once(activation, over, sleep, call))
    }

    /// Makes a call of this object itself again and again, first in `period` from now. See [Timers](#timers).
    ///
    /// `call` makes the calls, from a reference made by [`this`](Self::this). It runs outside of any turn; the first time
    /// it runs now, to see that all is well.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use goverse_node::{Ctx, HookError, object};
    /// # struct Fountain { drops: u64 }
    /// #[object(crate = "goverse_node")]
    /// impl Fountain {
    ///     async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
    ///         let me = cx.this::<Fountain>();
    ///         cx.every(Duration::from_secs(1), move || me.drip());
    ///         Ok(())
    ///     }
    ///
    ///     fn drip(&mut self) {
    ///         self.drops += 1;
    ///     }
    /// }
    /// ```
    ///
    /// Calls are due at a steady rate. They do not pile up: if one ends later than the next is due, that is left out,
    /// and the next comes a period after that end. They come a thousand times a second at most.
    ///
    /// # Panics
    /// If `period` is zero. If the call is of another object, or has been polled; when `call` makes such a call later, or
    /// panics itself, that ends the activation as a panic in a turn does. Outside of a tokio runtime, or in one without
    /// time; the timer goes on where this turn runs.
    #[track_caller]
    pub fn every<M: Method>(
        &self,
        period: Duration,
        mut call: impl FnMut() -> Call<M> + Send + 'static,
    ) -> Timer {
        assert!(!period.is_zero(), "the period of a timer must not be zero");
        let activation = self.own_activation::<M>();
        let first = OwnCall::new(&activation, call());
        let (timer, activation) = (activation.timer_token(), Arc::downgrade(&activation));
        let sleep = Box::pin(tokio::time::sleep(period));
        spawn(timer, |over| again(activation, over, sleep, period, first, call))
    }

    #[track_caller]
    fn own_activation<M: Method>(&self) -> ActivationOf<M> {
        let called = <M::Object as Object>::TYPE;
        self.activation_of()
            .unwrap_or_else(|| not_itself(&describe(self.type_name(), self.id().as_str()), called))
    }
}

// === impl OwnCall ===

impl<M: Method> OwnCall<M> {
    #[track_caller]
    fn new(activation: &ActivationOf<M>, call: Call<M>) -> Self {
        let request = call.into_request();
        let Request { target, timeout, method, .. } =
            request.expect("a timer needs a call that has not been polled");
        if !target.is_of(activation) {
            let called = describe(&activation.object_type().name, target.id());
            not_itself(&activation.describe(), &called);
        }
        Self { method, timeout }
    }
}

#[cold]
#[track_caller]
fn not_itself(object: &str, called: &str) -> ! {
    panic!(
        "a timer of {object} must call that object itself, by a reference of Ctx::this; it was given a call of {called}"
    )
}

// === the task ===

fn spawn<F>(timer: CancellationToken, task: impl FnOnce(CancellationToken) -> F) -> Timer
where
    F: Future<Output = ()> + Send + 'static,
{
    if !timer.is_cancelled() {
        tokio::spawn(task(timer.clone()));
    }
    Timer { over: timer }
}

/// Makes the call once. Nothing keeps the activation while this sleeps.
///
/// Not an `async fn`, which would have room for each argument twice.
fn once<M: Method>(
    activation: Weak<Activation<M::Object>>,
    over: CancellationToken,
    mut sleep: Pin<Box<Sleep>>,
    call: OwnCall<M>,
) -> impl Future<Output = ()> + Send + 'static {
    // Made here, so that the timer is over though its runtime ends before the first poll.
    let finishes = over.clone().drop_guard();
    async move {
        let _finishes = finishes;
        if over.run_until_cancelled(sleep.as_mut()).await.is_some()
            && let Some(activation) = activation.upgrade()
        {
            tick(&activation, &over, Ok(call)).await;
        }
    }
}

/// Makes the call again and again. Nothing keeps the activation while this sleeps.
fn again<M: Method>(
    activation: Weak<Activation<M::Object>>,
    over: CancellationToken,
    mut sleep: Pin<Box<Sleep>>,
    period: Duration,
    first: OwnCall<M>,
    mut call: impl FnMut() -> Call<M> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let mut first = Some(first);
    let finishes = over.clone().drop_guard();
    async move {
        let _finishes = finishes;
        while over.run_until_cancelled(sleep.as_mut()).await.is_some()
            && let Some(activation) = activation.upgrade()
        {
            let call = match first.take() {
                Some(first) => Ok(first),
                None => catch_now(|| OwnCall::new(&activation, call())),
            };
            tick(&activation, &over, call).await;
            let due = next_due(sleep.deadline(), Instant::now(), period);
            sleep.as_mut().reset(due);
        }
    }
}

/// When the next tick comes, after one that was due and has now ended.
fn next_due(due: Instant, ended: Instant, period: Duration) -> Instant {
    let later = |from: Instant| from.checked_add(period).unwrap_or_else(|| ended + LONG);
    let next = later(due);
    if next < ended { later(ended) } else { next }
}

/// Makes a call, or lets what went wrong in making it end the activation, and tells of errors.
///
/// It is a box, so that a timer which sleeps needs no room for the turn.
fn tick<'a, M: Method>(
    activation: &'a ActivationOf<M>,
    over: &'a CancellationToken,
    call: Result<OwnCall<M>, String>,
) -> BoxFuture<'a, ()> {
    Box::pin(async move {
        let result = answer(activation, over, call).await;
        life::end_if_idle_after_tick(activation);
        if let Some(Err(error)) = result {
            tell::<M>(activation, &error);
        }
    })
}

/// The result of a tick, unless its timer is over before it begins.
async fn answer<M: Method>(
    activation: &ActivationOf<M>,
    over: &CancellationToken,
    call: Result<OwnCall<M>, String>,
) -> Option<CallResult<M>> {
    let received = clock::now();
    let timeout = call.as_ref().ok().and_then(|call| call.timeout);
    let deadline = timeout.map_or(clock::NEVER, |timeout| clock::after(received, timeout));
    let mut guard = CallGuard::begin(MetricsOf::<M>::Via(Arc::clone(activation)));
    let turn = match turn_in_time::<M>(activation, over, deadline, &mut guard).await? {
        Ok(turn) => turn,
        Err(rejected) => return Some(rejected.tell::<M>(guard, activation.id())),
    };
    let cx = Ctx::of_tick(Arc::clone(activation), deadline);
    Some(match call {
        Ok(OwnCall { method, .. }) if const { is_plain::<M>() } => {
            run_plain(turn, method, &cx, guard, received, clock::now())
        }
        Ok(OwnCall { method, .. }) => {
            let begun = clock::now();
            let object_type = activation.object_type();
            let limit = clock::after(begun, object_type.settings.turn_limit);
            let running = run_in(turn, method, cx, guard, (received, begun), None);
            object_type.node_state.alarms.wake_at(limit, running).await
        }
        Err(message) => {
            settle::<M, _, _>(turn, &cx, Outcome::Panicked(message), guard, received, clock::now())
        }
    })
}

/// A turn for a tick, or why there is none in time; `None` if its timer is over.
async fn turn_in_time<M: Method>(
    activation: &ActivationOf<M>,
    over: &CancellationToken,
    deadline: u64,
    guard: &mut CallGuard<MetricsOf<M>>,
) -> Option<Result<RunningTurn<M::Object>, Rejected>> {
    let object_type = activation.object_type();
    let node = &object_type.node_state;
    node.keeper.is_needed(object_type);
    let turn = over.run_until_cancelled(turn_of::<M>(activation, guard));
    let turn = match node.alarms.before(deadline, || node.lifecycle.is_killed(), turn).await {
        Ok(turn) => turn?.ok()?,
        Err(Expired) => {
            over_if_killed(node, over);
            return Some(Err(Rejected::overdue(node)));
        }
    };
    // The turn may have come together with what ends the waiting for it.
    let rejected = Rejected::at_the_turn(deadline, clock::now(), node);
    if rejected.is_none() && !over.is_cancelled() {
        return Some(Ok(turn));
    }
    turn.end(Ending::Returned(Wish::Stay));
    over_if_killed(node, over);
    rejected.map(Err)
}

fn over_if_killed(node: &NodeState, over: &CancellationToken) {
    if node.lifecycle.is_killed() {
        over.cancel();
    }
}

/// A turn of this activation, after those who came before.
async fn turn_of<M: Method>(
    activation: &ActivationOf<M>,
    guard: &mut CallGuard<MetricsOf<M>>,
) -> Result<RunningTurn<M::Object>, Refused> {
    match RunningTurn::try_begin::<M>(activation, M::TURN) {
        Ok(turn) => return Ok(turn),
        Err(NotNow::Closed) => return Err(Refused::Closed),
        Err(NotNow::Busy | NotNow::WouldWait) => {}
    }
    guard.waits();
    let activation = Arc::clone(activation);
    let turn = match M::TURN {
        Turn::Exclusive => {
            TurnLock::begin_exclusive(activation, usize::MAX).await.map(RunningTurn::exclusive)
        }
        Turn::Shared => {
            TurnLock::begin_shared(activation, usize::MAX).await.map(RunningTurn::shared)
        }
    };
    guard.waits_no_more();
    turn
}

/// Logs what nobody waits for.
#[cold]
fn tell<M: Method>(activation: &ActivationOf<M>, error: &CallError<M::Error>) {
    let error = match error {
        // The panic was logged where it was caught.
        CallError::System(error) if error.code() == ErrorCode::Panicked => return,
        CallError::System(error) => error.to_string(),
        CallError::Method(_) => "the method returned its error".to_owned(),
    };
    let object_type = activation.object_type();
    let Some(left_out) = object_type.node_state.failed_ticks.admit(clock::now()) else { return };
    tracing::warn!(r#type = %object_type.name, method = M::NAME, error, left_out, "tick failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tick_is_due_a_period_after_the_last_or_after_its_end() {
        let start = Instant::now();
        let check = |period: u64, due: u64, ended: u64, expected: u64| {
            let [due, ended] = [due, ended].map(|millis| start + Duration::from_millis(millis));
            let next = next_due(due, ended, Duration::from_millis(period));
            assert_eq!(next - start, Duration::from_millis(expected), "every {period} ms");
        };
        check(10, 100, 100, 110);
        check(10, 100, 109, 110);
        check(10, 100, 110, 110);
        check(10, 100, 111, 121);
        check(10, 100, 999, 1_009);
        assert!(next_due(start, start, Duration::MAX) > start + LONG / 2);
    }
}
