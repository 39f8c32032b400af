//! A call: a value that is awaited, and carries options.
//!
//! Whoever awaits it takes the object's turn itself, and polls the method in place. That is all there is to a call of
//! an object that is there and free, by a method that does not wait: no task, no channel, no box. Everything else
//! (an object that is busy or absent, a method that waits, a call to elsewhere) goes the long way, in a box.

use std::borrow::Borrow;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use goverse_metrics::{CallGuard, MethodMetrics, PanicSite};

use crate::activation::Activation;
use crate::alarms::unless_over;
use crate::budget::{self, Slice};
use crate::call_error::CallError;
use crate::caller::Origin;
use crate::chain::ActivationKey;
use crate::clock::{self, after};
use crate::long_way;
use crate::method::Method;
use crate::nesting::Nested;
use crate::node::NodeState;
use crate::object::{Ctx, Object};
use crate::object_type::ObjectType;
use crate::outcome::{Outcome, repeated, settle};
use crate::run_to_end::{catch, catch_now};
use crate::state::{AfterCommit, Once, Repeat, commit, find_repeat, may_commit};
use crate::target::Target;
use crate::turn::{RunningTurn, TurnOf, try_begin_brief};
use crate::turn_lock::NotNow;
use crate::waiting_call::{Brought, InLine, Queued, WaitingCall};

/// What a call gives: the method's result, the method's own error, or the runtime's.
pub type CallResult<M> = Result<<M as Method>::Output, CallError<<M as Method>::Error>>;

/// A call of a method; it begins when it is awaited.
///
/// Dropped while it waits for its turn, it leaves the queue and the method does not run. Once the turn has begun, the
/// method runs to its end whatever becomes of the call.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<M: Method> {
    state: State<M>,
}

const UNTIL_CUT_OFF: &str = "a method is there until it is cut off";

enum State<M: Method> {
    New(Request<M>),
    /// The object is busy, and whoever ends its turn goes on with this call.
    InLine(InLine<M>),
    /// The turn has begun, and a task carries it on.
    Runs(Arc<WaitingCall<M>>),
    OnTheLongWay(BoxFuture<'static, CallResult<M>>),
    Answered,
}

/// What is called, by whom, and with what.
pub(crate) struct Request<M: Method> {
    pub(crate) target: Target<M::Object>,
    pub(crate) origin: Origin,
    pub(crate) timeout: Option<Duration>,
    /// As it was given. It is rare, and kept small for calls without.
    pub(crate) call_id: Option<Box<str>>,
    pub(crate) method: M,
}

/// The activation that a method is called of.
pub(crate) type ActivationOf<M> = Arc<Activation<<M as Method>::Object>>;

/// What is done in the turn of a method that does not wait. It is passed on by reference: what goes through the catching of
/// panics by value is copied twice.
struct Act<'a, M: Method, T: TurnOf<M::Object>> {
    turn: &'a mut T,
    /// Gone once it runs.
    method: Option<M>,
    cx: &'a Ctx,
    returned: &'a mut Option<Result<M::Output, M::Error>>,
}

/// The handles of a method, by way of its type, or of an activation that is at hand.
pub(crate) enum MetricsOf<M: Method> {
    Type(Arc<ObjectType<M::Object>>),
    Via(ActivationOf<M>),
}

// === impl Call ===

impl<M: Method> Call<M> {
    #[inline]
    pub(crate) fn new(target: Target<M::Object>, origin: Origin, method: M) -> Self {
        Self { state: State::New(Request { target, origin, timeout: None, call_id: None, method }) }
    }

