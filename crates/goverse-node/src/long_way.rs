//! The long way of a call: to an object that is absent or busy, by a method that waits, or to elsewhere.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use goverse_core::{Encoding, ErrorCode, InvalidName, ObjectId, Payload, PayloadError, Ran};
use goverse_metrics::{CallGuard, QueuedGuard, RejectionCode};
use tokio::runtime::Handle;

use crate::activation::Activation;
use crate::alarms::Expired;
use crate::bytes_call::{Reply, time_left};
use crate::call::{CallResult, MetricsOf, Request, poll_in_place, run, run_plain};
use crate::call_error::{CallError, SystemError};
use crate::chain::{ActivationKey, Link};
use crate::clock;
use crate::directory::Found;
use crate::life::{activate, find_or_begin, told_to_who_waits};
use crate::method::{Method, Turn};
use crate::node::{Node, NodeState};
use crate::object::{Ctx, Object};
use crate::object_type::{ObjectType, refused};
use crate::router::OutgoingCall;
use crate::target::Target;
use crate::turn::{Ending, RunningTurn};
use crate::turn_lock::{NotNow, Refused, TurnLock};
use crate::waits::Deadlock;

/// Why a call came to no turn.
struct Rejected {
    code: RejectionCode,
    error_code: ErrorCode,
    why: String,
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
        Target::Invalid(object_type, error) => return Err(invalid::<M>(object_type, error).into()),
    };
    if hint.is_none() && is_away(&object_type, &id) {
        let node = object_type.node();
        return elsewhere(node, id.as_str().to_owned(), request, received).await;
    }
    here(&object_type, &id, hint, request, received).await
}

/// Answers a call of an object that is here, or is to be.
async fn here<M: Method>(
    object_type: &Arc<ObjectType<M::Object>>,
    id: &ObjectId,
    hint: Option<Arc<Activation<M::Object>>>,
    request: Request<M>,
    received: u64,
) -> CallResult<M> {
    let node = &*object_type.node_state;
    let guard = CallGuard::begin(MetricsOf::<M>(Arc::clone(object_type)));
    let deadline = request.deadline(received, node);
    let Request { origin, method, .. } = request;
    let chain = origin.chain.as_ref();
    let turn = match Rejected::before_waiting(chain.map(|chain| &**chain), deadline, received, node)
    {
        Some(rejected) => Err(rejected),
        None => {
            let turn = turn_of::<M>(object_type, id, hint, chain);
            match node.alarms.before(deadline, || node.lifecycle.is_killed(), turn).await {
                Ok(turn) => turn,
                Err(_) if node.lifecycle.is_killed() => Err(Rejected::shutting_down()),
                Err(_) => Err(Rejected::too_late()),
            }
        }
    };
    let begun = clock::now();
    let turn = turn.and_then(|turn| {
        let late = deadline <= begun;
        if !late && !node.lifecycle.is_killed() {
            return Ok(turn);
        }
        turn.end(Ending::Returned(crate::object::Wish::Stay));
        Err(if late { Rejected::too_late() } else { Rejected::shutting_down() })
    });
    let turn = match turn {
        Ok(turn) => turn,
        Err(Rejected { code, error_code, why }) => {
            guard.rejected(code);
            return Err(refused(error_code, &object_type.name, id.as_str(), M::NAME, &why).into());
        }
    };
    let activation = Arc::clone(turn.activation());
    if M::PLAIN {
        let cx = Ctx::new(activation, origin.chain, deadline);
        return run_plain(turn, method, &cx, guard, received, begun);
    }
    match poll_in_place(Box::pin(run(turn, method, origin.chain, deadline, guard, received))) {
        Ok(result) => result,
        Err(running) => carry_on::<M>(running, activation, deadline).await,
    }
}

/// Lets a task of its own run a turn to its end, and waits for that until the deadline.
pub(crate) async fn carry_on<M: Method>(
    running: BoxFuture<'static, CallResult<M>>,
    activation: Arc<Activation<M::Object>>,
    deadline: u64,
) -> CallResult<M> {
    let Ok(runtime) = Handle::try_current() else { return running.await };
    let node = &activation.object_type().node_state;
    let error = |code, why| {
        let message = format!("{} of {} began, {why}", M::NAME, activation.describe());
        Err(SystemError::new(code, Ran::Maybe, message).into())
    };
    match node.alarms.before(deadline, || false, runtime.spawn(running)).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => error(ErrorCode::ShuttingDown, "and its runtime was shut down"),
        Err(Expired) => {
            error(ErrorCode::DeadlineExceeded, "and was not done by the deadline; it goes on")
        }
    }
}

