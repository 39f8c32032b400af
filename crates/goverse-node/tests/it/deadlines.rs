//! Deadlines: who waits for longer is told so, and whether the method ran; no turn begins for who waits no more.

use std::time::{Duration, Instant};

use goverse_node::NodeSettings;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::actor::{Add, Get, Order, Step, act, look, note, pass};
use crate::stage::{soon, stage, stage_with, told};
use crate::world::Hook;

const SHORT_MS: u64 = 20;
const LONG_MS: u64 = 60_000;

#[tokio::test]
async fn a_call_that_comes_to_its_deadline_in_line_does_not_run() {
    let stage = stage();
    let begun = Instant::now();
    let holder = stage.begin(act("a", [pass("end"), Step::Add(1)]));
    let order = |n: u32| match n % 2 {
        0 => act("a", [note("late")]).timeout_ms(SHORT_MS),
        _ => look("a", [note("late")]).timeout_ms(SHORT_MS),
    };
    let late: Vec<_> = (0..10).map(|n| stage.begin(order(n))).collect();
    assert_eq!(told(late).await, ["deadline_exceeded no"; 10]);
    assert!(begun.elapsed() >= Duration::from_millis(SHORT_MS));
    stage.world.open("end");
    assert_eq!(holder.told().await, "1");
    assert_eq!(stage.tell(look("a", [])).await, "1");
    assert_eq!(stage.world.notes(), "");
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("call_rejections_total Actor deadline_exceeded"), 10.0);
    assert_eq!(books.sum("method_calls_total Actor act rejected"), 5.0);
    assert_eq!(books.sum("method_calls_total Actor look rejected"), 5.0);
}

#[tokio::test]
async fn a_call_that_comes_to_its_deadline_in_its_turn_leaves_it_to_its_end() {
    for make in [act::<3>, look::<3>] {
        let stage = stage();
        let order = make("a", [pass("end"), Step::Add(1), note("done")]).timeout_ms(SHORT_MS);
        assert_eq!(stage.tell(order).await, "deadline_exceeded maybe");
        stage.world.open("end");
        stage.world.noted("done").await;
        assert_eq!(stage.tell(look("a", [])).await, "1", "the object stays");
        let mut books = stage.books();
        books.at_rest().await;
        assert_eq!(books.sum("method_calls_total"), 2.0);
        assert_eq!(books.sum("call_rejections_total"), 0.0);
        assert_eq!(books.sum("object_deactivations_total"), 0.0);
    }
}

