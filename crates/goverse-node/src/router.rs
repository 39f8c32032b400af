//! How a call leaves the node.

use std::time::Duration;

use futures_util::future::BoxFuture;
use goverse_core::{Encoding, ObjectId, TypeName};

use crate::bytes_call::Reply;
use crate::call_error::CallError;
use crate::chain::Link;
use crate::object_type::NamedCall;

/// Knows where objects are, and brings calls to those that are elsewhere.
///
/// A node without one routes every call to itself.
pub trait Router: Send + Sync + 'static {
    /// Whether this node is where the object is, or is to be.
    ///
    /// It is asked for every call of an object that is not in memory here, so it must not wait.
    fn is_here(&self, type_name: &str, id: &str) -> bool;

    /// Brings a call to where the object is, and its reply back.
    ///
    /// # Errors
    /// The method's own error in the encoding of the call, or an error of the runtime that says whether the method ran.
    fn call(&self, call: OutgoingCall) -> BoxFuture<'static, Result<Reply, CallError<Reply>>>;
}

/// A call on its way to another node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutgoingCall {
    /// The object's type.
    pub type_name: String,
    /// The object's id.
    pub id: String,
    /// The method's name.
    pub method: String,
    /// What the arguments are encoded in.
    pub encoding: Encoding,
    /// The arguments.
    pub arguments: Vec<u8>,
    /// How long the caller still waits.
    pub time_left: Duration,
    /// The objects that wait for the call, from the last to the first.
    pub chain: Vec<(TypeName, ObjectId)>,
    /// What the call is named by, so that it takes effect once; it has not been checked.
    pub call_id: Option<String>,
}

// === impl OutgoingCall ===

impl OutgoingCall {
    pub(crate) fn new(type_name: &str, call: NamedCall, time_left: Duration) -> Self {
        let NamedCall { id, method, encoding, bytes: arguments, origin, call_id, .. } = call;
        let chain = Link::names(origin.chain.as_deref());
        let type_name = type_name.to_owned();
        Self { type_name, id, method, encoding, arguments, time_left, chain, call_id }
    }
}
