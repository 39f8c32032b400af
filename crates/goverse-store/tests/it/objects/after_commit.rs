//! Calls after a commit arrive once, in order, whoever dies.

use std::sync::Arc;

use goverse_core::ErrorCode;
use goverse_node::StateStore;

use super::faulty::{Faulty, Saves};
use super::fixture::{Account, Meter, Tally, eventually, node};

async fn settled(store: &Faulty) {
    eventually(async || store.outgoing(None, 10).await.unwrap().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_payment_arrives_once() {
    let store = Faulty::new();
    let node = node(store.clone());
    let [a, b] = ["a", "b"].map(|id| node.object::<Account>(id));
    a.add(10).await.unwrap();
    for left in [7, 4, 1] {
        assert_eq!(a.pay("b".to_owned(), 3).await, Ok(left));
    }
    a.pay("b".to_owned(), 3).await.unwrap_err();
    settled(&store).await;
    assert_eq!(b.entries().await.unwrap(), ["add 3", "add 3", "add 3"]);
    assert_eq!(store.dead_letters(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_payment_to_oneself_arrives_too() {
    let store = Faulty::new();
    let node = node(store.clone());
    let a = node.object::<Account>("a");
    a.add(10).await.unwrap();
    assert_eq!(a.pay("a".to_owned(), 3).await, Ok(7));
    settled(&store).await;
    assert_eq!(a.balance().await, Ok(10));
}

#[tokio::test]
async fn a_payment_that_was_not_saved_is_not_made() {
    let store = Faulty::new();
    let node = node(store.clone());
    let a = node.object::<Account>("a");
    a.add(10).await.unwrap();
    store.saves(Saves::Fail);
    a.pay("b".to_owned(), 3).await.unwrap_err();
    store.saves(Saves::Work);
    assert_eq!(a.pay("c".to_owned(), 3).await, Ok(7));
    settled(&store).await;
    assert_eq!(node.object::<Account>("b").balance().await, Ok(0));
    assert_eq!(node.object::<Account>("c").balance().await, Ok(3));
}

#[tokio::test]
async fn a_payment_whose_save_was_in_doubt_arrives_before_later_ones() {
    let store = Faulty::new();
    let node = node(store.clone());
    let a = node.object::<Account>("a");
    a.add(100).await.unwrap();
    a.pay("b".to_owned(), 1).await.unwrap();
    settled(&store).await;
    for (n, saves) in [(2, Saves::LoseAnswer), (3, Saves::LandLater)] {
        store.saves(saves);
        a.pay("b".to_owned(), n).await.unwrap_err();
        store.saves(Saves::Work);
        assert!(a.pay("b".to_owned(), n + 3).await.is_ok(), "{saves:?}");
    }
    store.land().await;
    let b = node.object::<Account>("b");
    let entries = ["add 1", "add 2", "add 5", "add 6"];
    eventually(async || (b.entries().await.unwrap().len() == entries.len()).then_some(())).await;
    assert_eq!(b.entries().await.unwrap(), entries);
    assert_eq!(a.balance().await, Ok(86));
    settled(&store).await;
}

#[tokio::test]
async fn what_a_dead_node_left_behind_is_delivered_by_the_next() {
    let store = Faulty::new();
    let before = node(store.clone());
    let a = before.object::<Account>("a");
    a.add(100).await.unwrap();
    // Those who get something cannot be loaded, so nothing arrives.
    store.loads_fail(true);
    for n in 1..=9 {
        a.pay("b".to_owned(), n).await.unwrap();
    }
    assert_eq!(store.outgoing(None, 100).await.unwrap().len(), 9);
    drop(before);
    store.loads_fail(false);
    let after = node(store.clone());
    after.open_store().await.unwrap();
    settled(&store).await;
    let entries = after.object::<Account>("b").entries().await.unwrap();
    assert_eq!(entries, (1..=9).map(|n| format!("add {n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_call_that_was_answered_and_not_settled_takes_effect_once() {
    let store = Faulty::new();
    let before = node(store.clone());
    let a = before.object::<Account>("a");
    a.add(10).await.unwrap();
    a.pay("b".to_owned(), 3).await.unwrap();
    let b = before.object::<Account>("b");
    eventually(async || (b.balance().await == Ok(3)).then_some(())).await;
    settled(&store).await;
    // As if the settlement had never reached the store.
    let mut again = before.object::<Account>("a").pay("b".to_owned(), 1);
    again = again.call_id("again");
    store.loads_fail(true);
    again.await.unwrap();
    let left = store.outgoing(None, 10).await.unwrap().pop().unwrap();
    store.loads_fail(false);
    settled(&store).await;
    let twice = before
        .call_once("Account", "b", "add", left.encoding, left.arguments, left.call_id.as_str())
        .await
        .unwrap();
    assert_eq!(twice.bytes, b"\x04");
    assert_eq!(b.balance().await, Ok(4));
}

#[tokio::test]
async fn a_call_that_fails_for_good_is_a_dead_letter_that_can_be_tried_again() {
    let store = Faulty::new();
    let node = node(store.clone());
    let a = node.object::<Account>("a");
    a.add(10).await.unwrap();
    // Its id cannot be one, so the turn does not count.
    let error = a.pay(String::new(), 3).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::InvalidId);
    assert_eq!(a.balance().await, Ok(10));
    assert_eq!(store.outgoing(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_turn_that_is_not_saved_cannot_ask_for_one() {
    let store = Faulty::new();
    let node = node(store.clone());
    for error in [
        node.object::<Tally>("t").pay("a".to_owned()).await.unwrap_err(),
        node.object::<Account>("a").pay_shared("b".to_owned()).await.unwrap_err(),
    ] {
        assert_eq!(error.system().unwrap().code(), ErrorCode::NotPersistent);
    }
    assert_eq!(store.outgoing(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_type_that_is_saved_later_calls_when_it_is_saved() {
    let store = Faulty::new();
    let node = node(store.clone());
    store.saves(Saves::Fail);
    let meter = node.object::<Meter>("m");
    for _ in 0..3 {
        meter.add_and_tell("a".to_owned()).await.unwrap();
    }
    assert_eq!(store.outgoing(None, 10).await.unwrap(), []);
    store.saves(Saves::Work);
    let a = node.object::<Account>("a");
    eventually(async || (a.balance().await == Ok(3)).then_some(())).await;
    assert_eq!(store.stored::<Meter>("Meter", "m").await, Some(Meter(3)));
}

#[tokio::test]
async fn money_is_conserved_between_many_who_pay_each_other() {
    let store: Arc<Faulty> = Faulty::new();
    let node = node(store.clone());
    for n in 0..8 {
        node.object::<Account>(format!("{n}")).add(1_000).await.unwrap();
    }
    let payments: Vec<_> = (0..400)
        .map(|n: i64| {
            let (from, to) = (n % 8, (n * 5 + 3) % 8);
            tokio::spawn(node.object::<Account>(from.to_string()).pay(to.to_string(), n % 7))
        })
        .collect();
    for payment in payments {
        payment.await.unwrap().unwrap();
    }
    settled(&store).await;
    let mut sum = 0;
    for n in 0..8 {
        sum += node.object::<Account>(format!("{n}")).balance().await.unwrap();
    }
    assert_eq!(sum, 8_000);
}