#[tokio::test]
async fn each_of_the_calls_whose_turns_one_task_carries_on_is_told_of_its_own_deadline() {
    let stage = stage();
    let holder = stage.begin(act("a", [pass("end")]));
    let late = stage.begin(act("a", [pass("late")]).timeout_ms(10 * SHORT_MS));
    let later = stage.begin(act("a", [pass("later")]).timeout_ms(20 * SHORT_MS));
    // Whoever carries the first one on has to know its deadline before its end.
    tokio::task::yield_now().await;
    stage.world.open("end");
    assert_eq!(holder.told().await, "0");
    assert_eq!(late.told().await, "deadline_exceeded maybe");
    stage.world.open("late");
    assert_eq!(later.told().await, "deadline_exceeded maybe");
    stage.world.open("later");
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_call_that_comes_to_its_deadline_in_an_activation_leaves_it_to_its_end() {
    let stage = stage();
    stage.world.plan("a", Hook::Activate, [vec![pass("end"), Step::Add(10)]]);
    let late = [(); 2].map(|()| stage.begin(act("a", [note("late")]).timeout_ms(SHORT_MS)));
    let patient = stage.begin(look("a", []));
    assert_eq!(told(late).await, ["deadline_exceeded no"; 2]);
    stage.world.open("end");
    assert_eq!(patient.told().await, "10");
    assert_eq!((stage.world.notes(), stage.world.at("a").activations), (String::new(), 1));
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_call_that_comes_to_its_deadline_in_a_last_hook_does_not_run() {
    let stage = stage();
    stage.world.plan("a", Hook::Deactivate, [vec![pass("end")]]);
    assert_eq!(stage.tell(act("a", [Step::Deactivate])).await, "0");
    let late = stage.tell(act("a", [note("late")]).timeout_ms(SHORT_MS)).await;
    assert_eq!(late, "deadline_exceeded no");
    stage.world.open("end");
    assert_eq!(stage.tell(act("a", [])).await, "0");
    assert_eq!(stage.world.notes(), "a-requested");
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_call_that_comes_to_its_deadline_while_others_hold_a_dead_object_does_not_run() {
    let stage = stage();
    assert_eq!(stage.tell(act("a", [])).await, "0");
    let holder = stage.begin(look("a", [pass("end")]));
    assert_eq!(stage.tell(look("a", [Step::Panic])).await, "panicked maybe");
    let late = stage.tell(act("a", [note("late")]).timeout_ms(SHORT_MS)).await;
    assert_eq!(late, "deadline_exceeded no");
    stage.world.open("end");
    assert_eq!(holder.told().await, "0");
    assert_eq!(stage.tell(act("a", [])).await, "0");
    assert_eq!(stage.world.notes(), "");
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_call_without_any_time_does_not_even_begin() {
    let stage = stage();
    for is_there in [false, true] {
        assert_eq!(stage.tell(act("a", []).timeout_ms(0)).await, "deadline_exceeded no");
        assert_eq!(stage.tell(look("a", []).timeout_ms(0)).await, "deadline_exceeded no");
        let add = stage.actor("a").call(Add(1)).timeout(Duration::ZERO).await.unwrap_err();
        let error = add.system().unwrap();
        assert_eq!(error.to_string(), r#"add of Actor "a" did not run: its deadline came first"#);
        assert_eq!(stage.node().find("Actor", "a").is_some(), is_there);
        assert_eq!(stage.actor("a").call(Get).await, Ok(0));
    }
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("call_rejections_total Actor deadline_exceeded"), 6.0);
}

#[tokio::test]
async fn no_turn_begins_for_a_caller_whose_deadline_has_passed_when_its_turn_comes() {
    let late = [act::<1>, look::<1>];
    for make in late {
        let stage = stage();
        let holder = stage.begin(act("a", [pass("end")]));
        let timeout = Duration::from_millis(SHORT_MS);
        let mut late = stage.begin(make("a", [note("late")]).timeout_ms(SHORT_MS));
        let joined = Instant::now();
        let next = stage.begin(act("a", [note("next")]));
        while joined.elapsed() <= timeout {
            tokio::task::yield_now().await;
        }
        stage.world.open("end");
        // Its turn is granted as this ends, and it is polled only then.
        assert_eq!(holder.told().await, "0");
        assert!(late.poll());
        assert_eq!(late.told().await, "deadline_exceeded no");
        assert_eq!(next.told().await, "0");
        assert_eq!(stage.world.notes(), "next");
        stage.books().at_rest().await;
    }
}

#[tokio::test]
async fn calls_of_a_turn_inherit_its_deadline() {
    let stage = stage();
    let c = act("c", [Step::TimeLeft(SHORT_MS), pass("end"), note("end")]);
    let b = look("b", [Step::TimeLeft(SHORT_MS), Step::Try(c.timeout_ms(LONG_MS)), pass("end")]);
    let a = act("a", [Step::TimeLeft(SHORT_MS), Step::Try(b), pass("end")]);
    assert_eq!(stage.tell(a.timeout_ms(SHORT_MS)).await, "deadline_exceeded maybe");
    stage.world.noted("b->c:deadline_exceeded maybe").await;
    stage.world.noted("a->b:deadline_exceeded maybe").await;
    stage.world.open("end");
    stage.world.noted("end").await;
    assert!(stage.world.notes().starts_with("a:true b:true c:true"), "{}", stage.world.notes());
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("method_calls_total Actor act ok"), 2.0);
    assert_eq!(books.sum("method_calls_total Actor look ok"), 1.0);
}

#[tokio::test]
async fn a_call_of_a_turn_may_have_less_time_than_the_turn() {
    let stage = stage();
    assert_eq!(stage.tell(act("b", [])).await, "0");
    let holder = stage.begin(act("b", [pass("end")]));
    let b = act("b", [note("late")]).timeout_ms(SHORT_MS);
    assert_eq!(stage.tell(act("a", [Step::Try(b), Step::Add(1)]).timeout_ms(LONG_MS)).await, "1");
    assert_eq!(stage.world.notes(), "a->b:deadline_exceeded no");
    stage.world.open("end");
    assert_eq!(holder.told().await, "0");
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_turn_whose_deadline_has_passed_calls_nobody_any_more() {
    let stage = stage();
    let calls = [Step::Try(act("b", [note("b")])), Step::Try(look("c", []))];
    let steps = [Step::UntilLate, pass("end")].into_iter().chain(calls).collect();
    let a = Order { steps, ..act("a", []) }.timeout_ms(SHORT_MS);
    assert_eq!(stage.tell(a).await, "deadline_exceeded maybe");
    stage.world.open("end");
    stage.world.noted("a->c:deadline_exceeded no").await;
    assert_eq!(stage.world.notes(), "a->b:deadline_exceeded no a->c:deadline_exceeded no");
    assert!(stage.node().find("Actor", "b").is_none());
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_call_has_as_much_time_as_the_node_gives_it() {
    let mut settings = NodeSettings::default();
    settings.call_timeout = Duration::from_millis(SHORT_MS);
    let stage = stage_with(|_| {}, |node| node.settings(settings));
    let steps = || [Step::TimeLeft(SHORT_MS), pass("end")];
    assert_eq!(stage.tell(act("a", steps())).await, "deadline_exceeded maybe");
    let more = stage.begin(act("b", steps()).timeout_ms(LONG_MS));
    assert_eq!(stage.tell(act("b", [])).await, "deadline_exceeded no");
    stage.world.open("end");
    assert_eq!(more.told().await, "0");
    assert_eq!(stage.world.notes(), "a:true b:false");
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_hook_has_no_deadline_of_its_callers() {
    let stage = stage();
    stage.world.plan("a", Hook::Activate, [vec![Step::TimeLeft(LONG_MS)]]);
    assert_eq!(stage.tell(act("a", [Step::TimeLeft(LONG_MS)]).timeout_ms(LONG_MS)).await, "0");
    assert_eq!(stage.world.notes(), "a:false a:true");
}

/// Deadlines that come at whatever point of a call.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn soak_whoever_comes_to_a_deadline_is_told_truly_whether_the_method_ran() {
    for round in 0..crate::stage::rounds() {
        let seed = 20_261_122 + round;
        println!("seed {seed}");
        let stage = std::sync::Arc::new(stage());
        let tasks = (0..16).map(|task| {
            let stage = std::sync::Arc::clone(&stage);
            let mut choices = SmallRng::seed_from_u64(seed * 1_000 + task);
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for n in 0..30 {
                    let name = format!("{task}.{n}");
                    let yields = Step::Yield(choices.random_range(0..20));
                    let steps = [note(&name), yields, Step::Add(1)];
                    let order = if choices.random() { act("a", steps) } else { look("a", steps) };
                    let timeout_ms = choices.random_range(0..4);
                    let order = if timeout_ms == 3 { order } else { order.timeout_ms(timeout_ms) };
                    answers.push((name, stage.tell(order).await));
                }
                answers
            })
        });
        let mut answers = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            answers.extend(soon("all are answered", task).await.unwrap());
        }
        let mut books = stage.books();
        books.at_rest().await;
        let notes = stage.world.notes();
        let ran: std::collections::HashSet<&str> = notes.split(' ').collect();
        for (name, answer) in &answers {
            let expected = match answer.as_str() {
                "deadline_exceeded no" => false,
                "deadline_exceeded maybe" => true,
                number => number.parse::<i64>().is_ok(),
            };
            assert_eq!(ran.contains(name.as_str()), expected, "seed {seed}: {name} {answer}");
        }
        let refused = answers.iter().filter(|(_, answer)| answer == "deadline_exceeded no").count();
        assert_eq!(books.sum("method_calls_total") as usize, answers.len());
        let rejected = books.sum("call_rejections_total Actor deadline_exceeded");
        assert_eq!(rejected as usize, refused, "seed {seed}");
        let run = (answers.len() - refused) as i64;
        assert_eq!(stage.actor("a").call(Get).await, Ok(run), "each that ran, ran to its end");
        stage.world.assert_no_violation();
    }
}
