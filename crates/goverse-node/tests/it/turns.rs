//! One exclusive turn at a time, shared turns beside each other, first come first served, and nobody starves.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::actor::{Add, Get, Kind, Order, Step, act, look, note, pass};
use crate::stage::{Caller, Stage, soon, stage, told};

/// Lets calls queue in order behind a turn that holds the object, and then lets that end.
async fn in_line(stage: &Stage, orders: Vec<Order>) -> Vec<String> {
    let holder = stage.begin(act("a", [pass("begin")]));
    stage.world.until_at("a", "the holder runs", |a| a.exclusive_turns == 1).await;
    let callers: Vec<Caller> = orders.into_iter().map(|order| stage.begin(order)).collect();
    stage.world.open("begin");
    holder.told().await;
    told(callers).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exclusive_turns_begin_in_the_order_in_which_they_were_called() {
    let stage = stage();
    let orders =
        (0..200).map(|n| act("a", [note(&n.to_string()), Step::Yield(n % 3), Step::Add(1)]));
    let answers = in_line(&stage, orders.collect()).await;
    let expected: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    assert_eq!(stage.world.notes(), expected.join(" "));
    let expected: Vec<String> = (1..=200).map(|n| n.to_string()).collect();
    assert_eq!(answers, expected, "each saw what those before it did");
    stage.world.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_that_do_not_wait_take_their_place_in_line_too() {
    let stage = stage();
    let holder = stage.begin(act("a", [pass("begin")]));
    stage.world.until_at("a", "the holder runs", |a| a.exclusive_turns == 1).await;
    let mut calls = Vec::new();
    for n in 1..=50 {
        let (add, get) = (stage.actor("a").call(Add(n)), stage.actor("a").call(Get));
        let mut both = Box::pin(futures_util::future::join(add, get));
        let polled = futures_util::FutureExt::now_or_never(&mut both);
        assert!(polled.is_none(), "the object is held");
        calls.push(both);
    }
    stage.world.open("begin");
    holder.told().await;
    let mut sum = 0;
    for (n, both) in (1..=50).zip(calls) {
        sum += n;
        assert_eq!(soon("both are answered", both).await, (Ok(sum), Ok(sum)));
    }
    stage.world.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_turns_run_beside_each_other() {
    let stage = stage();
    stage.node().create_object("Actor", "a").await.unwrap();
    let meet = || look("a", [Step::Meet("all".into(), 50)]);
    assert_eq!(told((0..50).map(|_| stage.begin(meet()))).await, ["0"; 50]);
    stage.world.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_turns_that_queued_run_beside_each_other_too() {
    let stage = stage();
    let meet = || look("a", [Step::Meet("all".into(), 50)]);
    assert_eq!(in_line(&stage, (0..50).map(|_| meet()).collect()).await, ["0"; 50]);
    stage.world.assert_no_violation();
}

#[tokio::test]
async fn a_shared_turn_that_activates_its_object_lets_others_run_beside_it() {
    let stage = stage();
    let meet = || look("a", [Step::Meet("both".into(), 2)]);
    assert_eq!(told([stage.begin(meet()), stage.begin(meet())]).await, ["0", "0"]);
    stage.world.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_turn_does_not_overtake_an_exclusive_one_that_waits() {
    let stage = stage();
    stage.node().create_object("Actor", "a").await.unwrap();
    let first = stage.begin(look("a", [pass("begin"), note("shared")]));
    let second = stage.begin(act("a", [note("exclusive")]));
    let third = stage.begin(look("a", [note("late")]));
    stage.world.open("begin");
    assert_eq!(told([third, second, first]).await, ["0"; 3]);
    assert_eq!(stage.world.notes(), "shared exclusive late");
}

/// Kinds of turns in a row, of which some callers go away before their turn comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_turns_begin_in_order_and_neighbours_that_share_run_together() {
    for seed in 0..50 {
        println!("seed {seed}");
        let mut choices = SmallRng::seed_from_u64(seed);
        let stage = stage();
        let holder = stage.begin(act("a", [pass("begin")]));
        stage.world.until_at("a", "the holder runs", |a| a.exclusive_turns == 1).await;
        let kinds: Vec<(Kind, bool)> = (0..30)
            .map(|_| {
                let kind = if choices.random() { Kind::Exclusive } else { Kind::Shared };
                (kind, choices.random_bool(0.3))
            })
            .collect();
        let groups = groups(&kinds);
        let mut callers: Vec<Option<Caller>> = Vec::new();
        for (group, (kind, _)) in groups.iter().zip(&kinds) {
            let (group, size) = group.map_or((0, 0), |(group, size)| (group, size));
            let meet = Step::Meet(format!("group {group}"), size);
            callers.push(Some(stage.begin(Order::new(
                *kind,
                "a",
                [note(&group.to_string()), meet],
            ))));
        }
        for (caller, (_, leaves)) in callers.iter_mut().zip(&kinds) {
            if *leaves {
                *caller = None;
            }
        }
        stage.world.open("begin");
        assert_eq!(holder.told().await, "0");
        let answers = told(callers.into_iter().flatten()).await;
        assert!(answers.iter().all(|answer| answer == "0"), "{answers:?}");
        let expected: Vec<String> =
            groups.iter().flatten().map(|(group, _)| group.to_string()).collect();
        assert_eq!(stage.world.notes(), expected.join(" "));
        stage.world.assert_no_violation();
        stage.books().at_rest().await;
    }
}

/// Of each call the group that it runs in, and its size; none for those that leave.
fn groups(kinds: &[(Kind, bool)]) -> Vec<Option<(usize, usize)>> {
    let mut number = 0;
    let mut last = None;
    let mut numbers = Vec::new();
    for (kind, leaves) in kinds {
        if *leaves {
            numbers.push(None);
            continue;
        }
        if *kind == Kind::Exclusive || last != Some(Kind::Shared) {
            number += 1;
        }
        last = Some(*kind);
        numbers.push(Some(number));
    }
    let size = |number: usize| numbers.iter().flatten().filter(|it| **it == number).count();
    numbers.iter().map(|number| number.map(|number| (number, size(number)))).collect()
}

#[tokio::test]
async fn a_loop_of_calls_that_are_all_answered_at_once_lets_others_run() {
    let stage = stage();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stops = std::sync::Arc::clone(&stop);
    tokio::spawn(async move { stops.store(true, std::sync::atomic::Ordering::SeqCst) });
    let actor = stage.actor("a");
    let mut calls = 0;
    while !stop.load(std::sync::atomic::Ordering::SeqCst) {
        actor.call(Add(1)).await.unwrap();
        calls += 1;
        assert!(calls < 10_000, "the other task never came to run");
    }
}

#[tokio::test]
async fn a_caller_that_is_not_polled_holds_nobody_up() {
    let stage = stage();
    let holder = stage.begin(act("a", [pass("begin")]));
    let mut idle = stage.begin(act("a", []));
    stage.world.open("begin");
    holder.told().await;
    assert_eq!(stage.tell(act("a", [])).await, "0");
    assert!(idle.poll());
}
