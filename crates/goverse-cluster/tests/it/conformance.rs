//! The promises of [`Coordinator`]: every implementation passes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use goverse_cluster::{
    BoxFuture, Cell, Coordinator, CoordinatorError, Effect, LeaseId, Revision, Transaction, Verdict,
};
use goverse_e2e::poll::{self, SOON};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::steps::{
    TTL, absent, cells, created, delete, end_of, force, is_done, modified, next_change, put,
    put_with, soon, when,
};

/// A coordinator to be tried, and what an operator can do to it.
pub(crate) trait Subject: Send + Sync {
    /// The coordinator.
    fn coordinator(&self) -> Arc<dyn Coordinator>;

    /// The coordinator of another cluster that shares with it what can be shared.
    fn neighbour(&self) -> Arc<dyn Coordinator>;

    /// Has the history up to a revision forgotten.
    fn compact(&self, revision: Revision) -> BoxFuture<'_, ()>;
}

/// Makes a test of each promise, for one subject.
macro_rules! every_promise {
    ($subject:expr) => {
        crate::conformance::every_promise! { $subject =>
            guards_hold_or_nothing_happens,
            a_transaction_is_one_revision,
            a_key_is_named_once,
            a_key_that_comes_again_is_another,
            the_newest_revision_of_a_key_is_told,
            a_lease_ends_with_all_its_cells_in_one_revision,
            renewals_keep_a_lease,
            a_revoked_lease_is_gone,
            nothing_is_put_with_a_lease_that_is_gone,
            a_watch_tells_every_revision_in_order,
            a_watch_begins_in_the_past,
            a_revision_comes_whole_however_large,
            what_is_not_awaited_is_not_lost,
            a_compacted_past_is_an_error,
            large_values_are_kept,
            clusters_do_not_see_each_other,
        }
    };
    ($subject:expr => $($promise:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let subject = $subject.await;
                crate::conformance::$promise(&subject).await;
            }
        )*
    };
}
pub(crate) use every_promise;

pub(crate) async fn guards_hold_or_nothing_happens(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    assert!(is_done(it, when([absent("a")], [put("a", "1")])).await);
    assert!(!is_done(it, when([absent("a")], [put("a", "2")])).await);
    let cell = soon(it.read()).await.unwrap().cells["a"].clone();
    let later = force(it, [put("a", "3")]).await;

    // Modified: only by the last put.
    assert!(!is_done(it, when([modified("a", cell.modified)], [put("a", "4")])).await);
    assert!(!is_done(it, when([modified("b", later)], [put("a", "4")])).await);
    assert!(is_done(it, when([modified("a", later)], [put("a", "5")])).await);
    // Created: by the first put of this life of the key.
    assert!(!is_done(it, when([created("a", later)], [put("a", "6")])).await);
    assert!(!is_done(it, when([created("b", cell.created)], [put("a", "6")])).await);
    assert!(is_done(it, when([created("a", cell.created)], [put("a", "7")])).await);
    // One that does not hold is enough.
    let guards = [created("a", cell.created), absent("a")];
    assert!(!is_done(it, when(guards, [put("a", "8"), put("b", "8")])).await);
    assert_eq!(cells(it).await, [("a".to_owned(), "7".to_owned())]);
}

pub(crate) async fn a_transaction_is_one_revision(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let before = force(it, [put("a", "1")]).await;
    let mut watch = soon(it.watch(before)).await.unwrap();
    let revision = force(it, [delete("a"), put("b", "2"), put("c", "3"), delete("d")]).await;
    assert!(revision > before);
    let change = next_change(&mut *watch).await.unwrap();
    assert_eq!(change.revision, revision);
    let cell = |value: &str| {
        let (value, lease) = (value.as_bytes().to_owned(), None);
        Some(Cell { value, created: revision, modified: revision, lease })
    };
    let expected = [("a", None), ("b", cell("2")), ("c", cell("3"))];
    let expected = expected.into_iter().map(|(key, cell)| (key.to_owned(), cell)).collect();
    assert_eq!(change.cells, expected);

    // What changes nothing makes no revision.
    assert_eq!(force(it, [delete("d")]).await, revision);
    let refused = soon(it.transact(when([absent("b")], [put("b", "")]))).await.unwrap();
    assert_eq!(refused, Verdict::No(revision));
    assert_eq!(soon(it.read()).await.unwrap().revision, revision);
}

