//! The long way of a call: to an object that is absent or busy, by a method that waits, or to elsewhere.

use std::future::{poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use goverse_core::{CallId, ErrorCode, InvalidCallId, InvalidName, ObjectId, Ran};
use goverse_metrics::{CallGuard, RejectionCode};

use crate::activation::Activation;
use crate::alarms::Expired;
use crate::budget::Slice;
use crate::bytes_call::{decode_answer, encode, time_left};
use crate::call::{
    ActivationOf, CallResult, MetricsOf, Request, is_plain, poll_in_place, run, run_plain,
};
use crate::call_error::SystemError;
use crate::chain::{ActivationKey, Link};
use crate::clock;
use crate::directory::Found;
use crate::life::{activate, find_or_begin, told_to_who_waits};
use crate::method::{Method, Turn};
use crate::node::{Node, NodeState};
use crate::object::{Ctx, Object, Wish};
use crate::object_type::{ObjectType, refused};
use crate::router::OutgoingCall;
use crate::state::Once;
use crate::target::Target;
use crate::turn::{Ending, RunningTurn, TurnOf};
use crate::turn_lock::NotNow;
use crate::waiting_call::{Answer, Brought, Queued, WaitingCall};
use crate::waits::{Deadlock, StillWaits, Waiting};

/// Why a call came to no turn.
pub(crate) struct Rejected {
    code: RejectionCode,
    error_code: ErrorCode,
    why: String,
}

/// How far a call has come.
enum Approached<M: Method> {
    Turn(RunningTurn<M::Object>),
    Busy(ActivationOf<M>),
}

/// Brings a call to its answer.
pub(crate) async fn answer<M: Method>(request: Request<M>, received: u64) -> CallResult<M> {
    let (object_type, id, hint) = match &request.target {
        Target::There(there) => {
            (Arc::clone(there.object_type()), there.id().clone(), Some(Arc::clone(there)))
        }
        Target::Absent(object_type, id) => (Arc::clone(object_type), id.clone(), None),
        Target::Elsewhere(node, id) => {
            let (node, id) = (node.clone(), id.clone());
            return elsewhere(node, id, request, received).await;
        }
        Target::Invalid(object_type, id) => {
            return Err(invalid::<M>(object_type, &id.error).into());
        }
    };
    if hint.is_none() && is_away(&object_type, &id) {
        let node = object_type.node();
        return elsewhere(node, id.as_str().to_owned(), request, received).await;
    }
    let deadline = request.deadline(received, &object_type.node_state);
    let Request { origin, method, call_id, .. } = request;
    let guard = CallGuard::begin(MetricsOf::<M>::Type(Arc::clone(&object_type)));
    let call_id = match call_id.as_deref().map(CallId::new).transpose() {
        Ok(call_id) => call_id,
        Err(error) => return Rejected::invalid_call_id(&error).tell::<M>(guard, &id),
    };
    let (once, method) = match call_id {
        None => (None, method),
        Some(call_id) => {
            let (once, method) = Once::of(call_id, method);
            (Some(Box::new(once)), method)
        }
    };
    let brought = Brought { method, chain: origin.chain, deadline, received, guard, once };
    here(&object_type, &id, hint, brought).await
}

/// Answers a call of an object that is here, or is to be.
async fn here<M: Method>(
    object_type: &Arc<ObjectType<M::Object>>,
    id: &ObjectId,
    mut hint: Option<ActivationOf<M>>,
    mut brought: Brought<M>,
) -> CallResult<M> {
    let node = &*object_type.node_state;
    let (chain, deadline) = (brought.chain.clone(), brought.deadline);
    if let Some(rejected) =
        Rejected::before_waiting(chain.as_deref(), deadline, brought.received, node)
    {
        return rejected.tell::<M>(brought.guard, id);
    }
    node.keeper.is_needed(object_type);
    loop {
        let kind = brought.turn();
        let way = pin!(approach::<M>(object_type, id, hint.take(), chain.as_ref(), kind));
        let is_over = || node.lifecycle.is_killed();
        let busy = match node.alarms.before(deadline, is_over, way).await {
            Ok(Ok(Approached::Turn(turn))) => return at_its_turn(turn, brought).await,
            Ok(Ok(Approached::Busy(activation))) => activation,
            Ok(Err(rejected)) => return rejected.tell::<M>(brought.guard, id),
            Err(Expired) => return Rejected::overdue(node).tell::<M>(brought.guard, id),
        };
        let answer = match WaitingCall::queue(brought, Arc::clone(&busy)) {
            Queued::Waits(line) => {
                // Looked at once it stands in line, so that nobody is said to wait who does not. Of those who close a
                // circle together, the one who looks last sees all the others.
                let key = ActivationKey::of(&busy);
                match wait_in_chain(node, chain.as_ref(), key, Some(line.call())) {
                    Ok(_waiting) => line.await,
                    Err(deadlock) => match line.leave() {
                        Some(brought) => return deadlock.tell::<M>(brought.guard, id),
                        None => line.await,
                    },
                }
            }
            Queued::Begun(turn, brought) => return at_its_turn(turn, brought).await,
            Queued::Overloaded(brought, _) => {
                let rejected = Rejected::overloaded(object_type.settings.waiting_max);
                return rejected.tell::<M>(brought.guard, id);
            }
            Queued::Closed(brought, _) => Answer::Closed(brought),
        };
        match answer {
            Answer::Ran(result) => return result,
            Answer::Rejected(guard, rejected) => return rejected.tell::<M>(guard, id),
            Answer::Closed(back) => match busy.failure() {
                Some(error) => return Rejected::not_activated(&error).tell::<M>(back.guard, id),
                None => (brought, hint) = (back, Some(busy)),
            },
        }
    }
}

/// What a call came to that stood in line, or what is left to do.
///
/// Those who waited for an activation are told why it failed; those who waited for the end of an object turn to the next
/// one.
pub(crate) fn after_line<M: Method>(
    answer: Answer<M>,
    activation: &ActivationOf<M>,
) -> Result<CallResult<M>, BoxFuture<'static, CallResult<M>>> {
    match answer {
        Answer::Ran(result) => Ok(result),
        Answer::Rejected(guard, rejected) => Ok(rejected.tell::<M>(guard, activation.id())),
        Answer::Closed(brought) => match activation.failure() {
            Some(error) => {
                Ok(Rejected::not_activated(&error).tell::<M>(brought.guard, activation.id()))
            }
            None => Err(Box::pin(once_more(brought, Arc::clone(activation)))),
        },
    }
}