/// The turn of an object for a method, after those who came before.
async fn turn_of<M: Method>(
    object_type: &Arc<ObjectType<M::Object>>,
    id: &ObjectId,
    mut hint: Option<Arc<Activation<M::Object>>>,
    chain: Option<&Arc<Link>>,
) -> Result<RunningTurn<M::Object>, Rejected> {
    let node = &*object_type.node_state;
    loop {
        let activation = match hint.take() {
            Some(there) => there,
            None if is_away(object_type, id) => return Err(Rejected::moved()),
            None => match find_or_begin(object_type, id) {
                Found::There(there) => there,
                Found::Made(turn) => {
                    let activated = activate(turn, chain.cloned()).await;
                    return activated
                        .map(RunningTurn::exclusive)
                        .map_err(|error| Rejected::not_activated(&told_to_who_waits(&error)));
                }
            },
        };
        let key = ActivationKey::of(&activation);
        if chain.is_some_and(|chain| chain.contains(key)) {
            return Err(Rejected::reentrant());
        }
        match RunningTurn::try_begin::<M>(Arc::clone(&activation)) {
            Ok(turn) => return Ok(turn),
            Err(NotNow::Closed) => {
                until_gone(object_type, &activation).await;
                continue;
            }
            Err(NotNow::Busy | NotNow::WouldWait) => {}
        }
        let waiting = chain.map(|chain| node.waits.wait(chain, key)).transpose();
        let _waiting = waiting.map_err(|Deadlock| Rejected::deadlock())?;
        let _queued = QueuedGuard::begin(MetricsOf::<M>(Arc::clone(object_type)));
        match wait_for_turn::<M>(&activation).await {
            Ok(turn) => return Ok(turn),
            Err(Refused::Overloaded | Refused::Expired) => {
                return Err(Rejected::overloaded(object_type.settings.waiting_max));
            }
            // Those who waited for an activation are told why it failed; those who waited for the end of an object
            // turn to the next one.
            Err(Refused::Closed) => match activation.failure() {
                Some(error) => return Err(Rejected::not_activated(error)),
                None => until_gone(object_type, &activation).await,
            },
        }
    }
}

async fn wait_for_turn<M: Method>(
    activation: &Arc<Activation<M::Object>>,
) -> Result<RunningTurn<M::Object>, Refused> {
    let waiting_max = activation.object_type().settings.waiting_max;
    let activation = Arc::clone(activation);
    match M::TURN {
        Turn::Exclusive => TurnLock::begin_exclusive(activation, waiting_max, None)
            .await
            .map(RunningTurn::exclusive),
        Turn::Shared => {
            TurnLock::begin_shared(activation, waiting_max, None).await.map(RunningTurn::shared)
        }
    }
}

/// Waits until an activation that takes no more calls has left its place.
async fn until_gone<T: Object>(object_type: &ObjectType<T>, activation: &Arc<Activation<T>>) {
    loop {
        let mut gone = pin!(object_type.gone.notified());
        gone.as_mut().enable();
        if !object_type.directory.contains(activation) {
            return;
        }
        gone.await;
    }
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
        return Err(node.refuse_unknown_type(type_name).into());
    };
    let deadline = request.deadline(received, &state);
    let Request { origin, method, .. } = request;
    let (encoding, arguments) = encode(&method.into_arguments())
        .map_err(|error| SystemError::new(ErrorCode::Unencodable, Ran::No, error.to_string()))?;
    let reply = router.call(OutgoingCall {
        type_name: type_name.to_owned(),
        id,
        method: M::NAME.to_owned(),
        encoding,
        arguments,
        time_left: time_left(deadline),
        chain: Link::names(origin.chain.as_deref()),
    });
    let unreadable = |error: PayloadError| {
        let message =
            format!("{} of {type_name} ran, but its reply is not right: {error}", M::NAME);
        SystemError::new(ErrorCode::Unencodable, Ran::Yes, message)
    };
    match reply.await {
        Ok(Reply { encoding, bytes }) => {
            M::Output::decode(encoding, &bytes).map_err(|error| unreadable(error).into())
        }
        Err(CallError::Method(Reply { encoding, bytes })) => {
            let error = M::Error::decode(encoding, &bytes).map_err(unreadable)?;
            Err(CallError::Method(error))
        }
        Err(CallError::System(error)) => Err(error.into()),
    }
}

/// Everything travels as MessagePack but Protobuf messages, which travel as what they are.
fn encode<A: Payload>(arguments: &A) -> Result<(Encoding, Vec<u8>), PayloadError> {
    let encoded = |encoding| arguments.encode(encoding).map(|bytes| (encoding, bytes));
    match encoded(Encoding::MessagePack) {
        Err(PayloadError::WrongEncoding { .. }) => encoded(Encoding::Protobuf),
        result => result,
    }
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

    fn new(code: RejectionCode, error_code: ErrorCode, why: impl Into<String>) -> Self {
        Self { code, error_code, why: why.into() }
    }

    fn too_late() -> Self {
        let why = "its deadline came first";
        Self::new(RejectionCode::DeadlineExceeded, ErrorCode::DeadlineExceeded, why)
    }

    fn shutting_down() -> Self {
        let why = "the node is shutting down";
        Self::new(RejectionCode::ShuttingDown, ErrorCode::ShuttingDown, why)
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
            _ => RejectionCode::ActivationFailed,
        };
        Self::new(code, error.code(), error.to_string())
    }
}
