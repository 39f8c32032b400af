//! Panics: at whatever point of whatever turn, they end the activation without its hook, and nothing else.

use futures_util::FutureExt;
use goverse_core::ErrorCode;
use goverse_node::Ran;

use crate::actor::{Add, Kind, Order, Step, act, look, note, pass};
use crate::stage::{Stage, stage, stage_with, told};
use crate::world::Hook;

/// A panic after so many awaits, or before the first.
fn panics(kind: Kind, awaits: u32) -> Order {
    Order::new(kind, "a", [Step::Add(1), Step::Yield(awaits), Step::Panic])
}

async fn assert_ended_by_a_panic(stage: &Stage, method: &str) {
    assert!(!stage.world.notes().contains("a-"), "no hook runs: {}", stage.world.notes());
    stage.world.assert_no_violation();
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum(&format!("method_calls_total Actor {method} panicked")), 1.0);
    assert_eq!(books.sum("panics_total Actor turn"), 1.0);
    assert_eq!(books.sum("object_deactivations_total Actor panicked"), 1.0);
    assert_eq!(books.sum("object_deactivations_total"), 1.0);
}

#[tokio::test]
async fn a_panic_at_whatever_await_of_an_exclusive_turn_leaves_a_fresh_object_to_all_who_wait() {
    for is_there in [true, false] {
        for awaits in 0..5 {
            let stage = stage();
            if is_there {
                assert_eq!(stage.tell(act("a", [Step::Add(7)])).await, "7");
            }
            let first = stage.begin(panics(Kind::Exclusive, awaits));
            let waiting = [act("a", [Step::Add(1)]), look("a", []), act("a", [Step::Add(1)])];
            let waiting = waiting.map(|order| stage.begin(order));
            assert_eq!(first.told().await, "panicked maybe");
            assert_eq!(told(waiting).await, ["1", "1", "2"]);
            assert_eq!(stage.tell(look("a", [])).await, "2");
            assert_ended_by_a_panic(&stage, "act").await;
        }
    }
}

#[tokio::test]
async fn a_panic_at_whatever_await_of_a_shared_turn_leaves_those_beside_it_to_their_end() {
    for awaits in 0..5 {
        let stage = stage();
        assert_eq!(stage.tell(act("a", [Step::Add(7)])).await, "7");
        let beside = [(); 3].map(|()| stage.begin(look("a", [pass("end"), note("beside")])));
        let first = stage.begin(panics(Kind::Shared, awaits));
        let waiting = [act("a", [note("after")]), look("a", [note("after")])];
        let waiting = waiting.map(|order| stage.begin(order));
        assert_eq!(first.told().await, "panicked maybe", "it does not wait for the others");
        let late = stage.begin(look("a", [note("after")]));
        stage.world.open("end");
        assert_eq!(told(beside).await, ["8"; 3], "they still have the object as it is");
        assert_eq!(told(waiting.into_iter().chain([late])).await, ["0"; 3]);
        assert_eq!(stage.world.notes(), "beside beside beside after after after");
        assert_ended_by_a_panic(&stage, "look").await;
    }
}

#[tokio::test]
async fn shared_turns_that_panic_beside_each_other_end_their_object_once() {
    let stage = stage();
    assert_eq!(stage.tell(act("a", [])).await, "0");
    let meet = || look("a", [Step::Meet("all".into(), 20), Step::Panic]);
    let answers = told((0..20).map(|_| stage.begin(meet()))).await;
    assert_eq!(answers, ["panicked maybe"; 20]);
    assert_eq!(stage.tell(look("a", [])).await, "0");
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("object_deactivations_total Actor panicked"), 1.0);
    assert_eq!(books.sum("panics_total Actor turn"), 20.0);
    stage.world.assert_no_violation();
}

#[tokio::test]
async fn a_panic_of_a_method_that_does_not_wait_is_caught_too() {
    let stage = stage();
    for _ in 0..2 {
        assert_eq!(stage.actor("a").call(Add(1)).await, Ok(1));
        let error = stage.actor("a").call(Add(i64::MAX)).await.unwrap_err();
        let error = error.system().expect("it is the runtime that says so").clone();
        assert_eq!((error.code(), error.ran()), (ErrorCode::Panicked, Ran::Maybe));
        let expected = r#"add of Actor "a" panicked, and the object was dropped: on purpose"#;
        assert_eq!(error.to_string(), expected);
    }
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("method_calls_total Actor add panicked"), 2.0);
    assert_eq!(books.sum("method_calls_total Actor add ok"), 2.0);
}

