//! References by name: for callers that know the methods of an object, and not the type that has them.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use goverse_core::{ErrorCode, Payload, Ran};

use crate::bytes_call::{decode_answer, encode};
use crate::call_error::{CallError, SystemError};
use crate::caller::{Addressed, Caller, Origin};
use crate::node::Node;
use crate::object::Ctx;
use crate::object_type;
use crate::state::AfterCommit;

/// A trait that objects are called by: [`#[object]`](crate::object) writes it for the reference of the trait.
pub trait Interface: Addressed {
    /// The name of the type whose objects are called.
    const TYPE: &'static str;
}

/// Refers to one object of a type that is known by its name, on whichever node it is.
///
/// It may be kept and cloned. One that was made by [`Ctx::object`](crate::Ctx::object) belongs to that turn: its calls
/// are part of the turn's chain, and end by its deadline.
#[derive(Clone)]
pub struct NamedRef {
    type_name: &'static str,
    id: String,
    node: Option<Node>,
    origin: Origin,
}

/// A call of a method by its name; it begins when it is awaited.
///
/// Its arguments travel as bytes, also to an object on the same node.
#[must_use = "a call does nothing until it is awaited"]
pub struct NamedCall<A, O, E> {
    state: State<A, O, E>,
}

enum State<A, O, E> {
    New(Request<A>),
    OnItsWay(BoxFuture<'static, Result<O, CallError<E>>>),
    Answered(PhantomData<fn() -> (O, E)>),
}

struct Request<A> {
    reference: NamedRef,
    method: &'static str,
    arguments: A,
    timeout: Option<Duration>,
    call_id: Option<String>,
}

// === impl NamedRef ===

impl NamedRef {
    /// A reference to the object `id` of the type `type_name`.
    ///
    /// An id that cannot be one is reported by the calls.
    pub fn new(type_name: &'static str, caller: Caller<'_>, id: &str) -> Self {
        Self { type_name, id: id.to_owned(), node: caller.node().cloned(), origin: caller.origin() }
    }

    /// The call of a method, which begins when it is awaited.
    pub fn call<A: Payload, O: Payload, E: Payload>(
        &self,
        method: &'static str,
        arguments: A,
    ) -> NamedCall<A, O, E> {
        let request =
            Request { reference: self.clone(), method, arguments, timeout: None, call_id: None };
        NamedCall { state: State::New(request) }
    }

    /// The object's type.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The object's id, as it was given.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for NamedRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("NamedRef");
        shown.field("type", &self.type_name).field("id", &self.id).finish_non_exhaustive()
    }
}

// === impl NamedCall ===

impl<A, O, E> NamedCall<A, O, E> {
    /// Gives the call this long, in place of the node's default; never longer than a caller still has who waits for it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        if let State::New(request) = &mut self.state {
            request.timeout = Some(timeout);
        }
        self
    }

    /// Names the call, so that it takes effect once: see [`Call::call_id`](crate::Call::call_id).
    pub fn call_id(mut self, call_id: impl AsRef<str>) -> Self {
        if let State::New(request) = &mut self.state {
            request.call_id = Some(call_id.as_ref().to_owned());
        }
        self
    }
}

impl<A: Payload, O, E> NamedCall<A, O, E> {
    /// Makes the call once what the turn of `cx` does is durable: see [`Call::after_commit`](crate::Call::after_commit).
    pub fn after_commit(self, cx: &Ctx) {
        let State::New(Request { reference, method, arguments, .. }) = self.state else { return };
        AfterCommit::of(cx).add(reference.type_name, &reference.id, method, &arguments);
    }
}

/// Nothing in it is pinned but what is in a box.
impl<A, O, E> Unpin for NamedCall<A, O, E> {}

impl<A: Payload, O: Payload, E: Payload> Future for NamedCall<A, O, E> {
    type Output = Result<O, CallError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = State::Answered(PhantomData);
        let mut way = match std::mem::replace(&mut self.state, answered) {
            State::New(request) => Box::pin(request.answer()),
            State::OnItsWay(way) => way,
            State::Answered(_) => panic!("a call is not polled after its answer"),
        };
        let polled = way.as_mut().poll(cx);
        if polled.is_pending() {
            self.state = State::OnItsWay(way);
        }
        polled
    }
}

impl<A, O, E> fmt::Debug for NamedCall<A, O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedCall").finish_non_exhaustive()
    }
}

// === impl Request ===

impl<A: Payload> Request<A> {
    async fn answer<O: Payload, E: Payload>(self) -> Result<O, CallError<E>> {
        let Self { reference, method, arguments, timeout, call_id } = self;
        let NamedRef { type_name, id, node, origin } = reference;
        let Some(node) = node else {
            let message = format!("{method} of {type_name} did not run: the node is gone");
            return Err(SystemError::new(ErrorCode::ShuttingDown, Ran::No, message).into());
        };
        let (encoding, bytes) = encode(&arguments)?;
        let method_name = method.to_owned();
        let call = object_type::NamedCall {
            id,
            method: method_name,
            encoding,
            bytes,
            origin,
            timeout,
            call_id,
        };
        decode_answer(node.call_by_name(type_name, call).await, type_name, method)
    }
}