pub(crate) async fn a_key_is_named_once(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let twice = soon(it.transact(when([], [put("a", "1"), put("a", "2")]))).await;
    assert!(matches!(twice, Err(CoordinatorError::Nonsense(_))), "{twice:?}");
    assert_eq!(cells(it).await, []);
}

pub(crate) async fn a_key_that_comes_again_is_another(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let first = force(it, [put("a", "1")]).await;
    force(it, [put("a", "2")]).await;
    assert_eq!(soon(it.read()).await.unwrap().cells["a"].created, first);
    force(it, [delete("a")]).await;
    let second = force(it, [put("a", "1")]).await;
    assert_eq!(soon(it.read()).await.unwrap().cells["a"].created, second);
    assert!(!is_done(it, when([created("a", first)], [put("a", "3")])).await);
}

pub(crate) async fn the_newest_revision_of_a_key_is_told(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    assert_eq!(soon(it.modified("a")).await.unwrap(), None);
    let first = force(it, [put("a", "1")]).await;
    force(it, [put("ab", "1")]).await;
    assert_eq!(soon(it.modified("a")).await.unwrap(), Some(first));
    let second = force(it, [put("a", "2")]).await;
    assert_eq!(soon(it.modified("a")).await.unwrap(), Some(second));
    force(it, [delete("a")]).await;
    assert_eq!(soon(it.modified("a")).await.unwrap(), None);
}

pub(crate) async fn a_lease_ends_with_all_its_cells_in_one_revision(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let begin = Instant::now();
    let grant = soon(it.grant(TTL)).await.unwrap();
    assert!(grant.ttl >= TTL, "{grant:?}");
    let effects = [
        put_with("member", "", grant.lease),
        put_with("leader", "", grant.lease),
        put("assignment", "stays"),
    ];
    let put = force(it, effects).await;
    assert_eq!(soon(it.read()).await.unwrap().cells["leader"].lease, Some(grant.lease));
    let mut watch = soon(it.watch(put)).await.unwrap();
    let change = next_change(&mut *watch).await.unwrap();
    assert!(begin.elapsed() >= grant.ttl, "it ended after {:?}", begin.elapsed());
    let expected = ["leader", "member"].map(|key| (key.to_owned(), None));
    assert_eq!(change.cells, expected.into());
    assert_eq!(cells(it).await, [("assignment".to_owned(), "stays".to_owned())]);
    assert_eq!(soon(it.renew(grant.lease)).await, Err(CoordinatorError::LeaseGone));
}

pub(crate) async fn renewals_keep_a_lease(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let begin = Instant::now();
    let grant = soon(it.grant(TTL)).await.unwrap();
    force(it, [put_with("member", "here", grant.lease)]).await;
    poll::until("two lives to be over", SOON, async || {
        assert_eq!(soon(it.renew(grant.lease)).await, Ok(grant));
        assert_eq!(cells(it).await.len(), 1);
        poll::expect(begin.elapsed() > 2 * grant.ttl, begin.elapsed())
    })
    .await;
}

