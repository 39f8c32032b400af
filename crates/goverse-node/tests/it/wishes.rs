//! What a turn asks for at its end: to be taken back, or to be the object's last.

use crate::actor::{Kind, Order, Step, act, look, note, pass};
use crate::stage::{Stage, stage, told};
use crate::world::Hook;

async fn assert_ended(stage: &Stage, reason: &str) {
    stage.world.assert_no_violation();
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum(&format!("object_deactivations_total Actor {reason}")), 1.0);
    assert_eq!(books.sum("object_deactivations_total"), 1.0);
}

#[tokio::test]
async fn an_error_keeps_what_the_method_changed() {
    let stage = stage();
    for kind in [Kind::Exclusive, Kind::Shared] {
        let order = Order::new(kind, "a", [Step::Add(1), Step::Yield(1), Step::Fail]);
        assert_eq!(stage.tell(order).await, "failed");
    }
    assert_eq!(stage.tell(look("a", [])).await, "2");
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("method_calls_total Actor act failed"), 1.0);
    assert_eq!(books.sum("method_calls_total Actor look failed"), 1.0);
}

#[tokio::test]
async fn a_turn_that_is_rolled_back_leaves_a_fresh_object_without_a_hook() {
    for kind in [Kind::Exclusive, Kind::Shared] {
        for awaits in [0, 2] {
            let stage = stage();
            assert_eq!(stage.tell(act("a", [Step::Add(7)])).await, "7");
            let steps = [Step::Add(1), Step::Yield(awaits), Step::RollBack];
            let first = stage.begin(Order::new(kind, "a", steps));
            let waiting = stage.begin(look("a", []));
            assert_eq!(told([first, waiting]).await[0], "rolled back");
            assert_eq!(stage.tell(look("a", [])).await, "0");
            assert_eq!(stage.world.notes(), "");
            assert_ended(&stage, "rolled_back").await;
        }
    }
}

#[tokio::test]
async fn a_shared_turn_that_is_rolled_back_leaves_those_beside_it_to_their_end() {
    let stage = stage();
    assert_eq!(stage.tell(act("a", [Step::Add(7)])).await, "7");
    let beside = stage.begin(look("a", [pass("end"), Step::Add(1)]));
    assert_eq!(stage.tell(look("a", [Step::RollBack])).await, "rolled back");
    let after = stage.begin(look("a", []));
    stage.world.open("end");
    assert_eq!(told([beside, after]).await, ["8", "0"]);
    assert_ended(&stage, "rolled_back").await;
}

#[tokio::test]
async fn an_exclusive_turn_that_asks_for_it_is_the_last_before_the_hook() {
    for awaits in [0, 2] {
        let stage = stage();
        stage.world.plan("a", Hook::Deactivate, [vec![Step::Yield(2), note("hook")]]);
        let steps = [Step::Add(7), Step::Deactivate, Step::Yield(awaits), note("last")];
        let last = stage.begin(act("a", steps));
        let waiting = [(); 3].map(|()| stage.begin(act("a", [note("fresh"), Step::Add(1)])));
        assert_eq!(last.told().await, "7", "the answer is as ever");
        assert_eq!(told(waiting).await, ["1", "2", "3"]);
        assert_eq!(stage.world.notes(), "last a-requested hook fresh fresh fresh");
        assert_ended(&stage, "requested").await;
    }
}

#[tokio::test]
async fn a_shared_turn_that_asks_for_it_lets_those_end_that_came_before() {
    let stage = stage();
    assert_eq!(stage.tell(act("a", [])).await, "0");
    let beside = stage.begin(look("a", [pass("end"), note("beside")]));
    let asks = stage.begin(look("a", [Step::Deactivate, Step::Yield(1), note("asks")]));
    let waiting = stage.begin(act("a", [note("waiting"), Step::Add(1)]));
    assert_eq!(asks.told().await, "0");
    stage.world.open("end");
    assert_eq!(told([beside, waiting]).await, ["0", "1"]);
    stage.world.noted("a-requested").await;
    assert_eq!(stage.world.notes(), "asks beside waiting a-requested");
    assert_eq!(stage.tell(look("a", [])).await, "0", "a fresh one");
    assert_ended(&stage, "requested").await;
}

#[tokio::test]
async fn turns_that_all_ask_for_it_end_their_object_once() {
    let stage = stage();
    assert_eq!(stage.tell(act("a", [])).await, "0");
    let asks = || look("a", [Step::Deactivate, Step::Meet("all".into(), 10)]);
    assert_eq!(told((0..10).map(|_| stage.begin(asks()))).await, ["0"; 10]);
    stage.world.noted("a-requested").await;
    assert_ended(&stage, "requested").await;
    assert_eq!(stage.world.at("a").deactivations, 1);
}

#[tokio::test]
async fn a_roll_back_outweighs_the_wish_to_end_well() {
    let stage = stage();
    assert_eq!(stage.tell(act("a", [Step::Deactivate, Step::RollBack])).await, "rolled back");
    assert_eq!(stage.tell(act("a", [])).await, "0");
    assert_eq!(stage.world.notes(), "", "no hook runs");
    assert_ended(&stage, "rolled_back").await;
}

#[tokio::test]
async fn a_wish_is_granted_though_the_caller_is_gone() {
    for kind in [Kind::Exclusive, Kind::Shared] {
        let stage = stage();
        drop(stage.begin(Order::new(kind, "a", [Step::Yield(2), Step::Deactivate])));
        stage.world.noted("a-requested").await;
        assert_ended(&stage, "requested").await;
    }
}
