//! Short words for what tests do with a coordinator.

use std::future::Future;
use std::time::Duration;

use goverse_cluster::{
    Change, Coordinator, CoordinatorError, Effect, Guard, LeaseId, Revision, Transaction, Verdict,
    Watch, WatchEvent,
};
use goverse_e2e::poll::SOON;
use tokio::time::timeout;

/// The shortest life of a lease that etcd grants.
pub(crate) const TTL: Duration = Duration::from_secs(2);

pub(crate) fn put(key: &str, value: impl Into<Vec<u8>>) -> Effect {
    Effect::Put { key: key.to_owned(), value: value.into(), lease: None }
}

pub(crate) fn put_with(key: &str, value: &str, lease: LeaseId) -> Effect {
    Effect::Put { key: key.to_owned(), value: value.into(), lease: Some(lease) }
}

pub(crate) fn delete(key: &str) -> Effect {
    Effect::Delete { key: key.to_owned() }
}

pub(crate) fn absent(key: &str) -> Guard {
    Guard::Absent(key.to_owned())
}

pub(crate) fn created(key: &str, revision: Revision) -> Guard {
    Guard::Created(key.to_owned(), revision)
}

pub(crate) fn modified(key: &str, revision: Revision) -> Guard {
    Guard::Modified(key.to_owned(), revision)
}

pub(crate) fn when<const N: usize>(
    guards: impl Into<Vec<Guard>>,
    effects: [Effect; N],
) -> Transaction {
    Transaction { guards: guards.into(), effects: effects.into() }
}

/// Does this whatever is there.
pub(crate) async fn force<const N: usize>(
    coordinator: &dyn Coordinator,
    effects: [Effect; N],
) -> Revision {
    match soon(coordinator.transact(when([], effects))).await.unwrap() {
        Verdict::Yes(revision) => revision,
        Verdict::No(revision) => panic!("nothing was guarded, and yet no, at {revision}"),
    }
}

/// What comes of an attempt, which does not take long.
pub(crate) async fn soon<T>(attempt: impl Future<Output = T>) -> T {
    timeout(SOON, attempt).await.expect("an attempt ends")
}

/// Whether a transaction took effect.
pub(crate) async fn is_done(coordinator: &dyn Coordinator, transaction: Transaction) -> bool {
    matches!(soon(coordinator.transact(transaction)).await.unwrap(), Verdict::Yes(_))
}

/// The keys that there are, in order, with their values.
pub(crate) async fn cells(coordinator: &dyn Coordinator) -> Vec<(String, String)> {
    let content = soon(coordinator.read()).await.unwrap();
    let text = |value: Vec<u8>| String::from_utf8(value).unwrap();
    content.cells.into_iter().map(|(key, cell)| (key, text(cell.value))).collect()
}

/// The next change of a watch, whatever it says of progress before.
pub(crate) async fn next_change(watch: &mut dyn Watch) -> Result<Change, CoordinatorError> {
    loop {
        if let WatchEvent::Changed(change) = soon(watch.next()).await? {
            return Ok(change);
        }
    }
}

/// What a watch ends with; it is to change nothing before.
pub(crate) async fn end_of(watch: &mut dyn Watch) -> CoordinatorError {
    next_change(watch).await.expect_err("the watch was to end")
}
