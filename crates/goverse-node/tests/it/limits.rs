//! What an object and its turns may take: how many wait, how long a turn runs, and from when on it is long.

use std::time::Duration;

use goverse_core::ErrorCode;

use crate::actor::{Add, Get, Kind, Order, Step, act, look, note, pass};
use crate::stage::{stage, stage_with, told};
use crate::world::Hook;

const LIMIT: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_call_that_would_wait_behind_too_many_is_refused_at_once() {
    for makes_wait in ["a turn", "an activation"] {
        let stage = stage_with(|settings| settings.waiting_max = 3, |node| node);
        if makes_wait == "an activation" {
            stage.world.plan("a", Hook::Activate, [vec![pass("end")]]);
        }
        let holder = stage.begin(act("a", [pass("end")]));
        let orders = [act("a", [note("waited")]), look("a", []), act("a", [])];
        let waiting = orders.map(|order| stage.begin(order));
        for _ in 0..2 {
            for order in [act("a", [note("never")]), look("a", [note("never")])] {
                let mut refused = stage.begin(order);
                assert!(refused.poll(), "at once");
                assert_eq!(refused.told().await, "overloaded no");
            }
            let error = stage.actor("a").call(Add(1)).await.unwrap_err();
            let error = error.system().unwrap();
            assert_eq!(error.code(), ErrorCode::Overloaded);
            let expected = r#"add of Actor "a" did not run: 3 calls wait for the object already"#;
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(stage.tell(act("b", [])).await, "0", "others are not concerned");
        stage.world.open("end");
        assert_eq!(told([holder].into_iter().chain(waiting)).await, ["0"; 4]);
        assert_eq!(stage.actor("a").call(Get).await, Ok(0));
        assert_eq!(stage.world.notes(), "waited");
        let mut books = stage.books();
        books.at_rest().await;
        assert_eq!(books.sum("call_rejections_total Actor overloaded"), 6.0);
        assert_eq!(books.sum("method_calls_total Actor add rejected"), 2.0);
    }
}

#[tokio::test]
async fn who_leaves_the_line_makes_room_in_it() {
    let stage = stage_with(|settings| settings.waiting_max = 1, |node| node);
    let holder = stage.begin(act("a", [pass("end")]));
    for _ in 0..3 {
        drop(stage.begin(act("a", [note("never")])));
    }
    let waiting = stage.begin(act("a", []));
    assert_eq!(stage.tell(act("a", [])).await, "overloaded no");
    stage.world.open("end");
    assert_eq!(told([holder, waiting]).await, ["0", "0"]);
    assert_eq!(stage.world.notes(), "");
}

#[tokio::test]
async fn where_nobody_may_wait_a_busy_object_is_refused() {
    let stage = stage_with(|settings| settings.waiting_max = 0, |node| node);
    assert_eq!(stage.tell(act("a", [])).await, "0");
    let holder = stage.begin(look("a", [pass("end")]));
    assert_eq!(stage.tell(look("a", [])).await, "0", "beside it there is room");
    assert_eq!(stage.tell(act("a", [])).await, "overloaded no");
    stage.world.open("end");
    assert_eq!(holder.told().await, "0");
    assert_eq!(stage.tell(act("a", [])).await, "0");
}

#[tokio::test]
async fn the_end_of_an_object_never_finds_its_line_full() {
    let stage = stage_with(|settings| settings.waiting_max = 1, |node| node);
    let holder = stage.begin(act("a", [pass("end")]));
    let waiting = stage.begin(act("a", []));
    let node = stage.node().clone();
    let destroy = tokio::spawn(async move { node.destroy_object("Actor", "a").await });
    tokio::task::yield_now().await;
    stage.world.open("end");
    assert_eq!(told([holder, waiting]).await, ["0", "0"]);
    destroy.await.unwrap().unwrap();
    assert_eq!(stage.world.notes(), "a-destroyed");
}

#[tokio::test]
async fn a_turn_over_its_limit_is_cut_off_and_its_object_with_it() {
    for kind in [Kind::Exclusive, Kind::Shared] {
        let stage = stage_with(|settings| settings.turn_limit = LIMIT, |node| node);
        assert_eq!(stage.tell(act("a", [Step::Add(7)])).await, "7");
        let steps = [Step::Add(1), pass("never"), note("never")];
        let cut_off = stage.begin(Order::new(kind, "a", steps));
        let waiting = [act("a", [Step::Add(1)]), look("a", [])];
        let waiting = if kind == Kind::Exclusive { Some(waiting) } else { None };
        let waiting = waiting.into_iter().flatten().map(|order| stage.begin(order));
        let waiting: Vec<_> = waiting.collect();
        let error = cut_off.answer().await.unwrap_err();
        let error = error.system().unwrap();
        assert_eq!((error.code(), error.ran()), (ErrorCode::CutOff, goverse_node::Ran::Maybe));
        let message = error.to_string();
        assert!(message.contains(r#" of Actor "a" was ended after "#), "{message}");
        let fresh = told(waiting).await;
        assert!(fresh.is_empty() || fresh == ["1", "1"], "{fresh:?}");
        assert_eq!(stage.tell(act("a", [])).await, fresh.len().min(1).to_string());
        assert_eq!(stage.world.notes(), "", "no hook runs");
        stage.world.assert_no_violation();
        let mut books = stage.books();
        books.at_rest().await;
        let method = if kind == Kind::Exclusive { "act" } else { "look" };
        assert_eq!(books.sum(&format!("method_calls_total Actor {method} cut_off")), 1.0);
        assert_eq!(books.sum("object_deactivations_total Actor cut_off"), 1.0);
        assert_eq!(books.sum("object_deactivations_total"), 1.0);
    }
}

#[tokio::test]
async fn a_turn_without_a_caller_is_cut_off_at_its_limit_too() {
    let stage = stage_with(|settings| settings.turn_limit = LIMIT, |node| node);
    drop(stage.begin(act("a", [Step::Add(1), pass("never")])));
    assert_eq!(stage.tell(look("a", [])).await, "0");
    stage.world.assert_no_violation();
    stage.books().at_rest().await;
}

#[tokio::test]
async fn each_of_the_turns_that_one_task_carries_on_has_a_limit_of_its_own() {
    let stage = stage_with(|settings| settings.turn_limit = 10 * LIMIT, |node| node);
    let holder = stage.begin(act("a", [pass("end")]));
    let cut_off = stage.begin(act("a", [pass("never")]));
    // Meanwhile whoever carries the first one on sees to its limit, which comes before that of the next.
    assert_eq!(stage.tell(act("a", []).timeout_ms(20)).await, "deadline_exceeded no");
    stage.world.open("end");
    assert_eq!(holder.told().await, "0");
    assert_eq!(cut_off.told().await, "cut_off maybe");
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_turn_that_never_waits_for_long_is_cut_off_at_its_limit_too() {
    let stage = stage_with(|settings| settings.turn_limit = LIMIT, |node| node);
    assert_eq!(stage.tell(act("a", [Step::Yield(u32::MAX)])).await, "cut_off maybe");
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_turn_that_is_cut_off_in_line_for_another_object_leaves_that_line() {
    let stage = stage_with(|settings| settings.turn_limit = LIMIT, |node| node);
    stage.world.plan("b", Hook::Activate, [vec![pass("end")]]);
    let first = stage.begin(act("b", []));
    let cut_off = stage.begin(act("a", [Step::Try(act("b", [note("never")]))]));
    assert_eq!(cut_off.told().await, "cut_off maybe");
    stage.world.open("end");
    assert_eq!(first.told().await, "0");
    assert_eq!(stage.tell(act("b", [])).await, "0");
    assert_eq!(stage.world.notes(), "");
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("method_calls_total Actor act cancelled"), 1.0);
}

#[tokio::test]
async fn long_turns_are_counted_by_their_method_and_others_are_not() {
    let stage = stage_with(|settings| settings.long_turn = Duration::ZERO, |node| node);
    assert_eq!(stage.tell(act("a", [Step::Yield(1)])).await, "0");
    assert_eq!(stage.tell(act("a", [Step::Fail])).await, "failed");
    assert_eq!(stage.tell(look("a", [Step::Panic])).await, "panicked maybe");
    assert_eq!(stage.actor("a").call(Get).await, Ok(0));
    assert_eq!(stage.tell(act("a", []).timeout_ms(0)).await, "deadline_exceeded no");
    let mut books = stage.books();
    books.at_rest().await;
    let counted = ["act", "look", "get", "add"]
        .map(|method| books.sum(&format!("long_turns_total Actor {method}")));
    assert_eq!(counted, [2.0, 1.0, 1.0, 0.0]);

    let stage = stage_with(|settings| settings.long_turn = Duration::MAX, |node| node);
    assert_eq!(stage.tell(act("a", [Step::Yield(1)])).await, "0");
    assert_eq!(stage.books().sum("long_turns_total"), 0.0);
}

#[tokio::test]
async fn a_turn_within_its_limits_is_neither_long_nor_cut_off() {
    let stage = stage();
    assert_eq!(stage.tell(act("a", [Step::Yield(100)])).await, "0");
    let mut books = stage.books();
    assert_eq!(books.sum("long_turns_total") + books.sum("object_deactivations_total"), 0.0);
}
