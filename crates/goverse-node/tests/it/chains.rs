//! Chains of calls: one that would wait for itself is refused at once, and no other is.

use std::time::Duration;

use goverse_core::ErrorCode;
use goverse_node::NodeSettings;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::actor::{Add, Kind, Order, Step, act, look, note, pass};
use crate::stage::{Stage, soon, stage, stage_with, told};
use crate::world::Hook;

const KINDS: [Kind; 2] = [Kind::Exclusive, Kind::Shared];

fn meet(meeting: &str, size: usize) -> Step {
    Step::Meet(meeting.to_owned(), size)
}

/// A call of the last of `ids` by the one before it, and so on; the last makes `steps`.
fn chain_of(kinds: &[Kind], ids: &[&str], last: Vec<Step>) -> Order {
    let (kind, id) = (kinds[0], ids[0]);
    let steps = match ids.len() {
        1 => last,
        _ => vec![Step::Call(chain_of(&kinds[1..], &ids[1..], last))],
    };
    Order { id: id.to_owned(), turn: kind, steps, timeout_ms: None }
}

#[tokio::test]
async fn a_chain_that_comes_back_to_one_of_its_objects_is_refused_at_once() {
    for ids in [&["a"][..], &["a", "b"], &["a", "b", "c"], &["a", "b", "c", "d", "e"]] {
        for back in 0..ids.len() {
            for number in 0..1 << (ids.len() + 1) {
                let kind = |n: usize| KINDS[number >> n & 1];
                let kinds: Vec<Kind> = (0..=ids.len()).map(kind).collect();
                let stage = stage();
                // Each is there already or comes to be on the way.
                if number % 3 == 0 {
                    stage.node().create_object("Actor", ids[back]).await.unwrap();
                }
                let mut circle = ids.to_vec();
                circle.push(ids[back]);
                let answer = stage.tell(chain_of(&kinds, &circle, vec![note("never")])).await;
                assert_eq!(answer, format!("reentrant no at {}", ids[back]), "{kinds:?}");
                assert_eq!(stage.world.notes(), "");
                for id in ids {
                    assert_eq!(stage.tell(act(id, [])).await, "0", "it is well");
                }
                stage.world.assert_no_violation();
                let mut books = stage.books();
                books.at_rest().await;
                assert_eq!(books.sum("call_rejections_total Actor reentrant"), 1.0);
            }
        }
    }
}

#[tokio::test]
async fn a_method_that_handles_the_refusal_goes_on() {
    let stage = stage();
    let order = act("a", [Step::Call(act("b", [Step::Try(look("a", [])), Step::Add(3)]))]);
    assert_eq!(stage.tell(order).await, "0");
    assert_eq!(stage.world.notes(), "b->a:reentrant no");
    assert_eq!(stage.tell(look("b", [])).await, "3");
}

#[tokio::test]
async fn an_activation_hook_is_part_of_the_chain_that_set_it_off() {
    let stage = stage();
    stage.world.plan(
        "b",
        Hook::Activate,
        [vec![Step::Try(act("a", [])), Step::Try(look("b", []))]],
    );
    assert_eq!(stage.tell(act("a", [Step::Call(act("b", []))])).await, "0");
    assert_eq!(stage.world.notes(), "b->a:reentrant no b->b:reentrant no");
    stage.world.assert_no_violation();
}

#[tokio::test]
async fn a_last_hook_that_calls_its_own_object_is_refused_at_once() {
    let stage = stage();
    stage.world.plan("a", Hook::Deactivate, [vec![Step::Try(act("a", []))]]);
    assert_eq!(stage.tell(act("a", [Step::Deactivate])).await, "0");
    stage.world.noted("a->a:reentrant no").await;
    stage.books().at_rest().await;
}

