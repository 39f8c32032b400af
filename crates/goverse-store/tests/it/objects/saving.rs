//! A turn includes its save, and what is not saved does not count.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use goverse_core::{Encoding, ErrorCode, Ran};
use goverse_node::{
    BuildError, CallError, Change, FenceKey, Node, NodeSettings, Save, StateStore, StoredState,
    Version,
};

use super::faulty::{Faulty, Saves, key};
use super::fixture::{Account, Profile, Short, Tally, eventually, node, node_with};

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let store = Faulty::new();
    let before = node(store.clone());
    assert_eq!(before.object::<Account>("a").add(5).await, Ok(5));
    assert_eq!(store.stored::<Account>("Account", "a").await.unwrap().balance, 5);
    // Not shut down: as if the process had died.
    drop(before);
    assert_eq!(node(store).object::<Account>("a").add(2).await, Ok(7));
}

#[tokio::test]
async fn an_error_is_saved_like_a_result_and_a_rollback_is_not() {
    let store = Faulty::new();
    let node = node(store.clone());
    let account = node.object::<Account>("a");
    account.add(5).await.unwrap();
    assert_eq!(account.take(9).await, Err(CallError::Method(Short { has: 5 })));
    let stored = store.stored::<Account>("Account", "a").await.unwrap();
    assert_eq!(stored.entries, ["add 5", "take 9"]);
    assert_eq!(account.take_or_nothing(9).await, Err(CallError::Method(Short { has: 5 })));
    assert_eq!(account.balance().await, Ok(5));
    assert_eq!(account.panics().await.unwrap_err().system().unwrap().code(), ErrorCode::Panicked);
    assert_eq!(account.balance().await, Ok(5));
}

#[tokio::test]
async fn a_shared_turn_saves_nothing() {
    let store = Faulty::new();
    let node = node(store.clone());
    let account = node.object::<Account>("a");
    account.add(5).await.unwrap();
    let saved = store.saved.load(Ordering::SeqCst);
    assert_eq!(account.balance().await, Ok(5));
    assert_eq!(store.saved.load(Ordering::SeqCst), saved);
}

#[tokio::test]
async fn a_failed_save_fails_the_call_and_drops_what_it_did() {
    let store = Faulty::new();
    let node = node(store.clone());
    let account = node.object::<Account>("a");
    account.add(5).await.unwrap();
    store.saves(Saves::Fail);
    let error = account.add(1).await.unwrap_err();
    let error = error.system().unwrap();
    assert_eq!((error.code(), error.ran()), (ErrorCode::StoreUnavailable, Ran::Yes));
    // It is loaded anew, and reads go on while the store can be read.
    assert_eq!(account.balance().await, Ok(5));
    store.saves(Saves::Work);
    assert_eq!(account.add(1).await, Ok(6));
}

#[tokio::test]
async fn nobody_sees_what_is_not_saved() {
    let store = Faulty::new();
    let node = node(store.clone());
    let account = node.object::<Account>("a");
    account.add(5).await.unwrap();
    store.saves(Saves::Hang);
    let before = store.saved.load(Ordering::SeqCst);
    let adding = tokio::spawn(account.add(1));
    eventually(async || (store.saved.load(Ordering::SeqCst) > before).then_some(())).await;
    let mut reading = std::pin::pin!(account.balance());
    let polled = futures_util::poll!(reading.as_mut());
    assert!(polled.is_pending(), "it was read while its save was under way: {polled:?}");
    store.saves(Saves::Fail);
    assert!(adding.await.unwrap().is_err());
    assert_eq!(reading.await, Ok(5));
}

#[tokio::test]
async fn a_save_whose_answer_is_lost_counts_once_whether_it_landed_or_not() {
    for landed in [true, false] {
        let store = Faulty::new();
        let node = node(store.clone());
        let account = node.object::<Account>("a");
        account.add(5).await.unwrap();
        store.saves(if landed { Saves::LoseAnswer } else { Saves::LandLater });
        let error = account.add(1).await.unwrap_err();
        let error = error.system().unwrap();
        assert_eq!((error.code(), error.ran()), (ErrorCode::OutcomeUnknown, Ran::Maybe));
        store.saves(Saves::Work);
        let expected = if landed { 6 } else { 5 };
        assert_eq!(account.balance().await, Ok(expected), "landed: {landed}");
        // One that lands under the new activation is refused, and what that saves stays.
        for answer in store.land().await {
            answer.unwrap_err();
        }
        assert_eq!(account.add(10).await, Ok(expected + 10));
        drop(node);
        let again = super::fixture::node(store);
        assert_eq!(again.object::<Account>("a").balance().await, Ok(expected + 10));
    }
}

#[tokio::test]
async fn a_first_save_that_lands_late_is_refused() {
    let store = Faulty::new();
    let node = node(store.clone());
    let account = node.object::<Account>("new");
    store.saves(Saves::LandLater);
    account.add(1).await.unwrap_err();
    store.saves(Saves::Work);
    assert_eq!(account.balance().await, Ok(0));
    store.land().await.pop().unwrap().unwrap_err();
    assert_eq!(account.add(3).await, Ok(3));
}

#[tokio::test]
async fn a_node_that_was_followed_by_another_is_refused() {
    let store = Faulty::new();
    let (old, new) = (node(store.clone()), node(store.clone()));
    assert_eq!(old.object::<Account>("a").add(5).await, Ok(5));
    assert_eq!(new.object::<Account>("a").add(1).await, Ok(6));
    let error = old.object::<Account>("a").add(100).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::StoreConflict);
    // Also an object that the new one has never seen.
    let error = old.object::<Account>("b").add(100).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::StoreConflict);
    assert_eq!(new.object::<Account>("a").balance().await, Ok(6));
}