#[tokio::test]
async fn a_panic_of_an_object_is_an_error_to_the_object_that_called_it() {
    let stage = stage();
    assert_eq!(stage.tell(act("b", [Step::Add(5)])).await, "5");
    let calls = act("b", [Step::Call(panics(Kind::Exclusive, 1))]);
    assert_eq!(stage.tell(calls).await, "panicked maybe at a");
    assert_eq!(stage.tell(look("b", [])).await, "5");
    assert_ended_by_a_panic(&stage, "act").await;
}

#[tokio::test]
async fn a_panic_whose_caller_is_gone_ends_the_object_all_the_same() {
    for kind in [Kind::Exclusive, Kind::Shared] {
        let stage = stage();
        assert_eq!(stage.tell(act("a", [Step::Add(7)])).await, "7");
        drop(stage.begin(panics(kind, 3)));
        assert_eq!(stage.tell(act("a", [])).await, "0");
        let method = if kind == Kind::Exclusive { "act" } else { "look" };
        assert_ended_by_a_panic(&stage, method).await;
    }
}

#[tokio::test]
async fn a_panic_outweighs_what_the_turn_asked_for() {
    for asked in [Step::Deactivate, Step::RollBack] {
        let stage = stage();
        let order = match asked {
            Step::Deactivate => act("a", [Step::Deactivate, Step::Yield(1), Step::Panic]),
            // What it leaves behind panics after it has asked.
            _ => act("a", [Step::PanicOnDrop, Step::Yield(1), Step::RollBack]),
        };
        assert_eq!(stage.tell(order).await, "panicked maybe");
        assert_eq!(stage.tell(act("a", [])).await, "0");
        assert_ended_by_a_panic(&stage, "act").await;
    }
}

#[tokio::test]
async fn a_turn_that_is_cut_off_and_panics_as_it_is_dropped_is_told_as_cut_off() {
    for kind in [Kind::Exclusive, Kind::Shared] {
        let limit = std::time::Duration::from_millis(5);
        let stage = stage_with(|settings| settings.turn_limit = limit, |node| node);
        assert_eq!(stage.tell(act("a", [Step::Add(7)])).await, "7");
        let order = Order::new(kind, "a", [Step::PanicOnDrop, pass("never")]);
        assert_eq!(stage.tell(order).await, "cut_off maybe");
        assert_eq!(stage.tell(act("a", [])).await, "0");
        let mut books = stage.books();
        books.at_rest().await;
        let method = if kind == Kind::Exclusive { "act" } else { "look" };
        assert_eq!(books.sum(&format!("method_calls_total Actor {method} cut_off")), 1.0);
        assert_eq!(books.sum("object_deactivations_total Actor cut_off"), 1.0);
    }
}

#[tokio::test]
async fn a_deactivation_hook_that_ends_badly_is_no_hindrance_to_calls_that_wait() {
    for end in [Step::Panic, Step::Fail] {
        let stage = stage();
        stage.world.plan("a", Hook::Deactivate, [vec![pass("end"), end]]);
        assert_eq!(stage.tell(act("a", [Step::Add(7)])).await, "7");
        let node = stage.node().clone();
        let destroy = tokio::spawn(async move { node.destroy_object("Actor", "a").await });
        stage.world.until_at("a", "the hook runs", |a| a.hooks == 1).await;
        let waiting = [look("a", []), act("a", [])].map(|order| stage.begin(order));
        stage.world.open("end");
        assert_eq!(told(waiting).await, ["0", "0"]);
        destroy.await.unwrap().unwrap_err();
        stage.world.assert_no_violation();
        stage.books().at_rest().await;
    }
}

#[tokio::test]
async fn the_answer_to_a_panic_is_there_at_once_if_the_method_did_not_wait() {
    let stage = stage();
    let mut call = std::pin::pin!(stage.actor("a").call(crate::actor::Act(vec![Step::Panic])));
    assert!(call.as_mut().now_or_never().expect("nothing waits").is_err());
}
