//! Everything at once: calls of every kind, callers that leave, panics, ends of every kind; and the books are right.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use goverse_node::Drained;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::actor::{Add, Get, Kind, Order, Step, note};
use crate::stage::{Books, Stage, rounds, stage_with};
use crate::world::Hook;

const TASKS: u64 = 12;
const STEPS: u64 = 60;
const IDS: usize = 6;

/// What the tasks of a round have done in all.
#[derive(Default)]
struct Done {
    /// Calls from outside.
    calls: AtomicU64,
}

/// What a test does next.
fn random_steps(choices: &mut SmallRng, depth: u32) -> Vec<Step> {
    let mut steps = vec![Step::Add(1), Step::Yield(choices.random_range(0..3))];
    let order = |choices: &mut SmallRng| random_order(choices, depth - 1, None);
    if depth > 0 {
        match choices.random_range(0..6) {
            0 => steps.push(Step::Call(order(choices))),
            1 => steps.push(Step::Try(order(choices))),
            2 => steps.push(Step::TryAll(vec![order(choices), order(choices)])),
            _ => {}
        }
    }
    match choices.random_range(0..40) {
        0 => steps.push(Step::Panic),
        1 => steps.push(Step::RollBack),
        2 => steps.push(Step::Deactivate),
        3 => steps.push(Step::Fail),
        4 => steps.extend([Step::Deactivate, Step::Panic]),
        5 if choices.random_bool(0.1) => steps.push(Step::Pass("never".to_owned())),
        _ => {}
    }
    steps
}

fn random_order(choices: &mut SmallRng, depth: u32, name: Option<&str>) -> Order {
    let mut steps: Vec<Step> = name.map(note).into_iter().collect();
    steps.extend(random_steps(choices, depth));
    let turn = if choices.random() { Kind::Exclusive } else { Kind::Shared };
    let timeout_ms = choices.random_bool(0.1).then(|| choices.random_range(0..3));
    Order { id: random_id(choices), turn, steps, timeout_ms }
}

fn random_id(choices: &mut SmallRng) -> String {
    choices.random_range(0..IDS).to_string()
}

/// Calls, and says of each call whether it was answered truly.
async fn play(stage: Arc<Stage>, done: Arc<Done>, seed: u64, task: u64) {
    let mut choices = SmallRng::seed_from_u64(seed * 1_000 + task);
    for step in 0..STEPS {
        let name = format!("{task}.{step}");
        match choices.random_range(0..100) {
            0..60 => {
                done.calls.fetch_add(1, Ordering::Relaxed);
                let answer = stage.tell(random_order(&mut choices, 2, Some(&name))).await;
                let ran = !answer.ends_with(" no");
                assert_eq!(stage.world.has_noted(&name), ran, "seed {seed}: {name}: {answer}");
            }
            60..80 => {
                done.calls.fetch_add(1, Ordering::Relaxed);
                let mut caller = stage.begin(random_order(&mut choices, 2, None));
                for _ in 0..choices.random_range(0..4) {
                    tokio::task::yield_now().await;
                    caller.poll();
                }
            }
            80..95 => {
                done.calls.fetch_add(1, Ordering::Relaxed);
                let actor = stage.actor(&random_id(&mut choices));
                let plain = async {
                    match choices.random_range(0..20) {
                        0 => drop(actor.call(Add(i64::MAX)).await),
                        1..10 => drop(actor.call(Add(1)).await),
                        _ => drop(actor.call(Get).await),
                    }
                };
                tokio::task::coop::unconstrained(plain).await;
            }
            95..98 => {
                let _ = stage.node().destroy_object("Actor", &random_id(&mut choices)).await;
            }
            _ => {
                let _ = stage.node().create_object("Actor", &random_id(&mut choices)).await;
            }
        }
    }
}

/// Hooks that wait, fail or panic.
fn plan_hooks(stage: &Stage, choices: &mut SmallRng) {
    for id in 0..IDS {
        for _ in 0..100 {
            for hook in [Hook::Activate, Hook::Deactivate] {
                let mut plan = vec![Step::Yield(choices.random_range(0..3))];
                match choices.random_range(0..20) {
                    0 => plan.push(Step::Fail),
                    1 => plan.push(Step::Panic),
                    2 => plan.push(Step::Try(random_order(choices, 1, None))),
                    _ => {}
                }
                stage.world.plan(&id.to_string(), hook, [plan]);
            }
        }
    }
}

/// The sum over all methods of calls that ended so.
fn calls(books: &mut Books<'_>, statuses: &[&str]) -> u64 {
    let mut sum = 0.0;
    for method in ["act", "look", "add", "get"] {
        for status in statuses {
            sum += books.sum(&format!("method_calls_total Actor {method} {status}"));
        }
    }
    sum as u64
}