/// Answers a call that did not come to stand in line.
pub(crate) fn not_in_line<M: Method>(queued: Queued<M>) -> BoxFuture<'static, CallResult<M>> {
    match queued {
        Queued::Begun(turn, brought) => Box::pin(at_its_turn(turn, brought)),
        Queued::Overloaded(brought, activation) => {
            let waiting_max = activation.object_type().settings.waiting_max;
            let rejected = Rejected::overloaded(waiting_max);
            Box::pin(ready(rejected.tell::<M>(brought.guard, activation.id())))
        }
        Queued::Closed(brought, activation) => Box::pin(once_more(brought, activation)),
        Queued::Waits(mut line) => Box::pin(async move {
            let answer = (&mut line).await;
            match after_line(answer, line.activation()) {
                Ok(result) => result,
                Err(way) => way.await,
            }
        }),
    }
}

/// Turns to the next activation of an object.
async fn once_more<M: Method>(brought: Brought<M>, activation: ActivationOf<M>) -> CallResult<M> {
    here(activation.object_type(), activation.id(), Some(Arc::clone(&activation)), brought).await
}

/// The answer to a call that a task carried on.
pub(crate) fn ran<M: Method>(answer: Answer<M>) -> CallResult<M> {
    match answer {
        Answer::Ran(result) => result,
        Answer::Rejected(..) | Answer::Closed(_) => unreachable!("its turn had begun"),
    }
}

/// Runs a call whose turn has come to its own task.
async fn at_its_turn<M: Method>(
    turn: RunningTurn<M::Object>,
    brought: Brought<M>,
) -> CallResult<M> {
    let deadline = brought.deadline;
    let begun = clock::now();
    let activation = Arc::clone(turn.activation());
    let node = &activation.object_type().node_state;
    if let Some(rejected) = Rejected::at_the_turn(deadline, begun, node) {
        turn.end(Ending::Returned(Wish::Stay));
        return rejected.tell::<M>(brought.guard, activation.id());
    }
    if const { is_plain::<M>() } && brought.once.is_none() {
        let Brought { method, chain, received, guard, .. } = brought;
        let cx = Ctx::new(Arc::clone(&activation), chain, deadline);
        return run_plain(turn, method, &cx, guard, received, begun);
    }
    match poll_in_place(Box::pin(run(turn, brought, begun)), &Slice::begun_at(begun)) {
        Ok(result) => result,
        Err(running) => {
            let call = WaitingCall::<M>::carry_on(running, activation, deadline, begun);
            ran(poll_fn(|cx| call.poll(cx)).await)
        }
    }
}

