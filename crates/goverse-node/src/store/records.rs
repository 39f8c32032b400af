//! What goes into a store and comes out of it.

use std::fmt;

use goverse_core::{CallId, Encoding, ObjectId, TypeName};
use smol_str::SmolStr;

/// The address of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Its type.
    pub type_name: TypeName,
    /// Its id.
    pub id: ObjectId,
}

/// What one fence stands for: a shard, or a node with the objects that are bound to it. Text of at most 600 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FenceKey(SmolStr);

/// In whose name an object is loaded and saved: what is fenced, and since when the node has had it. A newer tenure has a
/// higher `since`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tenure {
    /// What is fenced.
    pub key: FenceKey,
    /// The epoch in which the tenure began.
    pub since: u64,
}

/// Which state of an object: it rises with each save. 0 stands for none. At most `i64::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Version(pub u64);

/// The bytes of a state, and how to read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredState {
    /// The version of the schema, of the type's own counting.
    pub schema: u32,
    /// How it is encoded.
    pub encoding: Encoding,
    /// The state.
    pub bytes: Vec<u8>,
}

/// Reads an object for an activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Which.
    pub object: ObjectKey,
    /// Whose fence is raised first.
    pub tenure: Tenure,
    /// Set after a save whose outcome is unknown: the stored version is raised to this in the same statement, if it is
    /// lower, and a placeholder without state is put if there is nothing. So the late save is refused.
    pub raise_to: Option<Version>,
    /// When it is asked for. A placeholder is swept as if it had been deleted then.
    pub now: u64,
}

/// An object as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Loaded {
    /// The version that the next save is to expect; 0 if nothing is stored.
    pub version: Version,
    /// `None` if the object was never saved, or was deleted.
    pub state: Option<StoredState>,
    /// Whether records of its calls may be there.
    pub has_call_records: bool,
}

/// One turn's worth of changes to one object; all of it takes effect, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// Which object.
    pub object: ObjectKey,
    /// By whom: refused if the fence, or the row's own tenure, is newer.
    pub tenure: Tenure,
    /// Refused if another version is stored.
    pub expected: Version,
    /// The version that it makes; higher than `expected`.
    pub next: Version,
    /// What becomes of the state.
    pub change: Change,
    /// When it was made.
    pub now: u64,
    /// Records of the calls that made it. One takes the place of a record of the same id.
    pub calls: Vec<CallRecord>,
    /// Calls that are to be made once it is durable. Their keys are of this object and of `next`.
    pub outgoing: Vec<Outgoing>,
}

/// What becomes of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is this from now on.
    Put(StoredState),
    /// It is erased, and the object is as if it had never been; its version stays until it is swept.
    Delete,
}

/// What a call came to, kept so that a repeat is answered and does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// Which call of the object.
    pub call_id: CallId,
    /// Of method and arguments: a repeat must have the same.
    pub digest: [u8; 16],
    /// Whether the method returned its error.
    pub failed: bool,
    /// How the answer is encoded.
    pub encoding: Encoding,
    /// The method's result, or its error.
    pub answer: Vec<u8>,
    /// When it may be swept.
    pub kept_until: u64,
}

/// Which outgoing call: of whom, of which save, and the how-manieth of it. They are made in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutgoingKey {
    /// Who calls.
    pub from: ObjectKey,
    /// The version of the save that stored it.
    pub version: Version,
    /// Its place among those of that save, from 0.
    pub index: u32,
}

/// A call that is made after the commit of the turn that asked for it, until it has been answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Which.
    pub key: OutgoingKey,
    /// Who is called.
    pub to: ObjectKey,
    /// By which method.
    pub method: String,
    /// How the arguments are encoded.
    pub encoding: Encoding,
    /// The arguments.
    pub arguments: Vec<u8>,
    /// The same at each attempt, so that it takes effect once.
    pub call_id: CallId,
    /// When it was committed.
    pub committed: u64,
    /// How many attempts were made.
    pub attempts: u32,
    /// Not to be tried before.
    pub not_before: u64,
}

/// What became of an outgoing call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It was answered, and goes.
    Delivered(OutgoingKey),
    /// It was not answered, and is tried again.
    Again {
        /// Which.
        key: OutgoingKey,
        /// How many attempts were made.
        attempts: u32,
        /// Not to be tried before.
        not_before: u64,
    },
    /// It failed for good, and becomes a dead letter.
    Dead {
        /// Which.
        key: OutgoingKey,
        /// When.
        at: u64,
        /// Why, in words.
        reason: String,
    },
}

/// A call that failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The call.
    pub call: Outgoing,
    /// When it was given up.
    pub at: u64,
    /// Why, in words.
    pub reason: String,
}

/// A stored object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub object: ObjectKey,
    /// Its version.
    pub version: Version,
    /// The version of its schema.
    pub schema: u32,
    /// The length of its state, in bytes.
    pub len: u64,
    /// When it was saved last.
    pub saved: u64,
}

// === impl FenceKey ===

impl FenceKey {
    /// Of a node that is alone: one key for all its objects.
    pub const ALONE: Self = Self(SmolStr::new_static("alone"));

    /// Of a shard.
    pub fn shard(number: u32) -> Self {
        Self(smol_str::format_smolstr!("shard/{number}"))
    }

    /// Of a node, with the objects that are bound to it.
    pub fn node(address: &str) -> Self {
        Self(smol_str::format_smolstr!("node/{address}"))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FenceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::activation::describe(&self.type_name, self.id.as_str()))
    }
}

impl fmt::Display for Tenure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} since {}", self.key, self.since)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