    /// Gives the call this long, in place of the node's default; never longer than a caller still has who waits for it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.set_timeout(Some(timeout));
        self
    }

    /// Names the call, so that it takes effect once: a repeat with the same id, of the same method with the same
    /// arguments, gets the first one's answer and does not run, also if the process died in between.
    ///
    /// The name is the object's own: another object may have a call of the same name. It is 1 to 128 bytes long, without
    /// control characters. The answer is kept for 24 hours, unless the node is told otherwise, and is stored with the
    /// state that the call has made; where nothing is stored it is kept for the life of the activation. A call that did
    /// not run, or panicked, leaves nothing, and may be repeated. The turn is an exclusive one.
    pub fn call_id(mut self, call_id: impl AsRef<str>) -> Self {
        self.set_call_id(Some(call_id.as_ref()));
        self
    }

    /// Makes the call once what the turn of `cx` does is durable: it is stored with that, and delivered until it is
    /// answered, also if either side dies meanwhile.
    ///
    /// It takes effect once if the object that is called is persistent. Calls of one object to another arrive in their
    /// order. Nobody gets the answer; a call that fails for good, as by the method's own error, becomes a dead letter.
    ///
    /// Needs a turn of a persistent object, with `&mut self`. In another turn, or if the call cannot be stored, the turn
    /// fails, and what it did is discarded.
    pub fn after_commit(self, cx: &Ctx) {
        let Some(Request { target, method, .. }) = self.into_request() else { return };
        let type_name = <M::Object as Object>::TYPE;
        AfterCommit::of(cx).add(type_name, target.id(), M::NAME, &method.into_arguments());
    }

    pub(crate) fn set_call_id(&mut self, call_id: Option<&str>) {
        if let State::New(request) = &mut self.state {
            request.call_id = call_id.map(Box::from);
        }
    }

    pub(crate) fn set_timeout(&mut self, timeout: Option<Duration>) {
        if let State::New(request) = &mut self.state {
            request.timeout = timeout;
        }
    }

    /// What it would bring to its turn; `None` once it has been polled.
    pub(crate) fn into_request(self) -> Option<Request<M>> {
        match self.state {
            State::New(request) => Some(request),
            _ => None,
        }
    }
}

/// Nothing in it is pinned but what is in a box.
impl<M: Method> Unpin for Call<M> {}

impl<M: Method> Future for Call<M> {
    type Output = CallResult<M>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CallResult<M>> {
        let State::New(request) = &self.state else { return self.poll_further(cx) };
        ready!(budget::poll_proceed(cx));
        let received = clock::now();
        let Some(deadline) = request.deadline_if_free(received) else {
            self.state.go_the_long_way(received);
            return self.poll_further(cx);
        };
        match self.state.at_once(received, deadline) {
            Some(result) => Poll::Ready(result),
            None => self.poll_further(cx),
        }
    }
}

impl<M: Method> Call<M> {
    #[inline(never)]
    fn poll_further(&mut self, cx: &mut Context<'_>) -> Poll<CallResult<M>> {
        loop {
            let polled = match &mut self.state {
                State::OnTheLongWay(way) => way.as_mut().poll(cx),
                State::Runs(call) => call.poll(cx).map(long_way::ran),
                State::InLine(line) => {
                    let answer = ready!(Pin::new(&mut *line).poll(cx));
                    match long_way::after_line(answer, line.activation()) {
                        Ok(result) => Poll::Ready(result),
                        Err(way) => {
                            self.state = State::OnTheLongWay(way);
                            continue;
                        }
                    }
                }
                State::New(_) | State::Answered => {
                    panic!("a call is not polled after its answer")
                }
            };
            if polled.is_ready() {
                self.state = State::Answered;
            }
            return polled;
        }
    }
}

impl<M: Method> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &M::NAME).finish_non_exhaustive()
    }
}

// === impl State ===

impl<M: Method> State<M> {
    /// Answers a new call whose target is there, or says by its state what is left to do.
    #[inline]
    fn at_once(&mut self, received: u64, deadline: u64) -> Option<CallResult<M>> {
        // Taken apart in one go: a request that is passed on as a whole is copied as a whole.
        let (activation, origin, timeout, method) = match mem::replace(self, State::Answered) {
            State::New(Request {
                target: Target::There(activation),
                origin,
                timeout,
                call_id: None,
                method,
            }) => (activation, origin, timeout, method),
            other => {
                mem::forget(other);
                unreachable!("looked at before");
            }
        };
        let cx = Ctx::new(activation, origin.chain, deadline);
        let activation = cx.typed_activation();
        if const { is_plain::<M>() } {
            match try_begin_brief::<M>(activation) {
                Ok(turn) => {
                    let guard = CallGuard::begin(activation.object_type().method::<M>());
                    return Some(run_plain(turn, method, &cx, guard, received, received));
                }
                // It is held for longer than a moment: the call goes to the line.
                Err(NotNow::Busy) => {}
                Err(_) => {
                    if let Ok(turn) = RunningTurn::try_begin::<M>(activation, M::TURN) {
                        let guard = CallGuard::begin(activation.object_type().method::<M>());
                        return Some(run_plain(turn, method, &cx, guard, received, received));
                    }
                }
            }
        } else if let Ok(turn) = RunningTurn::try_begin::<M>(activation, M::TURN) {
            let (activation, chain) = cx.into_parts();
            let brought = Brought::new(method, chain, deadline, received, &activation);
            let running = Box::pin(run(turn, brought, received));
            return match poll_in_place(running, &Slice::begun_at(received)) {
                Ok(result) => Some(result),
                Err(rest) => {
                    *self =
                        State::Runs(WaitingCall::carry_on(rest, activation, deadline, received));
                    None
                }
            };
        }
        let (activation, chain) = cx.into_parts();
        let origin = Origin { chain, deadline: origin.deadline };
        let target = Target::There(activation);
        let request = Request { target, origin, timeout, call_id: None, method };
        *self = Self::busy(request, received, deadline);
        None
    }

