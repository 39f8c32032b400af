//! Protobuf messages as payloads.

use std::ops::Deref;

use prost::Message;

use crate::{Encoding, Payload, PayloadError};

/// A Protobuf message, which travels as Protobuf only.
///
/// serde does not know it, so that its message cannot go out in a form that other languages do not expect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proto<M>(
    /// The message.
    pub M,
);

/// What prost says before each reason, and our error says too.
const PREFIX: &str = "failed to decode Protobuf message: ";

// === impl Proto ===

impl<M> Deref for Proto<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.0
    }
}

impl<M: Message + Default + 'static> Payload for Proto<M> {
    fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, PayloadError> {
        check_encoding(encoding)?;
        Ok(self.0.encode_to_vec())
    }

    fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Self, PayloadError> {
        check_encoding(encoding)?;
        M::decode(bytes).map(Self).map_err(|error| {
            let message = error.to_string();
            let reason = message.strip_prefix(PREFIX).unwrap_or(&message);
            PayloadError::undecodable(encoding, reason)
        })
    }
}

fn check_encoding(encoding: Encoding) -> Result<(), PayloadError> {
    match encoding {
        Encoding::Protobuf => Ok(()),
        Encoding::Json | Encoding::MessagePack => {
            Err(PayloadError::WrongEncoding { encoding, expected: "protobuf" })
        }
    }
}
