//! Calls whose arguments come as bytes, from outside of the process.

use std::sync::Arc;
use std::time::Duration;

use goverse_core::{Encoding, ErrorCode, Payload, PayloadError, Ran};
use goverse_metrics::{CallGuard, RejectionCode};

use crate::call::Call;
use crate::call_error::{CallError, SystemError};
use crate::method::Method;
use crate::object::Object;
use crate::object_type::{NamedCall, ObjectType, refused};
use crate::target::Target;

/// What a method gave back, encoded: its result, or its own error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// That of the call, unless the value does not travel in it: Protobuf messages travel as that alone, and what serde
    /// knows then travels as JSON.
    pub encoding: Encoding,
    /// The value.
    pub bytes: Vec<u8>,
}

/// What a call by bytes comes to.
pub(crate) type Answer = Result<Reply, CallError<Reply>>;

/// A call with its arguments as bytes, for an object of type `T`.
pub(crate) struct BytesCall<T: Object> {
    pub(crate) object_type: Arc<ObjectType<T>>,
    pub(crate) call: NamedCall,
}

/// Decodes the arguments, calls the method, and encodes what it gave back.
pub(crate) async fn call_with_bytes<M: Method>(
    BytesCall { object_type, call }: BytesCall<M::Object>,
) -> Result<Reply, CallError<Reply>> {
    let NamedCall { id, encoding, bytes, origin, timeout, call_id, .. } = call;
    let reject = |code: RejectionCode, error_code, why: &str| {
        CallGuard::begin(object_type.method::<M>()).rejected(code);
        refused(error_code, &object_type.name, &id, M::NAME, why)
    };
    let bytes_max = object_type.node_state.settings.payload_bytes_max;
    if bytes.len() > bytes_max {
        let why =
            format!("its arguments have {} bytes; at most {bytes_max} are taken", bytes.len());
        return Err(reject(RejectionCode::PayloadTooLarge, ErrorCode::PayloadTooLarge, &why).into());
    }
    let arguments = M::Arguments::decode(encoding, &bytes).map_err(|error| match error {
        PayloadError::WrongEncoding { .. } => {
            reject(RejectionCode::WrongEncoding, ErrorCode::WrongEncoding, &error.to_string())
        }
        error => {
            reject(RejectionCode::InvalidArguments, ErrorCode::InvalidArguments, &error.to_string())
        }
    })?;
    drop(bytes);
    let target = Target::find(&object_type, &id);
    let mut typed = Call::new(target, origin, M::from_arguments(arguments));
    typed.set_timeout(timeout);
    typed.set_call_id(call_id.as_deref());
    match typed.await {
        Ok(output) => encode_reply(&output, encoding)
            .map_err(|error| unencodable::<M>(&object_type, &id, &error).into()),
        Err(CallError::Method(error)) => match encode_reply(&error, encoding) {
            Ok(reply) => Err(CallError::Method(reply)),
            Err(error) => Err(unencodable::<M>(&object_type, &id, &error).into()),
        },
        Err(CallError::System(error)) => Err(error.into()),
    }
}

/// A value in the encoding of the call, if it travels in that; else as what it does travel as.
///
/// A method may well take Protobuf and return what serde knows, or the other way round.
fn encode_reply<T: Payload>(value: &T, encoding: Encoding) -> Result<Reply, PayloadError> {
    let encoded = |encoding| value.encode(encoding).map(|bytes| Reply { encoding, bytes });
    match encoded(encoding) {
        Err(PayloadError::WrongEncoding { .. }) if encoding == Encoding::Protobuf => {
            encoded(Encoding::Json)
        }
        Err(PayloadError::WrongEncoding { .. }) => encoded(Encoding::Protobuf),
        result => result,
    }
}

fn unencodable<M: Method>(
    object_type: &ObjectType<M::Object>,
    id: &str,
    error: &PayloadError,
) -> SystemError {
    let object = crate::activation::describe(&object_type.name, id);
    let message = format!("{} of {object} ran, but its result does not travel: {error}", M::NAME);
    SystemError::new(ErrorCode::Unencodable, Ran::Yes, message)
}

/// The arguments of a call that leaves as bytes.
///
/// Everything travels as MessagePack but Protobuf messages, which travel as what they are.
pub(crate) fn encode<A: Payload>(arguments: &A) -> Result<(Encoding, Vec<u8>), SystemError> {
    let encoded = |encoding| arguments.encode(encoding).map(|bytes| (encoding, bytes));
    let result = match encoded(Encoding::MessagePack) {
        Err(PayloadError::WrongEncoding { .. }) => encoded(Encoding::Protobuf),
        result => result,
    };
    result.map_err(|error| SystemError::new(ErrorCode::Unencodable, Ran::No, error.to_string()))
}

/// What the answer to a call as bytes says.
pub(crate) fn decode_answer<O: Payload, E: Payload>(
    answer: Result<Reply, CallError<Reply>>,
    type_name: &str,
    method: &str,
) -> Result<O, CallError<E>> {
    let unreadable = |error: PayloadError| {
        let message = format!("{method} of {type_name} ran, but its reply is not right: {error}");
        SystemError::new(ErrorCode::Unencodable, Ran::Yes, message)
    };
    match answer {
        Ok(Reply { encoding, bytes }) => {
            O::decode(encoding, &bytes).map_err(|error| unreadable(error).into())
        }
        Err(CallError::Method(Reply { encoding, bytes })) => {
            let error = E::decode(encoding, &bytes).map_err(unreadable)?;
            Err(CallError::Method(error))
        }
        Err(CallError::System(error)) => Err(error.into()),
    }
}

/// The time that is left of a call, for one that goes elsewhere.
pub(crate) fn time_left(deadline: u64) -> Duration {
    crate::clock::between(crate::clock::now(), deadline)
}