    #[cold]
    #[inline(never)]
    fn go_the_long_way(&mut self, received: u64) {
        if let State::New(request) = mem::replace(self, State::Answered) {
            *self = Self::long_way(request, received);
        }
    }

    fn long_way(request: Request<M>, received: u64) -> Self {
        State::OnTheLongWay(Box::pin(long_way::answer(request, received)))
    }

    /// Puts the call in line. One of an object that waits itself has to find out first whether that closes a circle.
    #[inline(never)]
    fn busy(request: Request<M>, received: u64, deadline: u64) -> Self {
        let Request { target, origin, timeout, call_id, method } = request;
        match (target, origin) {
            (Target::There(activation), Origin { chain: None, .. }) => {
                let brought = Brought::new(method, None, deadline, received, &activation);
                match WaitingCall::queue(brought, activation) {
                    Queued::Waits(line) => State::InLine(line),
                    other => State::OnTheLongWay(long_way::not_in_line(other)),
                }
            }
            (target, origin) => {
                Self::long_way(Request { target, origin, timeout, call_id, method }, received)
            }
        }
    }
}

// === impl Request ===

impl<M: Method> Request<M> {
    /// Until when the caller waits, if the object is there and nothing is to be done before its turn.
    #[inline]
    fn deadline_if_free(&self, received: u64) -> Option<u64> {
        let Target::There(activation) = &self.target else { return None };
        let node = &activation.object_type().node_state;
        let deadline = self.deadline(received, node);
        let is_free = self.call_id.is_none()
            && received < deadline
            && !node.lifecycle.is_closing()
            && self.may_reach(activation, node);
        is_free.then_some(deadline)
    }

    /// When the caller, or who waits for it, waits no more.
    #[inline]
    pub(crate) fn deadline(&self, received: u64, node: &NodeState) -> u64 {
        let timeout = self.timeout.unwrap_or(node.settings.call_timeout);
        after(received, timeout).min(self.origin.deadline)
    }

    /// Whether the chain may go on to this activation.
    #[inline]
    fn may_reach(&self, activation: &Arc<Activation<M::Object>>, node: &NodeState) -> bool {
        self.origin.chain.as_ref().is_none_or(|chain| {
            chain.len() < node.settings.chain_len_max
                && !chain.contains(ActivationKey::of(activation))
        })
    }
}

/// Runs a method that does not wait.
#[inline]
pub(crate) fn run_plain<M: Method, G: Borrow<MethodMetrics>, T: TurnOf<M::Object>>(
    mut turn: T,
    method: M,
    cx: &Ctx,
    guard: CallGuard<G>,
    received: u64,
    begun: u64,
) -> CallResult<M> {
    let mut returned = None;
    let mut act = Act { turn: &mut turn, method: Some(method), cx, returned: &mut returned };
    let caught = catch_now(|| act.run());
    let outcome = match (caught, returned) {
        (Ok(()), Some(result)) => Outcome::Returned(result),
        (Err(message), _) => Outcome::Panicked(message),
        (Ok(()), None) => unreachable!("it has run"),
    };
    settle::<M, G, T>(turn, cx, outcome, guard, received, begun)
}

/// Runs a method that may wait, to its end or its limit, as [`run_in`] does.
pub(crate) fn run<M: Method>(
    turn: RunningTurn<M::Object>,
    brought: Brought<M>,
    begun: u64,
) -> impl Future<Output = CallResult<M>> {
    let Brought { method, chain, deadline, received, guard, once } = brought;
    let cx = Ctx::new(Arc::clone(turn.activation()), chain, deadline);
    run_in(turn, method, cx, guard, (received, begun), once)
}