pub(crate) async fn a_revoked_lease_is_gone(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let grant = soon(it.grant(TTL * 100)).await.unwrap();
    let other = soon(it.grant(TTL * 100)).await.unwrap();
    assert_ne!(grant.lease, other.lease);
    let effects = [
        put_with("a", "", grant.lease),
        put_with("b", "", grant.lease),
        put_with("c", "", other.lease),
    ];
    let put = force(it, effects).await;
    let mut watch = soon(it.watch(put)).await.unwrap();
    soon(it.revoke(grant.lease)).await.unwrap();
    let change = next_change(&mut *watch).await.unwrap();
    assert_eq!(change.cells.into_keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(soon(it.renew(grant.lease)).await, Err(CoordinatorError::LeaseGone));
    assert_eq!(soon(it.revoke(grant.lease)).await, Ok(()));
    assert_eq!(soon(it.renew(other.lease)).await, Ok(other));
}

pub(crate) async fn nothing_is_put_with_a_lease_that_is_gone(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let grant = soon(it.grant(TTL)).await.unwrap();
    soon(it.revoke(grant.lease)).await.unwrap();
    for lease in [grant.lease, LeaseId(77_777)] {
        let effects = [put("a", "1"), put_with("b", "1", lease)];
        assert_eq!(soon(it.transact(when([], effects))).await, Err(CoordinatorError::LeaseGone));
    }
    assert_eq!(cells(it).await, []);
}

pub(crate) async fn a_watch_tells_every_revision_in_order(subject: &dyn Subject) {
    const WRITERS: usize = 8;
    const WRITES: usize = 40;
    let it = subject.coordinator();
    let start = soon(it.read()).await.unwrap();
    let mut watch = soon(it.watch(start.revision)).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let it = Arc::clone(&it);
        writers.spawn(async move {
            let mut revisions = Vec::new();
            for number in 0..WRITES {
                let shared = format!("k{}", (writer + number) % 5);
                let own = format!("w{writer}");
                let value = format!("{writer}.{number}");
                let first = if number % 7 == 3 { delete(&shared) } else { put(&shared, &*value) };
                revisions.push(force(&*it, [first, put(&own, &*value)]).await);
            }
            revisions
        });
    }
    let mut written: Vec<Revision> = writers.join_all().await.into_iter().flatten().collect();
    written.sort_unstable();
    let (mut told, mut view) = (Vec::new(), start.cells);
    while told.len() < written.len() {
        let change = next_change(&mut *watch).await.unwrap();
        told.push(change.revision);
        apply(&mut view, change.cells);
    }
    assert_eq!(told, written);
    assert_eq!(view, soon(it.read()).await.unwrap().cells);
}

fn apply(view: &mut BTreeMap<String, Cell>, cells: BTreeMap<String, Option<Cell>>) {
    for (key, cell) in cells {
        match cell {
            Some(cell) => view.insert(key, cell),
            None => view.remove(&key),
        };
    }
}

pub(crate) async fn a_watch_begins_in_the_past(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let mut revisions = Vec::new();
    for number in 0..20 {
        revisions.push(force(it, [put("a", number.to_string())]).await);
    }
    for from in [0, 7, 18] {
        let mut watch = soon(it.watch(revisions[from])).await.unwrap();
        for expected in &revisions[from + 1..] {
            assert_eq!(next_change(&mut *watch).await.unwrap().revision, *expected);
        }
        revisions.push(force(it, [put("a", "now")]).await);
        let change = next_change(&mut *watch).await.unwrap();
        assert_eq!(Some(&change.revision), revisions.last());
    }
}

pub(crate) async fn a_revision_comes_whole_however_large(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let keys = ["a", "b", "c", "d", "e"];
    let start = force(it, [put("a", "")]).await;
    let mut revisions = Vec::new();
    for _ in 0..6 {
        let effects = keys.map(|key| put(key, vec![b'x'; 250 << 10]));
        revisions.push(force(it, effects).await);
    }
    let mut watch = soon(it.watch(start)).await.unwrap();
    for revision in revisions {
        let change = next_change(&mut *watch).await.unwrap();
        assert_eq!(change.revision, revision);
        assert_eq!(change.cells.into_keys().collect::<Vec<_>>(), keys);
    }
}