/// Objects that each hold a turn until all do, and then call the next: one is refused, and all others succeed.
async fn check_circle(ids: &[&str], kinds: &[Kind]) {
    let stage = stage();
    for id in ids {
        stage.node().create_object("Actor", id).await.unwrap();
    }
    let next = |n: usize| ids[(n + 1) % ids.len()];
    let order = |n: usize| {
        let steps = [meet("all", ids.len()), Step::Try(act(next(n), [Step::Add(1)]))];
        Order::new(kinds[n], ids[n], steps)
    };
    let callers: Vec<_> = (0..ids.len()).map(|n| stage.begin(order(n))).collect();
    let answers = told(callers).await;
    assert!(answers.iter().all(|answer| answer.parse::<i64>().is_ok()), "{answers:?}");
    let notes = stage.world.notes();
    let refused = notes.split("->").filter(|note| note.contains(":deadlock no")).count();
    let succeeded = notes.split("->").filter(|note| note.contains(":1")).count();
    // The notes have a blank in each refusal.
    assert_eq!((refused, succeeded), (1, ids.len() - 1), "{notes}");
    stage.world.assert_no_violation();
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("call_rejections_total Actor deadlock"), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_chains_that_wait_for_each_other_in_a_circle_one_is_refused_at_once() {
    for ids in
        [&["a", "b"][..], &["a", "b", "c"], &["a", "b", "c", "d"], &["a", "b", "c", "d", "e"]]
    {
        for number in 0..1 << ids.len() {
            let kinds: Vec<Kind> = (0..ids.len()).map(|n| KINDS[number >> n & 1]).collect();
            check_circle(ids, &kinds).await;
        }
    }
}

#[tokio::test]
async fn shared_turns_that_call_shared_turns_of_each_other_all_succeed() {
    let stage = stage();
    for id in ["a", "b", "c"] {
        stage.node().create_object("Actor", id).await.unwrap();
    }
    let order = |id, next| look(id, [meet("all", 3), Step::Call(look(next, []))]);
    let callers = [("a", "b"), ("b", "c"), ("c", "a")];
    let callers = callers.map(|(id, next)| stage.begin(order(id, next)));
    assert_eq!(told(callers).await, ["0"; 3]);
}

#[tokio::test]
async fn a_circle_that_goes_through_what_waits_further_back_is_found() {
    let stage = stage();
    // x and y are in the middle of chains of their own, which wait for each other's beginning.
    let first = act("a", [Step::Call(act("x", [meet("both", 2), Step::Try(act("b", []))]))]);
    let second = act("b", [Step::Call(act("y", [meet("both", 2), Step::Try(act("a", []))]))]);
    let callers = [first, second].map(|order| stage.begin(order));
    assert_eq!(told(callers).await, ["0", "0"]);
    let notes = stage.world.notes();
    let expected = ["x->b:deadlock no y->a:0", "y->a:deadlock no x->b:0"];
    assert!(expected.contains(&&*notes), "{notes}");
    stage.books().at_rest().await;
}

#[tokio::test]
async fn a_circle_of_an_activation_and_a_turn_is_found() {
    let stage = stage();
    // The hook of b, which an outsider set off, calls a, and a turn of a waits for b.
    stage.world.plan("b", Hook::Activate, [vec![meet("both", 2), Step::Try(act("a", []))]]);
    let outsider = stage.begin(act("b", []));
    let a = stage.begin(act("a", [meet("both", 2), Step::Try(act("b", []))]));
    assert_eq!(told([outsider, a]).await, ["0", "0"]);
    let notes = stage.world.notes();
    let expected = ["b->a:deadlock no a->b:0", "a->b:deadlock no b->a:0"];
    assert!(expected.contains(&&*notes), "{notes}");
}

#[tokio::test]
async fn a_circle_of_a_last_hook_and_a_turn_is_found() {
    let stage = stage();
    stage.world.plan("b", Hook::Deactivate, [vec![meet("both", 2), Step::Try(act("a", []))]]);
    assert_eq!(stage.tell(act("b", [Step::Deactivate])).await, "0");
    assert_eq!(stage.tell(act("a", [meet("both", 2), Step::Try(act("b", []))])).await, "0");
    stage.books().at_rest().await;
    let notes = stage.world.notes();
    let expected = ["b->a:deadlock no a->b:0", "a->b:deadlock no b->a:0"];
    assert!(expected.iter().any(|expected| notes.ends_with(expected)), "{notes}");
}

#[tokio::test]
async fn a_circle_through_an_object_that_others_still_hold_is_found() {
    for end in [Step::Panic, Step::RollBack] {
        let stage = stage();
        for id in ["a", "b"] {
            stage.node().create_object("Actor", id).await.unwrap();
        }
        // b takes no more turns, and is there until its other turn ends, which waits for a.
        let b = stage.begin(look("b", [pass("go"), Step::Try(act("a", []))]));
        stage.tell(look("b", [end])).await;
        let a = stage.begin(act("a", [note("waits"), Step::Try(act("b", []))]));
        stage.world.noted("waits").await;
        stage.world.open("go");
        assert_eq!(told([a, b]).await, ["0", "0"]);
        let notes = stage.world.notes();
        let expected = ["waits b->a:deadlock no a->b:0", "waits a->b:deadlock no b->a:0"];
        assert!(expected.contains(&&*notes), "{notes}");
        stage.books().at_rest().await;
    }
}

#[tokio::test]
async fn a_call_that_was_granted_its_turn_waits_for_nobody() {
    let stage = stage();
    for id in ["a", "b"] {
        stage.node().create_object("Actor", id).await.unwrap();
    }
    let holder = stage.begin(act("a", [pass("go")]));
    // Two shared turns of a are granted at once: the first calls b, of which a turn has just got the second.
    let first = stage.begin(look("a", [Step::Try(act("b", []))]));
    let b = stage.begin(act("b", [Step::Try(look("a", []))]));
    let callers = [first, b, holder].map(|caller| tokio::spawn(caller.told()));
    tokio::task::yield_now().await;
    stage.world.open("go");
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "0");
    }
    assert_eq!(stage.world.notes(), "b->a:0 a->b:0", "nobody waits for ever, so nobody is refused");
}