/// Whether a call of the method is done when it is first polled, and needs no box.
pub(crate) const fn is_plain<M: Method>() -> bool {
    M::PLAIN && !may_commit::<M>()
}

/// Runs a method that may wait, to its end or its limit.
///
/// Whoever polls it sees to it that it is polled again at the limit, and when the node ends all turns.
pub(crate) async fn run_in<M: Method, G: Borrow<MethodMetrics>>(
    mut turn: RunningTurn<M::Object>,
    method: M,
    cx: Ctx<ActivationOf<M>>,
    mut guard: CallGuard<G>,
    (received, begun): (u64, u64),
    once: Option<Box<Once>>,
) -> CallResult<M> {
    guard.begins();
    if const { may_commit::<M>() } || once.is_some() {
        cx.may_save(turn.take_book(), once.is_some());
    }
    if let Some(once) = &once {
        // Boxed: the turns of other calls need no room for it.
        match Box::pin(find_repeat::<M>(&mut turn, &cx, once)).await {
            Repeat::First => {}
            repeat => return repeated(turn, &cx, repeat, guard, received, begun),
        }
    }
    let object_type = cx.typed_activation().object_type();
    let node = &object_type.node_state;
    let limit = after(begun, object_type.settings.turn_limit);
    let is_over = || node.lifecycle.is_killed();
    let outcome = {
        let mut running = pin!(Some(catch(turn.run(method, &cx))));
        let polled = poll_fn(|cx| running.as_mut().as_pin_mut().expect(UNTIL_CUT_OFF).poll(cx));
        match unless_over(limit, is_over, polled).await {
            Ok(outcome) => Outcome::of(outcome),
            Err(_) => {
                // What the method leaves behind may panic as it is dropped.
                if let Err(panic) = catch_now(|| running.set(None)) {
                    guard.metrics().type_calls().panicked(PanicSite::Drop);
                    let r#type = (&cx as &Ctx).type_name();
                    tracing::error!(%r#type, method = M::NAME, panic, "method panicked when cut off");
                }
                Outcome::CutOff
            }
        }
    };
    let outcome = if const { may_commit::<M>() } || once.is_some() {
        let saved = Box::pin(commit(&mut turn, &cx, outcome, once.as_deref()));
        unless_over(limit, is_over, saved).await.unwrap_or(Outcome::CutOff)
    } else {
        outcome
    };
    settle::<M, G, _>(turn, &cx, outcome, guard, received, begun)
}

/// The result of a turn that does not wait, or what is left of it: all of it, if too much of the stack is taken.
///
/// One that only yields is done at the second poll. Whoever carries it on polls it anew, so nobody needs to be woken
/// before.
pub(crate) fn poll_in_place<T>(
    mut running: BoxFuture<'static, T>,
    slice: &Slice,
) -> Result<T, BoxFuture<'static, T>> {
    let Some(_nested) = Nested::enter() else { return Err(running) };
    let mut cx = Context::from_waker(Waker::noop());
    let mut polled = running.as_mut().poll(&mut cx);
    if polled.is_pending() && !slice.is_over() {
        polled = running.as_mut().poll(&mut cx);
        if polled.is_ready() {
            slice.went_on();
        }
    }
    match polled {
        Poll::Ready(result) => Ok(result),
        Poll::Pending => Err(running),
    }
}

// === impl Act ===

impl<M: Method, T: TurnOf<M::Object>> Act<'_, M, T> {
    #[inline]
    fn run(&mut self) {
        let method = self.method.take().expect("it runs once");
        let running = pin!(self.turn.run(method, self.cx));
        match running.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => *self.returned = Some(result),
            Poll::Pending => {
                panic!("method {} waits, though its PLAIN says it never does", M::NAME)
            }
        }
    }
}

// === impl MetricsOf ===

impl<M: Method> Borrow<MethodMetrics> for MetricsOf<M> {
    fn borrow(&self) -> &MethodMetrics {
        self.object_type().method::<M>()
    }
}

impl<M: Method> MetricsOf<M> {
    pub(crate) fn object_type(&self) -> &Arc<ObjectType<M::Object>> {
        match self {
            MetricsOf::Type(object_type) => object_type,
            MetricsOf::Via(activation) => activation.object_type(),
        }
    }
}