pub(crate) async fn what_is_not_awaited_is_not_lost(subject: &dyn Subject) {
    let it = subject.coordinator();
    let start = soon(it.read()).await.unwrap().revision;
    let mut watch = soon(it.watch(start)).await.unwrap();
    let writer = tokio::spawn(async move {
        let mut revisions = Vec::new();
        for number in 0..50 {
            revisions.push(force(&*it, [put("a", number.to_string())]).await);
        }
        revisions
    });
    let mut told = Vec::new();
    while told.len() < 50 {
        // Given up at its first await, most times.
        tokio::select! {
            biased;
            event = next_change(&mut *watch) => told.push(event.unwrap().revision),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(told, writer.await.unwrap());
}

pub(crate) async fn a_compacted_past_is_an_error(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let mut revisions = Vec::new();
    for number in 0..10 {
        revisions.push(force(it, [put("a", number.to_string())]).await);
    }
    subject.compact(revisions[5]).await;
    let error = match soon(it.watch(revisions[2])).await {
        Ok(mut watch) => end_of(&mut *watch).await,
        Err(error) => error,
    };
    assert!(matches!(error, CoordinatorError::Compacted(to) if to >= revisions[5]), "{error}");
    // What is left can be watched, and everything read.
    let mut watch = soon(it.watch(revisions[5])).await.unwrap();
    assert_eq!(next_change(&mut *watch).await.unwrap().revision, revisions[6]);
    assert_eq!(cells(it).await, [("a".to_owned(), "9".to_owned())]);
}

pub(crate) async fn large_values_are_kept(subject: &dyn Subject) {
    let it = &*subject.coordinator();
    let value: Vec<u8> = (0..1 << 20).map(|number: u32| number.to_le_bytes()[1]).collect();
    let start = soon(it.read()).await.unwrap().revision;
    let mut watch = soon(it.watch(start)).await.unwrap();
    force(it, [put("a", value.clone())]).await;
    let change = next_change(&mut *watch).await.unwrap();
    assert!(change.cells["a"].as_ref().is_some_and(|cell| cell.value == value));
    for key in ["b", "c", "d", "e", "f"] {
        force(it, [put(key, value.clone())]).await;
    }
    let content = soon(it.read()).await.unwrap();
    assert!(content.cells.len() == 6 && content.cells.values().all(|cell| cell.value == value));

    for size in [2_000_000, 20_000_000] {
        let effects = vec![Effect::Put { key: "g".to_owned(), value: vec![0; size], lease: None }];
        let transaction = Transaction { guards: Vec::new(), effects };
        let refused = soon(it.transact(transaction)).await;
        assert!(matches!(refused, Err(CoordinatorError::TooLarge(_))), "{size}: {refused:?}");
    }
    assert_eq!(soon(it.modified("g")).await.unwrap(), None);
}

pub(crate) async fn clusters_do_not_see_each_other(subject: &dyn Subject) {
    let (it, neighbour) = (&*subject.coordinator(), &*subject.neighbour());
    let start = soon(it.read()).await.unwrap().revision;
    let mut watch = soon(it.watch(start)).await.unwrap();
    force(neighbour, [put("a", "theirs"), put("b", "theirs")]).await;
    assert!(is_done(it, when([absent("a")], [put("a", "ours")])).await);
    assert_eq!(cells(it).await, [("a".to_owned(), "ours".to_owned())]);
    assert_eq!(soon(neighbour.modified("c")).await.unwrap(), None);
    force(it, [delete("a")]).await;
    let theirs = ["a", "b"].map(|key| (key.to_owned(), "theirs".to_owned()));
    assert_eq!(cells(neighbour).await, theirs);
    let first = next_change(&mut *watch).await.unwrap();
    assert_eq!(first.cells["a"].as_ref().unwrap().value, b"ours");
    assert_eq!(next_change(&mut *watch).await.unwrap().cells["a"], None);
}
