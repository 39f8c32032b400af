//! Callers that go away: in line they leave it, in a turn they leave it alone, and nobody else notices.

use futures_util::FutureExt;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::actor::{Add, Order, Step, act, look, note, pass};
use crate::stage::{soon, stage, told};
use crate::world::Hook;

/// Polls a call so often, with whatever else there is in between, and lets go of it.
async fn drop_after_polls(stage: &crate::stage::Stage, order: Order, polls: u32) {
    let mut caller = stage.begin(order);
    for _ in 0..polls {
        tokio::task::yield_now().await;
        caller.poll();
    }
}

#[tokio::test]
async fn a_turn_that_has_begun_runs_to_its_end_without_its_caller() {
    for make in [act::<3>, look::<3>] {
        for is_there in [true, false] {
            for polls in 0..8 {
                let stage = stage();
                if is_there {
                    stage.node().create_object("Actor", "a").await.unwrap();
                }
                let steps = [Step::Yield(5), Step::Add(1), note("done")];
                drop_after_polls(&stage, make("a", steps), polls).await;
                stage.world.noted("done").await;
                assert_eq!(stage.tell(look("a", [])).await, "1", "the object stays as it is");
                let mut books = stage.books();
                books.at_rest().await;
                assert_eq!(books.sum("method_calls_total") as u32, 2);
                assert_eq!(books.sum("object_deactivations_total"), 0.0);
                stage.world.assert_no_violation();
            }
        }
    }
}

#[tokio::test]
async fn a_caller_that_leaves_the_line_is_not_served_and_holds_up_nobody() {
    for left_out in 0..5 {
        let stage = stage();
        let holder = stage.begin(act("a", [pass("begin")]));
        let mut callers: Vec<_> =
            (0..5).map(|n| Some(stage.begin(act("a", [note(&n.to_string())])))).collect();
        callers[left_out] = None;
        stage.world.open("begin");
        holder.told().await;
        assert_eq!(told(callers.into_iter().flatten()).await, ["0"; 4]);
        let expected = (0..5).filter(|n| *n != left_out).map(|n| n.to_string());
        assert_eq!(stage.world.notes(), expected.collect::<Vec<_>>().join(" "));
        let mut books = stage.books();
        books.at_rest().await;
        assert_eq!(books.sum("method_calls_total Actor act cancelled"), 1.0);
        assert_eq!(books.sum("method_calls_total Actor act ok"), 5.0);
    }
}

#[tokio::test]
async fn a_caller_that_leaves_as_its_turn_comes_was_served_or_was_not_and_the_next_one_is() {
    for make in [act::<1>, look::<1>] {
        let stage = stage();
        let holder = stage.begin(act("a", [pass("begin")]));
        let leaves = stage.begin(make("a", [note("left")]));
        let next = stage.begin(act("a", [note("next")]));
        stage.world.open("begin");
        // The turn has come by then, though nobody has looked.
        holder.told().await;
        drop(leaves);
        assert_eq!(next.told().await, "0");
        let mut books = stage.books();
        books.at_rest().await;
        let cancelled = books.sum("method_calls_total Actor act cancelled")
            + books.sum("method_calls_total Actor look cancelled");
        let expected = if cancelled == 0.0 { "left next" } else { "next" };
        assert_eq!(stage.world.notes(), expected);
        assert_eq!(books.sum("method_calls_total"), 3.0);
    }
}

#[tokio::test]
async fn an_activation_goes_on_without_the_caller_that_set_it_off() {
    for polls in 0..4 {
        let stage = stage();
        stage.world.plan("a", Hook::Activate, [vec![Step::Yield(3), pass("begin"), Step::Add(10)]]);
        let mut first = stage.begin(act("a", [note("never")]));
        let second = stage.begin(act("a", [Step::Add(1)]));
        for _ in 0..polls {
            tokio::task::yield_now().await;
            assert!(!first.poll());
        }
        drop(first);
        stage.world.open("begin");
        assert_eq!(second.told().await, "11");
        assert_eq!(stage.world.notes(), "");
        assert_eq!(stage.world.at("a").activations, 1);
        stage.world.assert_no_violation();
        stage.books().at_rest().await;
    }
}

#[tokio::test]
async fn a_call_that_is_never_awaited_does_nothing() {
    let stage = stage();
    drop(stage.actor("a").call(Add(1)));
    assert!(stage.node().find("Actor", "a").is_none());
    assert_eq!(stage.books().sum("method_calls_total"), 0.0);
}

/// Callers leave at every await there is, of calls that wait in line, for an activation, and for their turn to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leaves_at_whatever_await_every_turn_that_began_ends_and_all_others_are_served() {
    for seed in 0..20 {
        println!("seed {seed}");
        let stage = std::sync::Arc::new(stage());
        let tasks = (0..8).map(|task| {
            let stage = std::sync::Arc::clone(&stage);
            tokio::spawn(async move {
                let mut choices = SmallRng::seed_from_u64(seed * 100 + task);
                let mut patient = 0;
                for _ in 0..50 {
                    let yields = choices.random_range(0..4);
                    let steps = [note("begun"), Step::Yield(yields), Step::Add(1), note("ended")];
                    let id = ["a", "b"][choices.random_range(0..2)];
                    let order = if choices.random() { act(id, steps) } else { look(id, steps) };
                    if choices.random() {
                        drop_after_polls(&stage, order, choices.random_range(0..5)).await;
                    } else {
                        assert!(stage.tell(order).await.parse::<i64>().unwrap() > 0);
                        patient += 1;
                    }
                    if choices.random_bool(0.05) {
                        let _ = stage.node().destroy_object("Actor", id).await;
                    }
                }
                patient
            })
        });
        let mut patient = 0;
        for task in tasks.collect::<Vec<_>>() {
            patient += soon("all are served", task).await.unwrap();
        }
        let mut books = stage.books();
        books.at_rest().await;
        let notes = stage.world.notes();
        let noted = |word: &str| notes.split(' ').filter(|note| *note == word).count();
        assert_eq!(noted("begun"), noted("ended"));
        assert!(noted("begun") >= patient);
        let of = |books: &mut crate::stage::Books<'_>, status: &str| {
            let sum = |method: &str| format!("method_calls_total Actor {method} {status}");
            books.sum(&sum("act")) + books.sum(&sum("look"))
        };
        assert_eq!(of(&mut books, "ok") as usize, noted("ended"));
        assert_eq!(of(&mut books, "ok") + of(&mut books, "cancelled"), 400.0);
        stage.world.assert_no_violation();
    }
}

#[tokio::test]
async fn a_call_can_be_kept_and_dropped_after_its_answer() {
    let stage = stage();
    let mut call = stage.actor("a").call(Add(1));
    assert_eq!((&mut call).now_or_never(), Some(Ok(1)));
    drop(call);
    stage.books().at_rest().await;
}
