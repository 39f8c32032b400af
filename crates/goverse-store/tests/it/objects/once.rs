//! A call with an id takes effect once.

use goverse_core::{Encoding, ErrorCode, Ran};
use goverse_node::{CallError, NodeSettings};

use super::faulty::{Faulty, Saves};
use super::fixture::{Account, Draft, Meter, Short, Tally, eventually, node, node_with};

#[tokio::test]
async fn a_repeat_gets_the_same_answer_and_does_not_run() {
    let store = Faulty::new();
    let before = node(store.clone());
    let account = before.object::<Account>("a");
    assert_eq!(account.add(5).call_id("x").await, Ok(5));
    assert_eq!(account.add(1).await, Ok(6));
    assert_eq!(account.add(5).call_id("x").await, Ok(5));
    // The name is the object's own.
    assert_eq!(before.object::<Account>("b").add(5).call_id("x").await, Ok(5));
    // On another activation, after a restart.
    drop(before);
    let after = node(store);
    assert_eq!(after.object::<Account>("a").add(5).call_id("x").await, Ok(5));
    assert_eq!(after.object::<Account>("a").balance().await, Ok(6));
}

#[tokio::test]
async fn an_error_is_an_answer_also_of_a_turn_that_was_taken_back() {
    let store = Faulty::new();
    let node = node(store);
    let account = node.object::<Account>("a");
    account.add(5).await.unwrap();
    let short = || Err(CallError::Method(Short { has: 5 }));
    assert_eq!(account.take(9).call_id("take").await, short());
    assert_eq!(account.take_or_nothing(9).call_id("all").await, short());
    account.add(100).await.unwrap();
    assert_eq!(account.take(9).call_id("take").await, short());
    assert_eq!(account.take_or_nothing(9).call_id("all").await, short());
    assert_eq!(account.balance().await, Ok(105));
    // Nothing was stored of it before.
    let fresh = node.object::<Account>("fresh");
    let none = || Err(CallError::Method(Short { has: 0 }));
    assert_eq!(fresh.take_or_nothing(9).call_id("all").await, none());
    fresh.add(100).await.unwrap();
    assert_eq!(fresh.take_or_nothing(9).call_id("all").await, none());
}

#[tokio::test]
async fn the_same_id_with_another_call_is_an_error() {
    let node = node(Faulty::new());
    let account = node.object::<Account>("a");
    account.add(5).call_id("x").await.unwrap();
    for error in [
        account.add(6).call_id("x").await.unwrap_err().system().unwrap().clone(),
        account.balance().call_id("x").await.unwrap_err().system().unwrap().clone(),
    ] {
        assert_eq!((error.code(), error.ran()), (ErrorCode::CallIdReused, Ran::No));
    }
    let error = account.add(6).call_id("a\nb").await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::InvalidCallId);
    assert_eq!(account.balance().await, Ok(5));
}

#[tokio::test]
async fn a_repeat_while_the_first_runs_waits_for_its_answer() {
    let store = Faulty::new();
    let node = node(store.clone());
    store.saves(Saves::Hang);
    let account = node.object::<Account>("a");
    let calls: Vec<_> = (0..5).map(|_| tokio::spawn(account.add(5).call_id("x"))).collect();
    eventually(async || (store.saved.load(std::sync::atomic::Ordering::SeqCst) > 0).then_some(()))
        .await;
    store.saves(Saves::Work);
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(5));
    }
    assert_eq!(account.entries().await.unwrap(), ["add 5"]);
}

#[tokio::test]
async fn a_call_that_was_not_saved_leaves_nothing_and_may_be_repeated() {
    for saves in [Saves::Fail, Saves::LandLater, Saves::LoseAnswer] {
        let store = Faulty::new();
        let node = node(store.clone());
        let account = node.object::<Account>("a");
        account.add(1).await.unwrap();
        store.saves(saves);
        account.add(5).call_id("x").await.unwrap_err();
        store.saves(Saves::Work);
        assert_eq!(account.add(5).call_id("x").await, Ok(6), "{saves:?}");
        for answer in store.land().await {
            answer.unwrap_err();
        }
        assert_eq!(account.balance().await, Ok(6), "{saves:?}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_looked_for_stops_the_call() {
    let store = Faulty::new();
    let node = node(store.clone());
    let account = node.object::<Account>("a");
    account.add(5).call_id("x").await.unwrap();
    store.loads_fail(true);
    let error = account.add(5).call_id("y").await.unwrap_err();
    let error = error.system().unwrap();
    assert_eq!((error.code(), error.ran()), (ErrorCode::StoreUnavailable, Ran::No));
    assert_eq!(account.balance().await, Ok(5));
}

#[tokio::test]
async fn without_a_store_it_holds_for_the_life_of_the_activation() {
    let node = node(Faulty::new());
    let tally = node.object::<Tally>("t");
    assert_eq!(tally.add(5).call_id("x").await, Ok(5));
    assert_eq!(tally.add(1).await, Ok(6));
    assert_eq!(tally.add(5).call_id("x").await, Ok(5));
    node.destroy_object("Tally", "t").await.unwrap();
    assert_eq!(tally.add(5).call_id("x").await, Ok(5));
    assert_eq!(tally.add(1).await, Ok(6));
}

#[tokio::test]
async fn a_type_that_is_saved_later_remembers_before_and_after_that() {
    let store = Faulty::new();
    let before = node(store.clone());
    assert_eq!(before.object::<Meter>("m").add(5).call_id("x").await, Ok(5));
    assert_eq!(before.object::<Meter>("m").add(5).call_id("x").await, Ok(5));
    eventually(async || store.stored::<Meter>("Meter", "m").await.filter(|meter| meter.0 == 5))
        .await;
    assert_eq!(before.object::<Meter>("m").add(5).call_id("x").await, Ok(5));
    let draft = || "a".to_owned();
    assert_eq!(before.object::<Draft>("d").write(draft()).call_id("x").await.unwrap(), "a");
    before.destroy_object("Draft", "d").await.unwrap();
    assert_eq!(before.object::<Draft>("d").write(draft()).call_id("x").await.unwrap(), "a");
    assert_eq!(before.object::<Draft>("d").read().await.unwrap(), "a.");
}

#[tokio::test]
async fn a_record_is_kept_for_as_long_as_the_node_is_told() {
    let mut settings = NodeSettings::default();
    settings.call_results_kept = std::time::Duration::ZERO;
    let node = node_with(Faulty::new(), settings);
    let tally = node.object::<Tally>("t");
    assert_eq!(tally.add(5).call_id("x").await, Ok(5));
    assert_eq!(tally.add(5).call_id("x").await, Ok(10));
}

#[tokio::test]
async fn calls_as_bytes_have_ids_too() {
    let node = node(Faulty::new());
    let call = async |encoding: Encoding, arguments: &[u8]| {
        node.call_once("Account", "a", "add", encoding, arguments.to_vec(), "x").await
    };
    let first = call(Encoding::Json, b"5").await.unwrap();
    assert_eq!(first.bytes, b"5");
    node.object::<Account>("a").add(1).await.unwrap();
    assert_eq!(call(Encoding::Json, b" 5 ").await.unwrap(), first);
    assert_eq!(call(Encoding::MessagePack, b"\x05").await.unwrap().bytes, b"\x05");
    assert_eq!(node.object::<Account>("a").add(5).call_id("x").await, Ok(5));
    let error = call(Encoding::Json, b"6").await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::CallIdReused);
}
