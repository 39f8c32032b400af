//! How the state of a type is written down, and when.

use std::fmt;
use std::time::Duration;

use goverse_core::{Encoding, Payload, PayloadError};

use crate::object::HookError;
use crate::store::StoredState;

/// How the state of a type is stored: [`#[object(persist)]`](crate::object) writes it.
pub struct Persistence<T> {
    pub(crate) schema: u32,
    pub(crate) write: WritePolicy,
    pub(crate) encode: fn(&T) -> Result<Vec<u8>, PayloadError>,
    decode: fn(&StoredState) -> Result<T, PayloadError>,
    upgrade: Option<Upgrade<T>>,
}

/// What can be stored: everything that serde can serialize and deserialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored",
    label = "this asks for a state that can be stored",
    note = "derive serde's `Serialize` and `Deserialize` for it and for all in it"
)]
pub trait State: Sized {
    /// The value as bytes.
    ///
    /// # Errors
    /// When this value has no serde form.
    #[doc(hidden)]
    fn encode_state(&self) -> Result<Vec<u8>, PayloadError>;

    /// The value that is stored.
    ///
    /// # Errors
    /// When the bytes are none.
    #[doc(hidden)]
    fn decode_state(state: &StoredState) -> Result<Self, PayloadError>;
}

/// Makes an object of a state that an older program has stored.
pub type Upgrade<T> = fn(&StoredState) -> Result<T, HookError>;

/// When the state of an object is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePolicy {
    /// Within each exclusive turn: what has been answered is durable.
    EveryCall,
    /// So long after a change at the latest: that much may be lost when the process dies.
    Interval(Duration),
    /// When the object is deactivated: all since its activation may be lost when the process dies.
    OnDeactivate,
}

/// How a state travels to the store.
pub(crate) const ENCODING: Encoding = Encoding::MessagePack;

// === impl Persistence ===

impl<T: State> Persistence<T> {
    /// The state is the object's serde form, of this schema.
    pub const fn of(schema: u32, write: WritePolicy) -> Self {
        Self { schema, write, encode: T::encode_state, decode: T::decode_state, upgrade: None }
    }
}

impl<T> Persistence<T> {
    /// A state of an older schema is brought to this one by `upgrade`.
    #[must_use]
    pub const fn upgraded_by(mut self, upgrade: Upgrade<T>) -> Self {
        self.upgrade = Some(upgrade);
        self
    }

    /// The object of a stored state.
    ///
    /// # Errors
    /// What is wrong with the state, in words.
    pub(crate) fn decode(&self, state: &StoredState) -> Result<T, String> {
        let schema = self.schema;
        match (state.schema, self.upgrade) {
            (stored, _) if stored > schema => Err(format!(
                "it is of schema {stored}, and this program knows {schema} at most; run a newer program"
            )),
            (stored, Some(upgrade)) if stored < schema => upgrade(state).map_err(|error| {
                format!("it cannot be brought from schema {stored} to {schema}: {error}")
            }),
            (stored, _) => (self.decode)(state).map_err(|error| {
                let hint = if stored < schema { "; name an `upgrade` for it" } else { "" };
                format!("{error} (schema {stored}{hint})")
            }),
        }
    }
}

// What is not serde's is told in the words above, not in those of serde's traits.
#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + 'static> State for T {
    fn encode_state(&self) -> Result<Vec<u8>, PayloadError> {
        self.encode(ENCODING)
    }

    fn decode_state(state: &StoredState) -> Result<Self, PayloadError> {
        state.decode()
    }
}

impl<T> fmt::Debug for Persistence<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Persistence");
        shown.field("schema", &self.schema).field("write", &self.write).finish_non_exhaustive()
    }
}

// === impl StoredState ===

impl StoredState {
    /// The value that the state is the serde form of.
    ///
    /// # Errors
    /// When it is not.
    pub fn decode<T: Payload>(&self) -> Result<T, PayloadError> {
        T::decode(self.encoding, &self.bytes)
    }
}