#[tokio::test]
async fn a_call_that_runs_waits_for_nobody_though_it_stood_in_line() {
    let stage = stage();
    for id in ["a", "b"] {
        stage.node().create_object("Actor", id).await.unwrap();
    }
    let holder = stage.begin(act("b", [pass("go")]));
    // A shared turn of a waits for one of b, which then runs beside another; that waits for a.
    let a = stage.begin(look("a", [Step::Call(look("b", [note("b"), pass("end")]))]));
    stage.world.open("go");
    assert_eq!(holder.told().await, "0");
    stage.world.noted("b").await;
    let beside = stage.begin(look("b", [Step::Try(act("a", []))]));
    stage.world.open("end");
    assert_eq!(told([a, beside]).await, ["0", "0"]);
    assert_eq!(stage.world.notes(), "b b->a:0");
}

#[tokio::test]
async fn calls_that_a_turn_makes_at_once_do_not_hinder_each_other() {
    let stage = stage();
    let orders = (0..20).map(|n| {
        let steps = [Step::Yield(n % 3), Step::Add(1)];
        if n % 2 == 0 { act("b", steps) } else { look("b", steps) }
    });
    assert_eq!(stage.tell(act("a", [Step::TryAll(orders.collect())])).await, "0");
    let notes = stage.world.notes();
    assert_eq!(notes.split(' ').filter(|note| note.starts_with("a->b:")).count(), 20);
    assert!(!notes.contains("no") && !notes.contains("maybe"), "{notes}");
    assert_eq!(stage.tell(look("b", [])).await, "20");
    stage.world.assert_no_violation();
}

#[tokio::test]
async fn of_two_calls_that_a_turn_makes_at_once_and_that_wait_for_each_other_one_is_refused() {
    let stage = stage();
    let order = |id, other| act(id, [meet("both", 2), Step::Try(act(other, []))]);
    let both = Step::TryAll(vec![order("b", "c"), order("c", "b")]);
    assert_eq!(stage.tell(act("a", [both])).await, "0");
    let notes = stage.world.notes();
    assert_eq!(notes.matches("deadlock no").count(), 1, "{notes}");
    assert!(notes.contains("a->b:0") && notes.contains("a->c:0"), "{notes}");
    stage.books().at_rest().await;
}

