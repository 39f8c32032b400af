//! What the cases store, in few words.

use goverse_core::{ObjectId, TypeName};
use goverse_node::{
    CallId, CallRecord, Change, Conflict, Encoding, FenceKey, Load, Loaded, ObjectKey, Outgoing,
    OutgoingKey, Save, StateStore, StoreError, StoredState, Tenure, Version,
};
use tokio::runtime::{Handle, RuntimeFlavor};

/// The time of all saves.
pub(crate) const NOW: u64 = 1_700_000_000_000;

pub(crate) fn wallet(id: &str) -> ObjectKey {
    object("Wallet", id)
}

pub(crate) fn object(type_name: &str, id: &str) -> ObjectKey {
    let type_name = TypeName::new(type_name).unwrap();
    ObjectKey { type_name, id: ObjectId::new(id).unwrap() }
}

pub(crate) fn tenure(since: u64) -> Tenure {
    Tenure { key: FenceKey::shard(7), since }
}

pub(crate) fn state(bytes: impl Into<Vec<u8>>) -> StoredState {
    StoredState { schema: 3, encoding: Encoding::Json, bytes: bytes.into() }
}

/// A save that makes the version after `expected`.
pub(crate) fn put(object: &ObjectKey, since: u64, expected: u64, bytes: &str) -> Save {
    Save {
        object: object.clone(),
        tenure: tenure(since),
        expected: Version(expected),
        next: Version(expected + 1),
        change: Change::Put(state(bytes)),
        now: NOW,
        calls: Vec::new(),
        outgoing: Vec::new(),
    }
}

pub(crate) fn delete(object: &ObjectKey, since: u64, expected: u64) -> Save {
    Save { change: Change::Delete, ..put(object, since, expected, "") }
}

pub(crate) fn call(id: &str) -> CallRecord {
    CallRecord {
        call_id: CallId::new(id).unwrap(),
        digest: *b"0123456789abcdef",
        failed: false,
        encoding: Encoding::MessagePack,
        answer: b"answer\0".to_vec(),
        kept_until: NOW + 1_000,
    }
}

/// The call number `index` of a save.
pub(crate) fn outgoing(save: &Save, index: u32) -> Outgoing {
    let from = save.object.clone();
    Outgoing {
        key: OutgoingKey { from, version: save.next, index },
        to: wallet("to"),
        method: "deposit".to_owned(),
        encoding: Encoding::Protobuf,
        arguments: vec![0, 1, 255],
        call_id: CallId::new(&format!("call-{}-{index}", save.next)).unwrap(),
        committed: NOW,
        attempts: 0,
        not_before: 0,
    }
}

pub(crate) fn load(object: &ObjectKey, since: u64) -> Load {
    Load { object: object.clone(), tenure: tenure(since), raise_to: None, now: NOW }
}

pub(crate) fn raising(object: &ObjectKey, since: u64, to: u64) -> Load {
    Load { raise_to: Some(Version(to)), ..load(object, since) }
}

/// Saves one, where it is if the store can: that has to come to the same.
pub(crate) async fn save(store: &dyn StateStore, save: Save) -> Result<(), StoreError> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread
        && let Some(answer) = store.save_here(&save)
    {
        return answer;
    }
    let mut answers = store.save(vec![save]).await?;
    assert_eq!(answers.len(), 1, "one answer for each save");
    answers.remove(0)
}

/// Version and state of an object.
pub(crate) async fn stored(store: &dyn StateStore, object: &ObjectKey) -> Option<(u64, String)> {
    let (version, state) = store.read(object).await.unwrap()?;
    Some((version.0, String::from_utf8(state.bytes).unwrap()))
}

/// What a load of an object that has a state gives.
pub(crate) fn loaded(version: u64, bytes: &str) -> Loaded {
    Loaded { version: Version(version), state: Some(state(bytes)), has_call_records: false }
}

/// What a load of an object without a state gives.
pub(crate) fn empty(version: u64) -> Loaded {
    Loaded { version: Version(version), ..Loaded::default() }
}

pub(crate) fn on_version<T>(expected: u64, stored: u64) -> Result<T, StoreError> {
    let (expected, stored) = (Version(expected), Version(stored));
    Err(Conflict::Version { expected, stored }.into())
}

pub(crate) fn fenced<T>(since: u64, fence: u64) -> Result<T, StoreError> {
    Err(Conflict::Fence { tenure: tenure(since), fence }.into())
}
