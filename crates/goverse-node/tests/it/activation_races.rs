//! Many at once at the two ends of an object's life: it comes to be once, ends once, and no call is lost in between.

use std::sync::Arc;
use std::time::Duration;

use goverse_core::ErrorCode;

use crate::actor::{Act, Add, Get, Step, act, look, note, pass};
use crate::stage::{Stage, soon, stage, told};
use crate::world::Hook;

const MANY: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_first_calls_at_once_activate_once() {
    for awaits in [0, 3] {
        let stage = Arc::new(stage());
        stage.world.plan("a", Hook::Activate, [vec![Step::Yield(awaits), Step::Add(1_000_000)]]);
        let start = Arc::new(tokio::sync::Barrier::new(MANY));
        let calls = (0..MANY).map(|n| {
            let (stage, start) = (Arc::clone(&stage), Arc::clone(&start));
            tokio::spawn(async move {
                let actor = stage.actor("a");
                start.wait().await;
                match n % 4 {
                    0 => actor.call(Get).await.is_ok(),
                    1 => actor.call(Add(1)).await.is_ok(),
                    2 => stage.tell(act("a", [Step::Add(1)])).await.parse::<i64>().is_ok(),
                    _ => stage.tell(look("a", [Step::Yield(1)])).await.parse::<i64>().is_ok(),
                }
            })
        });
        for call in calls.collect::<Vec<_>>() {
            assert!(soon("all are answered", call).await.unwrap());
        }
        assert_eq!(stage.actor("a").call(Get).await, Ok(1_000_500));
        assert_eq!(stage.world.at("a").activations, 1);
        stage.world.assert_no_violation();
        let mut books = stage.books();
        books.at_rest().await;
        assert_eq!(books.sum("object_activations_total"), 1.0);
        assert_eq!(books.sum("object_activation_seconds"), 1.0);
        assert_eq!(books.sum("method_calls_total Actor"), 1_001.0);
    }
}