#[tokio::test]
async fn a_store_that_cannot_be_read_fails_calls_and_the_next_one_tries_again() {
    let store = Faulty::new();
    let node = node(store.clone());
    store.loads_fail(true);
    let error = node.object::<Account>("a").add(5).await.unwrap_err();
    let error = error.system().unwrap();
    assert_eq!((error.code(), error.ran()), (ErrorCode::StoreUnavailable, Ran::No));
    assert_eq!(node.object::<Tally>("t").add(1).await, Ok(1));
    store.loads_fail(false);
    assert_eq!(node.object::<Account>("a").add(5).await, Ok(5));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_waited_for_for_ever() {
    let store = Faulty::new();
    let mut settings = NodeSettings::default();
    settings.store_timeout = Duration::from_millis(20);
    let node = node_with(store.clone(), settings);
    store.saves(Saves::Hang);
    let error = node.object::<Account>("a").add(5).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::OutcomeUnknown);
}

#[tokio::test]
async fn a_deleted_object_is_as_if_it_had_never_been() {
    let store = Faulty::new();
    let node = node(store.clone());
    let account = node.object::<Account>("a");
    account.add(5).await.unwrap();
    account.close().await.unwrap();
    assert_eq!(store.stored::<Account>("Account", "a").await, None);
    assert_eq!(account.balance().await, Ok(0));
    account.close().await.unwrap();
    assert_eq!(account.add(1).await, Ok(1));
    let error = account.close_shared().await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::NotPersistent);
    assert_eq!(account.balance().await, Ok(1));
}

#[tokio::test]
async fn a_turn_can_save_in_its_middle() {
    let store = Faulty::new();
    let node = node(store.clone());
    let account = node.object::<Account>("a");
    assert_eq!(
        account.add_twice(1, true).await.unwrap_err().system().unwrap().code(),
        ErrorCode::Panicked
    );
    assert_eq!(account.balance().await, Ok(1));
    assert_eq!(account.add_twice(2, false).await, Ok(()));
    assert_eq!(account.balance().await, Ok(5));
    store.saves(Saves::Fail);
    let error = account.add_twice(2, false).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::StoreUnavailable);
    store.saves(Saves::Work);
    assert_eq!(account.balance().await, Ok(5));
    let refused = account.add_twice(2, false).call_id("once").await.unwrap_err();
    let CallError::Method(refused) = refused else { panic!("{refused:?}") };
    assert!(refused.ends_with("a call with an id is saved as a whole, at its end"), "{refused}");
    let refused = node.object::<Tally>("t").save().await.unwrap_err();
    assert!(
        matches!(&refused, CallError::Method(error) if error.ends_with("this turn saves nothing"))
    );
}

#[tokio::test]
async fn an_older_schema_is_upgraded_and_a_newer_one_is_left_alone() {
    let store = Faulty::new();
    let put = async |id: &str, schema: u32, bytes: Vec<u8>| {
        let tenure = store.begin_tenure(&FenceKey::ALONE, 1).await.unwrap();
        let state = StoredState { schema, encoding: Encoding::MessagePack, bytes };
        let save = Save {
            object: key("Profile", id),
            tenure,
            expected: Version(0),
            next: Version(1),
            change: Change::Put(state),
            now: 1,
            calls: Vec::new(),
            outgoing: Vec::new(),
        };
        store.inner.save(vec![save]).await.unwrap().pop().unwrap().unwrap();
    };
    put("old", 1, b"\xACAda Lovelace".to_vec()).await;
    put("odd", 1, b"\xA3Ada".to_vec()).await;
    put("new", 3, b"\xC0".to_vec()).await;
    put("garbage", 2, b"\xC1".to_vec()).await;
    let node = node(store.clone());
    assert_eq!(node.object::<Profile>("old").names().await.unwrap(), ["Ada", "Lovelace"]);
    for (id, why) in [
        (
            "odd",
            "the stored state of Profile \"odd\" cannot be read: it cannot be brought from schema 1 to 2: a name has two parts",
        ),
        (
            "new",
            "the stored state of Profile \"new\" cannot be read: it is of schema 3, and this program knows 2 at most; run a newer program",
        ),
        (
            "garbage",
            "the stored state of Profile \"garbage\" cannot be read: cannot decode messagepack",
        ),
    ] {
        let error = node.object::<Profile>(id).names().await.unwrap_err();
        let error = error.system().unwrap();
        assert_eq!((error.code(), error.ran()), (ErrorCode::StateUnreadable, Ran::No), "{id}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(store.inner.read(&key("Profile", id)).await.unwrap().is_some());
    }
}

#[test]
fn a_persistent_type_needs_a_store() {
    let built = Node::builder("localhost:47000".parse().unwrap()).object::<Account>().build();
    let error = built.unwrap_err();
    assert!(matches!(&error, BuildError::NoStore(_)));
    assert_eq!(
        error.to_string(),
        "type Account is persistent, and the node has no store; give it one"
    );
}

#[tokio::test]
async fn objects_are_saved_beside_each_other() {
    let store: Arc<Faulty> = Faulty::new();
    let node = node(store.clone());
    let adding: Vec<_> = (0..200)
        .map(|n| tokio::spawn(node.object::<Account>(format!("a{}", n % 20)).add(1)))
        .collect();
    for added in adding {
        added.await.unwrap().unwrap();
    }
    for n in 0..20 {
        let stored = store.stored::<Account>("Account", &format!("a{n}")).await.unwrap();
        assert_eq!(stored.balance, 10);
    }
}
