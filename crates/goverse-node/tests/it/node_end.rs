//! The end of a node, by a shutdown or a drop, and of its runtime, in the midst of calls.

use std::time::Duration;

use goverse_node::Drained;
use tokio::runtime::Runtime;

use crate::actor::{Add, Get, Step, act, look, note, pass};
use crate::stage::{Stage, soon, stage, stage_with, told};
use crate::world::Hook;

const PATIENT: Duration = Duration::from_secs(30);

/// A runtime on the thread of whoever enters it.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// A runtime with a thread of its own.
fn worker() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
}

/// Begins a shutdown; it is under way when this returns.
async fn shut_down(stage: &Stage, limit: Duration) -> tokio::task::JoinHandle<Drained> {
    let node = stage.node().clone();
    let shutdown = tokio::spawn(async move { node.shutdown(limit).await });
    // The first call that is refused shows that it has begun.
    soon("the shutdown begins", async {
        while stage.actor("probe").call(Get).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    shutdown
}

#[tokio::test]
async fn a_shutdown_lets_turns_and_those_who_wait_come_to_their_end() {
    let stage = stage();
    let running = stage.begin(act("a", [pass("end"), note("running")]));
    let waiting = [act("a", [note("waiting")]), look("a", [note("waiting")])];
    let waiting = waiting.map(|order| stage.begin(order));
    let shutdown = shut_down(&stage, PATIENT).await;
    for id in ["a", "new"] {
        assert_eq!(stage.tell(act(id, [note("late")])).await, "shutting_down no");
    }
    stage.world.open("end");
    assert_eq!(told([running].into_iter().chain(waiting)).await, ["0"; 3]);
    let drained = soon("the shutdown ends", shutdown).await.unwrap();
    assert_eq!((drained.cut_off, drained.left), (0, 0));
    let notes = stage.world.notes();
    assert!(notes.contains("running waiting waiting a-shutdown"), "{notes}");
    stage.world.assert_no_violation();
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("objects_total"), 0.0);
}

#[tokio::test]
async fn turns_that_run_during_a_shutdown_may_call_what_is_there_and_nothing_new() {
    let stage = stage();
    let holder = stage.begin(act("b", [pass("b")]));
    let steps = [pass("end"), Step::Try(act("b", [])), Step::Try(act("new", [note("late")]))];
    let running = stage.begin(act("a", steps));
    let shutdown = shut_down(&stage, PATIENT).await;
    // b is there for as long as it has turns; its end stands in line already.
    stage.world.open("end");
    stage.world.open("b");
    assert_eq!(told([holder, running]).await, ["0", "0"]);
    soon("the shutdown ends", shutdown).await.unwrap();
    let notes = stage.world.notes();
    assert!(notes.contains("a->new:shutting_down no") && !notes.contains("late"), "{notes}");
    assert!(notes.contains("a->b:0") || notes.contains("a->b:shutting_down no"), "{notes}");
    stage.world.assert_no_violation();
    stage.books().at_rest().await;
}

#[tokio::test]
async fn calls_of_turns_reach_objects_that_a_shutdown_has_not_come_to() {
    let stage = stage();
    // The shutdown waits for each object in line, so that both have taken the call before.
    let b = stage.begin(look("b", [pass("b"), note("b")]));
    let a = stage.begin(act("a", [pass("end"), Step::Call(look("b", [note("nested")]))]));
    stage.world.open("end");
    let shutdown = shut_down(&stage, PATIENT).await;
    stage.world.open("b");
    let answers = told([a, b]).await;
    assert!(["0", "shutting_down no at b"].contains(&&*answers[0]), "{answers:?}");
    assert_eq!(answers[1], "0");
    soon("the shutdown ends", shutdown).await.unwrap();
    stage.books().at_rest().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_limit_a_shutdown_cuts_off_what_runs_and_refuses_who_waits() {
    let stage = stage();
    let running = stage.begin(act("a", [pass("never"), note("never")]));
    let shared = stage.begin(look("b", [note("b"), pass("never")]));
    let waiting = [act("a", [note("never")]), look("a", [note("never")])];
    let waiting = waiting.map(|order| stage.begin(order));
    stage.world.noted("b").await;
    let (running, waiting) = (
        [running, shared].map(|caller| tokio::spawn(caller.told())),
        waiting.map(|caller| tokio::spawn(caller.told())),
    );
    let drained = soon("the shutdown ends", stage.node().shutdown(Duration::from_millis(20))).await;
    assert_eq!((drained.deactivated, drained.cut_off, drained.left), (0, 2, 0));
    for task in running {
        assert_eq!(task.await.unwrap(), "cut_off maybe");
    }
    for task in waiting {
        assert_eq!(task.await.unwrap(), "shutting_down no");
    }
    assert!(!stage.world.notes().contains("never"));
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("objects_total"), 0.0);
    assert_eq!(books.sum("object_deactivations_total Actor cut_off"), 2.0);
    assert_eq!(books.sum("method_calls_total Actor act cut_off"), 1.0);
    assert_eq!(books.sum("method_calls_total Actor look cut_off"), 1.0);
    assert_eq!(books.sum("call_rejections_total Actor shutting_down"), 2.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_limit_a_shutdown_cuts_off_chains_wherever_they_are() {
    let stage = stage();
    let hang = || vec![Step::Yield(3), pass("never")];
    stage.world.plan("activating", Hook::Activate, [hang()]);
    stage.world.plan("ending", Hook::Deactivate, [hang()]);
    assert_eq!(stage.tell(act("ending", [Step::Deactivate])).await, "0");
    let holder = stage.begin(act("held", [note("held"), pass("never")]));
    let ends = ["activating", "ending", "held", "free"];
    let through = |id: &str| {
        let last = act(id, [pass("never")]);
        act(&format!("2 {id}"), [Step::Call(look(&format!("1 {id}"), [Step::Call(last)]))])
    };
    let chains: Vec<_> = ends.iter().map(|id| stage.begin(through(id))).collect();
    stage.world.noted("held").await;
    for id in ends {
        let id = format!("1 {id}");
        stage.world.until_at(&id, "its turn runs", |it| it.shared_turns == 1).await;
    }
    let drained = soon("the shutdown ends", stage.node().shutdown(Duration::from_millis(20))).await;
    assert_eq!(drained.left, 0, "{drained:?}");
    for answer in told(chains.into_iter().chain([holder])).await {
        let is_right =
            answer.starts_with("cut_off maybe") || answer.starts_with("shutting_down no");
        assert!(is_right, "{answer}");
    }
    stage.world.assert_no_violation();
    let mut books = stage.books();
    books.at_rest().await;
    assert_eq!(books.sum("objects_total"), 0.0);
    assert_eq!(books.sum("method_calls_total"), 14.0);
}

#[tokio::test]
async fn a_node_that_is_dropped_leaves_its_turns_to_their_end_and_refuses_who_waits() {
    for kind in [act::<2>, look::<2>] {
        let stage = stage();
        stage.node().create_object("Actor", "a").await.unwrap();
        stage.node().create_object("Actor", "idle").await.unwrap();
        let running = stage.begin(kind("a", [pass("end"), note("done")]));
        let waiting = [act("a", [note("never")]), act("a", [note("never")])];
        let waiting = waiting.map(|order| stage.begin(order));
        let references = ["a", "idle", "absent"].map(|id| stage.actor(id));
        let Stage { observed, world } = stage;
        let (node, reported) = observed.into_parts();
        drop(node);
        for reference in &references {
            let error = reference.call(Add(1)).await.unwrap_err();
            assert_eq!(error.system().unwrap().code().as_str(), "shutting_down");
        }
        assert_eq!(told(waiting).await, ["shutting_down no"; 2]);
        world.open("end");
        assert_eq!(running.told().await, "0");
        world.until_at("a", "it is gone", |a| a.lives == 0 && a.activations == 1).await;
        world.until_at("idle", "it is gone", |idle| idle.lives == 0 && idle.activations == 1).await;
        assert_eq!(world.notes(), "done", "no hook runs");
        world.assert_no_violation();
        drop(references);
        let reported = reported();
        for gauge in ["objects_total Actor", "calls_in_flight Actor", "calls_queued Actor"] {
            assert_eq!(reported.get(gauge), None, "{reported:?}");
        }
        assert_eq!(reported["object_deactivations_total Actor dropped"], 2.0, "{reported:?}");
        assert_eq!(reported["call_rejections_total Actor shutting_down"], 5.0, "{reported:?}");
    }
}

#[tokio::test]
async fn a_turn_whose_node_is_gone_calls_nobody_any_more() {
    let stage = stage();
    let running = stage.begin(act("a", [pass("end"), Step::Try(act("b", [note("never")]))]));
    let Stage { observed, world } = stage;
    drop(observed);
    world.open("end");
    assert_eq!(running.told().await, "0");
    assert_eq!(world.notes(), "a->b:shutting_down no");
}

#[tokio::test]
async fn deadlines_and_turn_limits_come_though_the_node_is_gone() {
    let limit = Duration::from_millis(60);
    let stage = stage_with(|settings| settings.turn_limit = limit, |node| node);
    let hangs = stage.begin(act("a", [pass("never")]));
    let late = stage.begin(act("b", [pass("never")]).timeout_ms(20));
    let Stage { observed, world } = stage;
    let (node, reported) = observed.into_parts();
    drop(node);
    assert_eq!(told([late, hangs]).await, ["deadline_exceeded maybe", "cut_off maybe"]);
    for id in ["a", "b"] {
        world.until_at(id, "it is gone", |it| it.lives == 0).await;
    }
    assert_eq!(reported().get("objects_total Actor"), None);
}

#[test]
fn an_object_can_be_called_after_the_runtime_of_its_turn_is_gone() {
    for kind in [act::<2>, look::<2>] {
        let stage = stage();
        let runtime =
            || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime().block_on(async {
            stage.node().create_object("Actor", "a").await.unwrap();
            stage.actor("a").call(Add(7)).await.unwrap();
            let mut running = stage.begin(kind("a", [note("begun"), pass("never")]));
            stage.world.noted("begun").await;
            assert!(!running.poll());
        });
        runtime().block_on(async {
            assert_eq!(stage.tell(act("a", [])).await, "0", "it was cut off, and is fresh");
            let late = stage.tell(act("a", [pass("never")]).timeout_ms(20)).await;
            assert_eq!(late, "deadline_exceeded maybe", "deadlines come here too");
        });
        stage.world.assert_no_violation();
    }
}

#[test]
fn an_object_can_be_called_after_the_runtime_of_its_hook_is_gone() {
    let stage = stage();
    let hook = || vec![pass("never")];
    stage.world.plan("a", Hook::Activate, [hook()]);
    stage.world.plan("a", Hook::Deactivate, [hook()]);
    runtime().block_on(async {
        let mut first = stage.begin(act("a", []));
        stage.world.until_at("a", "the hook runs", |a| a.hooks == 1).await;
        assert!(!first.poll());
    });
    runtime().block_on(async {
        assert_eq!(stage.tell(act("a", [Step::Deactivate])).await, "0");
        stage.world.until_at("a", "the hook runs", |a| a.deactivations == 1).await;
    });
    runtime().block_on(async {
        assert_eq!(stage.tell(act("a", [])).await, "0");
        stage.books().at_rest().await;
    });
    stage.world.assert_no_violation();
}

#[test]
fn an_object_whose_hook_goes_with_its_runtime_is_counted_out_though_somebody_refers_to_it() {
    let stage = stage();
    let hook = || vec![pass("never")];
    stage.world.plan("a", Hook::Activate, [hook()]);
    stage.world.plan("a", Hook::Deactivate, [hook()]);
    let coming = runtime().block_on(async {
        let mut first = stage.begin(act("a", []));
        stage.world.until_at("a", "the hook runs", |a| a.hooks == 1).await;
        assert!(!first.poll());
        stage.actor("a")
    });
    let failed = "object_activation_failures_total Actor abandoned";
    assert_eq!(stage.observed.reported().get(failed), Some(&1.0));
    let going = runtime().block_on(async {
        assert_eq!(stage.tell(act("a", [Step::Deactivate])).await, "0");
        stage.world.until_at("a", "the hook runs", |a| a.deactivations == 1).await;
        stage.actor("a")
    });
    assert_eq!(stage.observed.gauge_and_listing("Actor"), (0.0, 0));
    drop((coming, going));
}

#[test]
fn who_stood_in_line_is_told_when_the_runtime_that_runs_the_turn_goes() {
    for make in [act::<2>, look::<2>] {
        let (stage, worker) = (stage(), worker());
        runtime().block_on(async {
            let held = act("a", [pass("go")]).made_from(stage.node());
            let holding = worker.spawn(held);
            stage.world.until_at("a", "the holder runs", |a| a.exclusive_turns == 1).await;
            // Whoever ends the turn before goes on with this one: the worker.
            let caller = stage.begin(make("a", [note("begun"), pass("never")]));
            let behind = stage.begin(act("a", [note("behind")]));
            stage.world.open("go");
            assert_eq!(holding.await.unwrap(), Ok(0));
            stage.world.noted("begun").await;
            worker.shutdown_background();
            assert_eq!(caller.told().await, "shutting_down maybe");
            assert_eq!(behind.told().await, "0", "a fresh object has it");
            assert_eq!(stage.tell(act("a", [])).await, "0");
            stage.books().at_rest().await;
        });
        stage.world.assert_no_violation();
    }
}

#[test]
fn a_caller_without_a_runtime_leaves_the_turns_of_others_alone() {
    let (stage, worker) = (std::sync::Arc::new(stage()), worker());
    let calling = std::sync::Arc::clone(&stage);
    // A turn that does not wait, ended on a thread of its own: others wait for it meanwhile.
    let calls = std::thread::spawn(move || {
        for _ in 0..2_000 {
            let call = Box::pin(calling.actor("a").call(Add(1)));
            block_on(call).unwrap();
        }
    });
    worker.block_on(async {
        while !calls.is_finished() {
            let orders = (0..8).map(|_| stage.begin(act("a", [Step::Yield(2)])));
            for answer in told(orders).await {
                answer.parse::<i64>().expect(&answer);
            }
        }
        stage.books().at_rest().await;
        assert_eq!(stage.actor("a").call(Get).await, Ok(2_000), "nothing was lost");
    });
    calls.join().unwrap();
}

/// Polls a future on this thread, which belongs to no runtime.
fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut cx = std::task::Context::from_waker(&waker);
    loop {
        match std::pin::Pin::new(&mut future).poll(&mut cx) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park_timeout(Duration::from_secs(5)),
        }
    }
}