#[tokio::test]
async fn calls_at_once_of_which_one_goes_through_the_other_succeed() {
    let stage = stage();
    let through = act("b", [Step::Yield(2), Step::Call(act("c", [Step::Add(1)]))]);
    let both = Step::TryAll(vec![act("c", [Step::Yield(5), Step::Add(1)]), through]);
    assert_eq!(stage.tell(act("a", [both])).await, "0");
    assert_eq!(stage.tell(look("c", [])).await, "2");
    assert_eq!(stage.world.notes(), "a->c:1 a->b:0");
}

/// Random call trees whose calls lead from lower to higher ids only: there is no circle, so nobody is refused.
fn random_steps(choices: &mut SmallRng, above: usize, ids: usize, depth: usize) -> Vec<Step> {
    let mut steps = vec![Step::Yield(choices.random_range(0..3))];
    let order = |choices: &mut SmallRng| {
        let id = choices.random_range(above + 1..ids);
        let turn = KINDS[choices.random_range(0..2)];
        let steps = random_steps(choices, id, ids, depth - 1);
        Order { id: format!("{id:02}"), turn, steps, timeout_ms: None }
    };
    if depth > 0 && above + 1 < ids {
        match choices.random_range(0..3) {
            0 => {}
            1 => steps.push(Step::Call(order(choices))),
            _ => steps.push(Step::TryAll(vec![order(choices), order(choices)])),
        }
    }
    steps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn soak_chains_without_a_circle_are_never_refused() {
    for round in 0..crate::stage::rounds() {
        let seed = 20_261_122 + round;
        println!("seed {seed}");
        let stage = std::sync::Arc::new(stage());
        let tasks = (0..16).map(|task| {
            let stage = std::sync::Arc::clone(&stage);
            let mut choices = SmallRng::seed_from_u64(seed * 1_000 + task);
            tokio::spawn(async move {
                for _ in 0..30 {
                    let id = choices.random_range(0..6);
                    let turn = KINDS[choices.random_range(0..2)];
                    let steps = random_steps(&mut choices, id, 12, 5);
                    let order = Order { id: format!("{id:02}"), turn, steps, timeout_ms: None };
                    assert_eq!(stage.tell(order).await, "0");
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            soon("all are answered", task).await.unwrap();
        }
        let notes = stage.world.notes();
        assert!(notes.split(' ').all(|note| note.ends_with(":0")), "seed {seed}: {notes}");
        stage.world.assert_no_violation();
        let mut books = stage.books();
        books.at_rest().await;
        assert_eq!(books.sum("call_rejections_total"), 0.0, "seed {seed}");
    }
}

/// Random calls among few objects: whatever circles there are, no call waits for its deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn soak_no_circle_of_chains_is_overlooked() {
    for round in 0..crate::stage::rounds() {
        let seed = 20_261_122 + round;
        println!("seed {seed}");
        let stage = std::sync::Arc::new(stage());
        let tasks = (0..12).map(|task| {
            let stage = std::sync::Arc::clone(&stage);
            let mut choices = SmallRng::seed_from_u64(seed * 1_000 + task);
            tokio::spawn(async move {
                for _ in 0..30 {
                    let order = wild_order(&mut choices, 4);
                    soon("no call waits for its deadline", stage.tell(order)).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let notes = stage.world.notes();
        assert!(!notes.contains("deadline_exceeded"), "seed {seed}: {notes}");
        assert!(notes.contains("deadlock no"), "seed {seed}: there were circles");
        stage.world.assert_no_violation();
        stage.books().at_rest().await;
    }
}

fn wild_order(choices: &mut SmallRng, depth: usize) -> Order {
    // A first yield alone is not heeded, and turns that run through meet nobody.
    let mut steps = vec![Step::Yield(choices.random_range(2..5))];
    if depth > 0 {
        match choices.random_range(0..4) {
            0 => {}
            1 => steps.push(Step::TryAll(vec![
                wild_order(choices, depth - 1),
                wild_order(choices, depth - 1),
            ])),
            _ => steps.push(Step::Try(wild_order(choices, depth - 1))),
        }
    }
    match choices.random_range(0..30) {
        0 => steps.push(Step::Panic),
        1 => steps.push(Step::RollBack),
        2 => steps.push(Step::Deactivate),
        _ => {}
    }
    let turn = KINDS[choices.random_range(0..2)];
    let id = ["a", "b", "c", "d"][choices.random_range(0..4)];
    Order { id: id.to_owned(), turn, steps, timeout_ms: None }
}

/// A call of the next object by each, as far as it goes.
fn assert_chain_is_refused(stage: &Stage, answer: &str, len_max: usize) {
    assert_eq!(answer, format!("chain_too_long no at {len_max}"));
    assert!(stage.node().find("Actor", &len_max.to_string()).is_none());
}

mod long {
    //! A type whose method calls the next object, without an end.

    use goverse_node::{
        Addressed, Caller, Ctx, HookError, Method, MethodEntry, Object, ObjectRef, Turn,
    };

    use crate::actor::methods;

    /// Calls the object after it, in one of several ways.
    #[derive(Default)]
    pub(super) struct Runner;

    /// Awaits before the next call, so that a task carries each turn on.
    pub(super) struct Walk(pub(super) u32);
    /// Calls the next object at once.
    pub(super) struct Run(pub(super) u32);
    pub(super) struct Peek(pub(super) u32);
    /// Has much to keep across its call.
    pub(super) struct Haul(pub(super) u32);
    /// Calls an object whose activation calls the next.
    pub(super) struct Wake(pub(super) u32);
    /// Calls the next object outside of its own turn, so that there is no chain.
    pub(super) struct Stray(pub(super) u32);

    fn told(n: u32, result: Result<u32, goverse_node::CallError<String>>) -> Result<u32, String> {
        result.map_err(|error| match error {
            goverse_node::CallError::Method(error) => error,
            goverse_node::CallError::System(error) => format!("{} at {n}", error.code()),
        })
    }

    methods! {
        Runner:
        "walk" Walk(u32) -> Result<u32, String>, exclusive: |walk, _runner, cx| {
            tokio::task::yield_now().await;
            let n = walk.0 + 1;
            told(n, cx.object::<Runner>(&n.to_string()).call(Walk(n)).await)
        };
        "run" Run(u32) -> Result<u32, String>, exclusive: |run, _runner, cx| {
            let n = run.0 + 1;
            told(n, cx.object::<Runner>(&n.to_string()).call(Run(n)).await)
        };
        "peek" Peek(u32) -> Result<u32, String>, shared: |peek, _runner, cx| {
            let n = peek.0 + 1;
            told(n, cx.object::<Runner>(&n.to_string()).call(Peek(n)).await)
        };
        "haul" Haul(u32) -> Result<u32, String>, exclusive: |haul, _runner, cx| {
            let n = haul.0 + 1;
            let mut load = [0_u8; 4_096];
            load[n as usize % 4_096] = 1;
            let result = cx.object::<Runner>(&n.to_string()).call(Haul(n)).await;
            told(n + load.iter().map(|byte| u32::from(*byte)).sum::<u32>() - 1, result)
        };
        "stray" Stray(u32) -> Result<u32, String>, exclusive: |stray, _runner, cx| {
            if stray.0 == 10_000 {
                return Ok(stray.0);
            }
            let (node, n) = (cx.node().expect("it is there"), stray.0 + 1);
            told(n, node.object::<Runner>(&n.to_string()).call(Stray(n)).await)
        };
        "wake" Wake(u32) -> Result<u32, String>, exclusive: |wake, _runner, _cx| Ok(wake.0);
    }

    impl Object for Runner {
        const TYPE: &'static str = "Runner";
        const METHODS: &'static [MethodEntry<Self>] = &[
            MethodEntry::of::<Walk>(),
            MethodEntry::of::<Run>(),
            MethodEntry::of::<Peek>(),
            MethodEntry::of::<Haul>(),
            MethodEntry::of::<Wake>(),
            MethodEntry::of::<Stray>(),
        ];

        async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
            let Some(n) = cx.id().as_str().strip_prefix("wake ") else { return Ok(()) };
            let n = n.parse::<u32>()? + 1;
            cx.object::<Runner>(&format!("wake {n}")).call(Wake(n)).await?;
            Ok(())
        }
    }

    impl Addressed for Runner {
        type Ref = ObjectRef<Runner>;

        fn refer(caller: Caller<'_>, id: &str) -> ObjectRef<Runner> {
            ObjectRef::new(caller, id)
        }
    }
}

/// Calls that would lead through 10 000 objects, in every way that nests.
async fn check_ten_thousand(are_there: bool) {
    use long::{Haul, Peek, Run, Runner, Stray, Wake, Walk};
    let stage = stage_with(|_| {}, |node| node.object::<Runner>());
    if are_there {
        for n in 0..10_000 {
            stage.node().create_object("Runner", &n.to_string()).await.unwrap();
        }
    }
    let runner = stage.node().object::<Runner>("0");
    let told = Err(goverse_node::CallError::Method("chain_too_long at 100".to_owned()));
    assert_eq!(runner.call(Walk(0)).await, told);
    assert_eq!(runner.call(Run(0)).await, told);
    assert_eq!(runner.call(Peek(0)).await, told);
    assert_eq!(runner.call(Haul(0)).await, told);
    let error = stage.node().object::<Runner>("wake 0").call(Wake(0)).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::ActivationFailed);
    assert!(error.to_string().contains("100 objects wait for each other already"), "{error}");
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("call_rejections_total Runner chain_too_long"), 5.0);
    assert_eq!(books.sum("object_activation_failures_total Runner activation_failed"), 100.0);
    // What is no chain is not refused, and overflows no stack either.
    assert_eq!(runner.call(Stray(0)).await, Ok(10_000));
}

#[tokio::test]
async fn a_chain_of_ten_thousand_objects_is_refused_on_a_test_thread() {
    check_ten_thousand(false).await;
    check_ten_thousand(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_ten_thousand_objects_is_refused_on_a_worker() {
    tokio::spawn(check_ten_thousand(false)).await.unwrap();
    tokio::spawn(check_ten_thousand(true)).await.unwrap();
}

#[tokio::test]
async fn a_chain_is_as_long_as_the_node_allows() {
    let mut settings = NodeSettings::default();
    settings.chain_len_max = 3;
    let stage = stage_with(|_| {}, |node| node.settings(settings));
    let chain = |ids: &[&str]| chain_of(&[Kind::Exclusive; 4], ids, vec![]);
    assert_eq!(stage.tell(chain(&["0", "1", "2"])).await, "0");
    assert_chain_is_refused(&stage, &stage.tell(chain(&["0", "1", "2", "3"])).await, 3);
    // Without being in the chain it may go on.
    assert_eq!(stage.actor("3").call(Add(1)).timeout(Duration::from_secs(1)).await, Ok(1));
}

#[tokio::test]
async fn a_call_that_was_given_up_is_no_part_of_a_chain_any_more() {
    let stage = stage();
    // a forgets its call of b, which goes on, and later calls a.
    let b = act("b", [note("b"), pass("later"), Step::Try(act("a", [Step::Add(1)]))]);
    let a = stage.begin(act("a", [Step::CallUntil(b, "forget".into())]));
    stage.world.noted("b").await;
    stage.world.open("forget");
    assert_eq!(a.told().await, "0");
    stage.world.open("later");
    stage.world.noted("b->a:1").await;
}

#[tokio::test]
async fn a_call_that_an_activation_has_given_up_is_no_part_of_a_chain_any_more() {
    let stage = stage();
    let b = act("b", [note("b"), pass("later"), Step::Try(act("a", [Step::Add(1)]))]);
    stage.world.plan("a", Hook::Activate, [vec![Step::CallUntil(b, "forget".into())]]);
    let a = stage.begin(act("a", []));
    stage.world.noted("b").await;
    stage.world.open("forget");
    assert_eq!(a.told().await, "0");
    stage.world.open("later");
    stage.world.noted("b->a:1").await;
}