/// An activation that ends in `end` while very many wait for it, and what all are told.
async fn check_failed(end: Step, code: ErrorCode, message: &str, panics: f64) {
    let stage = stage();
    stage.world.plan("a", Hook::Activate, [vec![Step::Add(5), pass("end"), end]]);
    let order = |n: usize| match n % 2 {
        0 => act("a", [note("ran")]),
        _ => look("a", [note("ran")]),
    };
    let callers: Vec<_> = (0..MANY).map(|n| stage.begin(order(n))).collect();
    stage.world.open("end");
    let answers = callers.into_iter().map(|caller| tokio::spawn(caller.answer()));
    for answer in answers.collect::<Vec<_>>() {
        let error = soon("all are told", answer).await.unwrap().unwrap_err();
        let error = error.system().unwrap();
        assert_eq!((error.code(), error.ran()), (code, goverse_node::Ran::No));
        assert!(error.to_string().contains(message), "{error}");
    }
    assert_eq!(stage.world.at("a").activations, 1, "the hook ran once");
    assert_eq!(stage.world.notes(), "");
    assert!(stage.node().find("Actor", "a").is_none());
    assert_eq!(stage.tell(act("a", [])).await, "0", "the next call activates it");
    assert_eq!(stage.world.at("a").activations, 2);
    stage.world.assert_no_violation();
    let mut books = stage.books();
    books.at_rest().await;
    let code = code.as_str();
    assert_eq!(books.sum(&format!("object_activation_failures_total Actor {code}")), 1.0);
    assert_eq!(books.sum(&format!("call_rejections_total Actor {code}")), MANY as f64);
    assert_eq!(books.sum("method_calls_total Actor act rejected"), MANY as f64 / 2.0);
    assert_eq!(books.sum("method_calls_total Actor look rejected"), MANY as f64 / 2.0);
    assert_eq!(books.sum("panics_total Actor activation"), panics);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_activation_is_told_to_all_who_wait_and_tried_again_by_the_next() {
    let message = r#" of Actor "a" did not run: activation of Actor failed: failed"#;
    check_failed(Step::Fail, ErrorCode::ActivationFailed, message, 0.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_an_activation_is_told_to_all_who_wait_and_tried_again_by_the_next() {
    let message = r#" of Actor "a" did not run: activation of Actor panicked: on purpose"#;
    check_failed(Step::Panic, ErrorCode::ActivationPanicked, message, 1.0).await;
}

#[tokio::test]
async fn every_call_tries_an_activation_that_fails_at_once_anew() {
    let stage = stage();
    stage.world.plan("a", Hook::Activate, [vec![Step::Fail], vec![Step::Panic], vec![Step::Fail]]);
    for expected in ["activation_failed no", "activation_panicked no", "activation_failed no", "0"]
    {
        assert_eq!(stage.tell(act("a", [])).await, expected);
    }
    assert_eq!(stage.world.at("a").activations, 4);
    stage.books().at_rest().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creations_and_first_calls_at_once_make_one_object() {
    for round in 0..20 {
        let stage = Arc::new(stage());
        stage.world.plan("a", Hook::Activate, [vec![Step::Yield(round % 3)]]);
        let start = Arc::new(tokio::sync::Barrier::new(100));
        let tasks = (0..100).map(|n| {
            let (stage, start) = (Arc::clone(&stage), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                if n % 2 == 0 {
                    stage.actor("a").call(Add(1)).await.unwrap();
                    return false;
                }
                match stage.node().create_object("Actor", "a").await {
                    Ok(()) => true,
                    Err(error) => {
                        assert_eq!(error.code(), ErrorCode::AlreadyExists);
                        false
                    }
                }
            })
        });
        let mut created = 0;
        for task in tasks.collect::<Vec<_>>() {
            created += usize::from(soon("all are answered", task).await.unwrap());
        }
        assert!(created <= 1);
        assert_eq!(stage.actor("a").call(Get).await, Ok(50));
        assert_eq!(stage.world.at("a").activations, 1);
        stage.world.assert_no_violation();
        stage.books().at_rest().await;
    }
}

#[tokio::test]
async fn calls_that_came_before_a_destruction_are_served_before_it_and_those_after_it_anew() {
    let stage = stage();
    let running = stage.begin(act("a", [pass("begin"), Step::Add(1)]));
    let before = stage.begin(act("a", [Step::Add(1)]));
    let node = stage.node().clone();
    let mut destroy = Box::pin(async move { node.destroy_object("Actor", "a").await });
    assert!(futures_util::FutureExt::now_or_never(&mut destroy).is_none());
    let after = stage.begin(act("a", [Step::Add(1)]));
    stage.world.open("begin");
    let destroy = tokio::spawn(destroy);
    assert_eq!(told([running, before, after]).await, ["1", "2", "1"]);
    destroy.await.unwrap().unwrap();
    assert_eq!(stage.world.notes(), "a-destroyed");
    stage.world.assert_no_violation();
    stage.books().at_rest().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_is_destroyed_once_however_many_ask() {
    let stage = Arc::new(stage());
    assert_eq!(stage.tell(act("a", [])).await, "0");
    stage.world.plan("a", Hook::Deactivate, [vec![Step::Yield(3)]]);
    let start = Arc::new(tokio::sync::Barrier::new(50));
    let tasks = (0..50).map(|_| {
        let (stage, start) = (Arc::clone(&stage), Arc::clone(&start));
        tokio::spawn(async move {
            start.wait().await;
            stage.node().destroy_object("Actor", "a").await
        })
    });
    let mut destroyed = 0;
    for task in tasks.collect::<Vec<_>>() {
        match soon("all are answered", task).await.unwrap() {
            Ok(()) => destroyed += 1,
            Err(error) => assert_eq!(error.code(), ErrorCode::NotFound),
        }
    }
    assert_eq!((destroyed, stage.world.at("a").deactivations), (1, 1));
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_call_during_the_last_hook_waits_for_it_and_gets_a_fresh_object() {
    let stage = stage();
    stage.world.plan("a", Hook::Deactivate, [vec![pass("end"), note("hook")]]);
    assert_eq!(stage.tell(act("a", [Step::Add(7), Step::Deactivate])).await, "7");
    stage.world.until_at("a", "the hook runs", |a| a.hooks == 1).await;
    let orders = [act("a", [note("call")]), look("a", []), act("a", [])];
    let waiting = orders.map(|order| stage.begin(order));
    stage.world.open("end");
    assert_eq!(told(waiting).await, ["0"; 3]);
    assert_eq!(stage.world.notes(), "a-requested hook call");
    stage.world.assert_no_violation();
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_reference_outlives_the_activation_that_it_was_made_of() {
    let stage = stage();
    let actor = stage.actor("a");
    assert_eq!(actor.call(Add(1)).await, Ok(1), "made before there was any");
    let there = stage.actor("a");
    for _ in 0..3 {
        stage.node().destroy_object("Actor", "a").await.unwrap();
        for actor in [&actor, &there] {
            assert_eq!(actor.call(Get).await.map(|_| ()), Ok(()));
        }
        assert_eq!(there.call(Add(1)).await, Ok(1));
    }
    assert_eq!(stage.world.at("a").activations, 4);
}

/// What ends an object, again and again, while calls go on.
#[derive(Clone, Copy)]
enum Ends {
    Destroy,
    Wish,
    SharedWish,
    RollBack,
    Panic,
    SharedPanic,
}

async fn end(stage: &Stage, ends: Ends) {
    match ends {
        Ends::Destroy => drop(stage.node().destroy_object("Actor", "a").await),
        Ends::Wish => drop(stage.actor("a").call(Act(vec![Step::Deactivate])).await),
        Ends::SharedWish => drop(stage.tell(look("a", [Step::Deactivate, Step::Yield(1)])).await),
        Ends::RollBack => drop(stage.tell(act("a", [Step::RollBack])).await),
        Ends::Panic => drop(stage.tell(act("a", [Step::Yield(1), Step::Panic])).await),
        Ends::SharedPanic => drop(stage.tell(look("a", [Step::Yield(1), Step::Panic])).await),
    }
}

/// Every call is answered by a living object, while it is ended again and again.
async fn check_race(ends: Ends, seed: u32) {
    let stage = Arc::new(stage());
    let plans = (0..300).map(|n| vec![Step::Yield((n + seed) % 3)]);
    for plan in plans {
        stage.world.plan("a", Hook::Activate, [plan.clone()]);
        stage.world.plan("a", Hook::Deactivate, [plan]);
    }
    let calls = (0..4).map(|task| {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move {
            for n in 0..60_u32 {
                match (n + task) % 4 {
                    0 => drop(stage.actor("a").call(Add(1)).await.unwrap()),
                    1 => drop(stage.actor("a").call(Get).await.unwrap()),
                    2 => drop(
                        stage.tell(act("a", [Step::Yield(n % 3)])).await.parse::<i64>().unwrap(),
                    ),
                    _ => drop(
                        stage.tell(look("a", [Step::Yield(n % 3)])).await.parse::<i64>().unwrap(),
                    ),
                }
                if n % 8 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    let calls: Vec<_> = calls.collect();
    let ending = {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move {
            for _ in 0..40 {
                end(&stage, ends).await;
                tokio::task::yield_now().await;
            }
        })
    };
    for call in calls {
        soon("no call is lost", call).await.unwrap();
    }
    soon("every end comes", ending).await.unwrap();
    stage.world.assert_no_violation();
    let mut books = stage.books();
    books.at_rest().await;
    let answered: f64 = ["add", "get", "act", "look"]
        .map(|method| books.sum(&format!("method_calls_total Actor {method}")))
        .iter()
        .sum();
    let by_a_turn = if let Ends::Destroy = ends { 0.0 } else { 40.0 };
    assert_eq!(answered, 240.0 + by_a_turn);
    assert_eq!(stage.world.at("a").turns as f64, answered, "each ran once");
    assert_eq!(books.sum("object_activations_total") as u64, stage.world.at("a").activations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_is_lost_while_its_object_is_ended_again_and_again() {
    use Ends::{Destroy, Panic, RollBack, SharedPanic, SharedWish, Wish};
    for seed in 0..3 {
        for ends in [Destroy, Wish, SharedWish, RollBack, Panic, SharedPanic] {
            check_race(ends, seed).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_is_lost_while_its_object_goes_idle_again_and_again() {
    let idle = Some(Duration::from_millis(1));
    let stage = crate::stage::stage_with(|settings| settings.idle_timeout = idle, |node| node);
    let stage = Arc::new(stage);
    for _ in 0..100 {
        stage.world.plan("a", Hook::Deactivate, [vec![Step::Yield(1)]]);
    }
    // Whoever calls just as the object is about to go meets its last hook, or its successor.
    for round in 0_u64..30 {
        assert_eq!(stage.tell(act("a", [Step::Yield(1)])).await, "0");
        stage.world.until_at("a", "it goes idle", |a| a.deactivations > round).await;
        let calls = [look("a", []), act("a", []), look("a", [Step::Yield(2)])];
        assert_eq!(told(calls.map(|order| stage.begin(order))).await, ["0"; 3]);
    }
    stage.world.assert_no_violation();
    stage.books().at_rest().await;
}