/// The turn of an object for a method, if it is free or absent; what it waits for otherwise.
async fn approach<M: Method>(
    object_type: &Arc<ObjectType<M::Object>>,
    id: &ObjectId,
    mut hint: Option<Arc<Activation<M::Object>>>,
    chain: Option<&Arc<Link>>,
    kind: Turn,
) -> Result<Approached<M>, Rejected> {
    let node = &*object_type.node_state;
    loop {
        let activation = match hint.take() {
            Some(there) => there,
            None if is_away(object_type, id) => return Err(Rejected::moved()),
            None => match find_or_begin(object_type, id) {
                None => return Err(Rejected::shutting_down()),
                Some(Found::There(there)) => there,
                Some(Found::Made(turn)) => {
                    let activated = activate(turn, chain.cloned()).await;
                    return activated
                        .map(|turn| Approached::Turn(RunningTurn::first::<M>(turn, kind)))
                        .map_err(|error| Rejected::not_activated(&told_to_who_waits(&error)));
                }
            },
        };
        let key = ActivationKey::of(&activation);
        if chain.is_some_and(|chain| chain.contains(key)) {
            return Err(Rejected::reentrant());
        }
        match RunningTurn::try_begin::<M>(&activation, kind) {
            Ok(turn) => return Ok(Approached::Turn(turn)),
            Err(NotNow::Closed) => {
                // The turns that still have it may wait for this chain themselves.
                let _waiting = wait_in_chain(node, chain, key, None)?;
                until_gone(object_type, &activation).await;
            }
            Err(NotNow::Busy | NotNow::WouldWait) => return Ok(Approached::Busy(activation)),
        }
    }
}

/// Says that a chain waits for an activation, unless that waits for the chain.
fn wait_in_chain<'a>(
    node: &'a NodeState,
    chain: Option<&'a Arc<Link>>,
    key: ActivationKey,
    call: Option<Arc<dyn StillWaits>>,
) -> Result<Option<Waiting<'a>>, Rejected> {
    let waiting = chain.map(|chain| node.waits.wait(chain, key, call)).transpose();
    waiting.map_err(|Deadlock| Rejected::deadlock())
}

/// Waits until an activation that takes no more calls has left its place.
async fn until_gone<T: Object>(object_type: &ObjectType<T>, activation: &Arc<Activation<T>>) {
    object_type.gone.until(|| !object_type.directory.contains(activation)).await;
}

fn is_away<T: Object>(object_type: &ObjectType<T>, id: &ObjectId) -> bool {
    let router = object_type.node_state.router.as_ref();
    router.is_some_and(|router| !router.is_here(object_type.name.as_str(), id.as_str()))
}

#[cold]
fn invalid<M: Method>(
    object_type: &Arc<ObjectType<M::Object>>,
    error: &InvalidName,
) -> SystemError {
    CallGuard::begin(object_type.method::<M>()).rejected(RejectionCode::InvalidId);
    let message = format!("{} of {} did not run: {error}", M::NAME, object_type.name);
    SystemError::new(ErrorCode::InvalidId, Ran::No, message)
}

/// Brings a call to the router, or says that nobody knows the type.
async fn elsewhere<M: Method>(
    node: Option<Node>,
    id: String,
    request: Request<M>,
    received: u64,
) -> CallResult<M> {
    let type_name = <M::Object as Object>::TYPE;
    let Some(node) = node else {
        let message = format!("{} of {type_name} did not run: the node is gone", M::NAME);
        return Err(SystemError::new(ErrorCode::ShuttingDown, Ran::No, message).into());
    };
    let state = Arc::clone(node.state());
    let Some(router) = &state.router else {
        return Err(node.refuse_unknown_type(type_name, M::NAME).into());
    };
    let deadline = request.deadline(received, &state);
    let Request { origin, method, call_id, .. } = request;
    let (encoding, arguments) = encode(&method.into_arguments())?;
    let answer = router.call(OutgoingCall {
        type_name: type_name.to_owned(),
        id,
        method: M::NAME.to_owned(),
        encoding,
        arguments,
        time_left: time_left(deadline),
        chain: Link::names(origin.chain.as_deref()),
        call_id: call_id.map(String::from),
    });
    decode_answer(answer.await, type_name, M::NAME)
}

