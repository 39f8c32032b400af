//! Objects that nobody calls leave, and only those.

use std::time::{Duration, Instant};

use goverse_node::TypeSettings;

use crate::actor::{Add, Get, Step, act, look, pass};
use crate::stage::{Stage, stage_with};
use crate::world::Hook;

fn stage_with_timeout(timeout: Duration) -> Stage {
    stage_with(|settings| settings.idle_timeout = Some(timeout), |node| node)
}

#[tokio::test]
async fn an_object_that_nobody_calls_leaves_with_its_hook_once() {
    let stage = stage_with_timeout(Duration::from_millis(10));
    let begun = Instant::now();
    assert_eq!(stage.actor("a").call(Add(7)).await, Ok(7));
    stage.node().create_object("Actor", "never called").await.unwrap();
    for id in ["a", "never called"] {
        stage.world.noted(&format!("{id}-idle")).await;
        stage.world.until_at(id, "it is gone", |it| it.lives == 0).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(10));
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("object_deactivations_total Actor idle"), 2.0);
    assert!(stage.node().find("Actor", "a").is_none());
    assert_eq!(stage.world.at("a").deactivations, 1);
    assert_eq!(stage.actor("a").call(Get).await, Ok(0), "a fresh one");
    stage.world.until_at("a", "it leaves again", |a| a.deactivations == 2).await;
    stage.world.assert_no_violation();
}

#[tokio::test]
async fn an_object_that_is_called_again_and_again_stays() {
    let timeout = Duration::from_millis(60);
    let stage = stage_with_timeout(timeout);
    let (begun, mut last, mut longest) = (Instant::now(), Instant::now(), Duration::ZERO);
    let mut calls = 0;
    while begun.elapsed() < 5 * timeout {
        let answer = match calls % 3 {
            0 => stage.actor("a").call(Get).await.unwrap(),
            1 => stage.tell(act("a", [])).await.parse().unwrap(),
            _ => stage.tell(look("a", [Step::Yield(1)])).await.parse().unwrap(),
        };
        assert_eq!(answer, 0);
        calls += 1;
        longest = longest.max(last.elapsed());
        last = Instant::now();
        tokio::time::sleep(timeout / 20).await;
    }
    // A machine that has other things to do may have kept the calls apart.
    if longest < timeout / 2 {
        assert_eq!(stage.world.at("a").activations, 1, "after {calls} calls");
    }
    stage.world.noted("a-idle").await;
}

#[tokio::test]
async fn an_object_does_not_leave_within_a_turn_however_long_that_takes() {
    let timeout = Duration::from_millis(5);
    for make in [act::<2>, look::<2>] {
        let stage = stage_with_timeout(timeout);
        assert_eq!(stage.tell(act("a", [Step::Add(7)])).await, "7");
        let running = stage.begin(make("a", [pass("end"), Step::Yield(1)]));
        let begun = Instant::now();
        while begun.elapsed() < 5 * timeout {
            tokio::time::sleep(timeout).await;
        }
        stage.world.open("end");
        let answer = running.told().await;
        // It may have left before the turn began.
        assert!(answer == "7" || stage.world.at("a").activations == 2, "{answer}");
        stage.world.noted("a-idle").await;
        stage.world.assert_no_violation();
        stage.books().at_rest().await;
    }
}

#[tokio::test]
async fn each_of_many_leaves_once_whenever_it_came() {
    let stage = stage_with_timeout(Duration::from_millis(10));
    for wave in 0..4 {
        for n in 0..250 {
            stage.node().create_object("Actor", &format!("{wave}.{n}")).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    for wave in 0..4 {
        for n in 0..250 {
            let id = format!("{wave}.{n}");
            stage
                .world
                .until_at(&id, "it leaves", |it| it.lives == 0 && it.deactivations == 1)
                .await;
        }
    }
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("object_deactivations_total Actor idle"), 1_000.0);
    assert_eq!(books.sum("objects_total Actor"), 0.0);
    stage.world.assert_no_violation();
}

#[tokio::test]
async fn an_object_whose_type_says_never_stays() {
    #[derive(Default)]
    struct Steady;
    impl goverse_node::Object for Steady {
        const TYPE: &'static str = "Steady";
    }
    let mut never = TypeSettings::default();
    never.idle_timeout = None;
    let timeout = Some(Duration::from_millis(5));
    let stage = stage_with(
        |settings| settings.idle_timeout = timeout,
        |node| node.object::<Steady>().settings_of("Steady", never),
    );
    stage.node().create_object("Steady", "a").await.unwrap();
    for round in 0..3 {
        assert_eq!(stage.actor("a").call(Get).await, Ok(0));
        stage.world.until_at("a", "it leaves", |a| a.deactivations > round).await;
    }
    assert!(stage.node().find("Steady", "a").is_some());
}

#[tokio::test]
async fn a_last_hook_that_takes_long_holds_up_no_other_object() {
    let stage = stage_with_timeout(Duration::from_millis(5));
    stage.world.plan("a", Hook::Deactivate, [vec![pass("end")]]);
    for id in ["a", "b", "c"] {
        stage.node().create_object("Actor", id).await.unwrap();
    }
    for id in ["b", "c"] {
        stage.world.until_at(id, "it leaves", |it| it.lives == 0).await;
    }
    stage.world.open("end");
    stage.world.until_at("a", "it leaves", |a| a.lives == 0).await;
}

#[test]
fn objects_go_idle_on_whichever_runtime_is_there() {
    let stage = stage_with_timeout(Duration::from_millis(5));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime().block_on(async {
        stage.node().create_object("Actor", "a").await.unwrap();
    });
    // Whoever looked after it is gone with the first runtime.
    runtime().block_on(async {
        assert_eq!(stage.tell(act("a", [Step::Yield(3)])).await, "0");
        stage.world.noted("a-idle").await;
    });
}