fn assert_books_are_right(stage: &Stage, done: &Done, books: &mut Books<'_>, seed: u64) {
    let world = stage.world.everywhere();
    let ran = calls(books, &["ok", "failed", "panicked", "cut_off"]);
    assert_eq!(ran, world.turns, "seed {seed}: each turn is counted once");
    let rejected = calls(books, &["rejected"]);
    assert_eq!(rejected, books.sum("call_rejections_total Actor") as u64, "seed {seed}");
    let received = books.sum("method_calls_total") as u64;
    let cancelled = calls(books, &["cancelled"]);
    assert_eq!(received, ran + rejected + cancelled, "seed {seed}");
    assert!(received >= done.calls.load(Ordering::Relaxed), "seed {seed}: {received} received");
    for histogram in ["method_call_duration_seconds", "method_queue_seconds"] {
        assert_eq!(books.sum(histogram) as u64, ran, "seed {seed}: {histogram}");
    }
    assert_eq!(books.sum("long_turns_total") as u64, ran, "seed {seed}");
    let panicked = calls(books, &["panicked"]);
    assert_eq!(books.sum("panics_total Actor turn") as u64, panicked, "seed {seed}");
    let began = books.sum("object_activations_total") as u64;
    // During a shutdown none begins.
    let failed = ["activation_failed", "activation_panicked"]
        .map(|code| books.sum(&format!("object_activation_failures_total Actor {code}")) as u64);
    let tried = began + failed.iter().sum::<u64>();
    assert_eq!(tried, world.activations, "seed {seed}: each hook ran once");
    assert_eq!(books.sum("object_activation_seconds") as u64, began, "seed {seed}");
    let mut hooks = 0.0;
    for reason in ["destroyed", "idle", "requested", "shutdown"] {
        hooks += books.sum(&format!("object_deactivations_total Actor {reason}"));
    }
    assert_eq!(hooks as u64, world.deactivations, "seed {seed}: each last hook ran once");
    assert_eq!(books.sum("objects_total") as u64, world.lives, "seed {seed}");
}

async fn one_round(seed: u64) {
    let mut choices = SmallRng::seed_from_u64(seed);
    let stage = stage_with(
        |settings| {
            settings.idle_timeout = Some(Duration::from_millis(2));
            settings.turn_limit = Duration::from_millis(200);
            settings.long_turn = Duration::ZERO;
            settings.waiting_max = 6;
        },
        |node| node,
    );
    let (stage, done) = (Arc::new(stage), Arc::new(Done::default()));
    plan_hooks(&stage, &mut choices);
    let play = |task| tokio::spawn(play(Arc::clone(&stage), Arc::clone(&done), seed, task));
    let tasks: Vec<_> = (0..TASKS).map(play).collect();
    for task in tasks {
        let played = tokio::time::timeout(Duration::from_secs(60), task).await;
        played.unwrap_or_else(|_| panic!("seed {seed}: a call is never answered")).unwrap();
    }
    stage.world.assert_no_violation();
    let mut books = stage.books();
    books.at_rest().await;
    let Drained { cut_off, left, .. } = stage.node().shutdown(Duration::from_secs(30)).await;
    assert_eq!((cut_off, left), (0, 0), "seed {seed}");
    books.at_rest().await;
    stage.world.assert_no_violation();
    assert_books_are_right(&stage, &done, &mut books, seed);
    let world = stage.world.everywhere();
    assert_eq!((world.lives, world.hooks), (0, 0), "seed {seed}");
    assert_eq!((world.exclusive_turns, world.shared_turns), (0, 0), "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn soak_the_books_are_right_after_all_that_calls_can_come_to() {
    for round in 0..rounds() {
        let seed = 20_261_122 + round;
        println!("seed {seed}");
        one_round(seed).await;
    }
}

/// Few threads, so that tasks meet each other in the midst of their polls only where they await.
#[tokio::test]
async fn soak_the_books_are_right_on_one_thread_too() {
    for round in 0..rounds() {
        let seed = 30_261_122 + round;
        println!("seed {seed}");
        one_round(seed).await;
    }
}

/// As many callers as there may be, on one object: everyone is served, in exclusive turns and in shared ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn soak_nobody_who_waits_is_forgotten() {
    for round in 0..rounds() {
        let seed = 40_261_122 + round;
        println!("seed {seed}");
        let stage = Arc::new(stage_with(|_| {}, |node| node));
        let tasks = (0..64).map(|task| {
            let stage = Arc::clone(&stage);
            let mut choices = SmallRng::seed_from_u64(seed * 1_000 + task);
            tokio::spawn(async move {
                for _ in 0..20 {
                    let yields = Step::Yield(choices.random_range(0..2));
                    match choices.random_range(0..4) {
                        0 => drop(stage.actor("a").call(Add(1)).await.unwrap()),
                        1 => drop(stage.actor("a").call(Get).await.unwrap()),
                        2 => {
                            let order = Order::new(Kind::Exclusive, "a", [Step::Add(1), yields]);
                            stage.tell(order).await.parse::<i64>().unwrap();
                        }
                        _ => {
                            let order = Order::new(Kind::Shared, "a", [yields]);
                            stage.tell(order).await.parse::<i64>().unwrap();
                        }
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            let served = tokio::time::timeout(Duration::from_secs(30), task).await;
            served.unwrap_or_else(|_| panic!("seed {seed}: somebody is forgotten")).unwrap();
        }
        stage.world.assert_no_violation();
        let mut books = stage.books();
        books.at_rest().await;
        assert_eq!(calls(&mut books, &["ok"]), 64 * 20, "seed {seed}");
        assert_eq!(stage.world.everywhere().turns, 64 * 20, "seed {seed}");
    }
}