// === impl Rejected ===

impl Rejected {
    /// Why a call may not even begin to wait, if so.
    fn before_waiting(
        chain: Option<&Link>,
        deadline: u64,
        received: u64,
        node: &NodeState,
    ) -> Option<Self> {
        let len_max = node.settings.chain_len_max;
        if deadline <= received {
            return Some(Self::too_late());
        }
        match chain {
            // Objects that are being called may go on with it until they are deactivated themselves.
            None if node.lifecycle.is_closing() => Some(Self::shutting_down()),
            Some(chain) if chain.len() >= len_max => Some(Self::chain_too_long(len_max)),
            _ => None,
        }
    }

    /// Counts the call, and tells its caller why it did not run.
    pub(crate) fn tell<M: Method>(
        self,
        guard: CallGuard<MetricsOf<M>>,
        id: &ObjectId,
    ) -> CallResult<M> {
        let Self { code, error_code, why } = self;
        let object_type = Arc::clone(guard.owner().object_type());
        guard.rejected(code);
        Err(refused(error_code, &object_type.name, id.as_str(), M::NAME, &why).into())
    }

    /// Why a turn that has come may not begin, if so.
    pub(crate) fn at_the_turn(deadline: u64, begun: u64, node: &NodeState) -> Option<Self> {
        let is_over = deadline <= begun || node.lifecycle.is_killed();
        is_over.then(|| Self::overdue(node))
    }

    /// Why a call waits no more.
    pub(crate) fn overdue(node: &NodeState) -> Self {
        if node.lifecycle.is_killed() { Self::shutting_down() } else { Self::too_late() }
    }

    fn new(code: RejectionCode, error_code: ErrorCode, why: impl Into<String>) -> Self {
        Self { code, error_code, why: why.into() }
    }

    fn too_late() -> Self {
        let why = "its deadline came first";
        Self::new(RejectionCode::DeadlineExceeded, ErrorCode::DeadlineExceeded, why)
    }

    pub(crate) fn shutting_down() -> Self {
        let why = "the node is shutting down";
        Self::new(RejectionCode::ShuttingDown, ErrorCode::ShuttingDown, why)
    }

    fn invalid_call_id(error: &InvalidCallId) -> Self {
        Self::new(RejectionCode::InvalidCallId, ErrorCode::InvalidCallId, error.to_string())
    }

    fn moved() -> Self {
        let why = "the object has moved to another node";
        Self::new(RejectionCode::Unreachable, ErrorCode::Unreachable, why)
    }

    fn chain_too_long(len_max: usize) -> Self {
        let why = format!("{len_max} objects wait for each other already");
        Self::new(RejectionCode::ChainTooLong, ErrorCode::ChainTooLong, why)
    }

    fn reentrant() -> Self {
        let why = "the object itself waits for this call, in the chain that led to it";
        Self::new(RejectionCode::Reentrant, ErrorCode::Reentrant, why)
    }

    fn deadlock() -> Self {
        let why = "the object waits for a call of another chain, which waits for this one";
        Self::new(RejectionCode::Deadlock, ErrorCode::Deadlock, why)
    }

    fn overloaded(waiting_max: usize) -> Self {
        let why = format!("{waiting_max} calls wait for the object already");
        Self::new(RejectionCode::Overloaded, ErrorCode::Overloaded, why)
    }

    fn not_activated(error: &SystemError) -> Self {
        let code = match error.code() {
            ErrorCode::ActivationPanicked => RejectionCode::ActivationPanicked,
            ErrorCode::ShuttingDown => RejectionCode::ShuttingDown,
            ErrorCode::StoreUnavailable | ErrorCode::StoreConflict | ErrorCode::StateUnreadable => {
                RejectionCode::NotLoaded
            }
            _ => RejectionCode::ActivationFailed,
        };
        Self::new(code, error.code(), error.to_string())
    }
}
