//! Timers end with their activation, whatever ends it, and never bring another one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use goverse_node::{Ctx, Node, Timer, TypeSettings};
use tokio::time::sleep;

use super::{DAY, Reported, SECOND, held, in_turn, scripted};
use crate::fixture::{observed_with, until};
use crate::scripted::{
    Exclusive, Log, Script, Scripted, Shared, exclusive, plain, script, shared, with_hooks,
};

/// Timers of an object: one that is due soon, and two that would sleep for a day.
struct Timers {
    ticks: Log<()>,
    /// Held by what makes the calls, so gone when the tasks of the timers are.
    alive: std::sync::Weak<()>,
    timers: Vec<Timer>,
}

impl Timers {
    async fn set(node: &Node) -> Self {
        in_turn(node, "a", Self::set_in).await.unwrap()
    }

    fn set_in(cx: &Ctx) -> Self {
        let (ticks, alive) = (Log::default(), Arc::new(()));
        let every = |period| {
            let (me, ticks, alive) =
                (cx.this::<Scripted>(), Log::clone(&ticks), Arc::clone(&alive));
            cx.every(period, move || {
                let (ticks, alive) = (ticks.clone(), Arc::clone(&alive));
                me.call(plain(move |_| {
                    ticks.push(());
                    let _ = &alive;
                }))
            })
        };
        let held = Arc::clone(&alive);
        let call = cx.this::<Scripted>().call(plain(move |_| drop(Arc::clone(&held))));
        let timers = vec![every(SECOND), every(DAY), cx.after(DAY, call)];
        Self { ticks, alive: Arc::downgrade(&alive), timers }
    }

    /// They end now, not when they are due.
    async fn are_over(&self, why: &str) {
        until(why, || self.alive.upgrade().is_none()).await;
        assert!(self.timers.iter().all(Timer::is_finished), "{why}");
        self.ticks.take();
        sleep(SECOND * 5).await;
        assert_eq!(self.ticks.len(), 0, "{why}");
    }
}

/// Lets `end` end the activation, and looks at its timers.
async fn check(reason: &str, settings: TypeSettings, end: impl AsyncFnOnce(&Node)) {
    let observed = observed_with(|node| node.object::<Scripted>().type_settings(settings));
    let timers = Timers::set(&observed.node).await;
    sleep(SECOND * 3 / 2).await;
    assert_eq!(timers.ticks.take().len(), 1, "{reason}");
    end(&observed.node).await;
    timers.are_over(reason).await;
    assert!(observed.node.find("Scripted", "a").is_none(), "{reason}");
    let reported = observed.reported();
    assert_eq!(reported["object_activations_total Scripted"], 1.0, "{reason}: {reported:?}");
    let ended = format!("object_deactivations_total Scripted {reason}");
    assert_eq!(reported.get(&ended), Some(&1.0), "{reported:?}");
    assert_eq!(reported.get("calls_in_flight Scripted"), None, "{reason}: {reported:?}");
}

/// Lets a turn end the activation, an exclusive one and a shared one.
async fn check_turn(reason: &str, turn: impl Script) {
    let mut settings = TypeSettings::default();
    settings.turn_limit = Duration::from_millis(20);
    let turn: Arc<dyn Script> = Arc::new(turn);
    let call = Exclusive(Arc::clone(&turn));
    check(reason, settings, async move |node| {
        drop(node.reference::<Scripted>("a").call(call).await);
    })
    .await;
    let call = Shared(turn);
    check(reason, settings, async move |node| {
        drop(node.reference::<Scripted>("a").call(call).await);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn they_end_with_an_activation_that_a_turn_ends() {
    check_turn(
        "requested",
        script(|cx| {
            cx.deactivate();
            Box::pin(async { Ok(()) })
        }),
    )
    .await;
    check_turn(
        "rolled_back",
        script(|cx| {
            let error = cx.rollback("on purpose".to_owned());
            Box::pin(async { Err(error) })
        }),
    )
    .await;
    check_turn("panicked", script(|_| panic!("on purpose"))).await;
    check_turn("cut_off", script(|_| Box::pin(std::future::pending()))).await;
}

#[tokio::test(start_paused = true)]
async fn they_end_with_an_activation_that_the_node_ends() {
    let mut settings = TypeSettings::default();
    check("destroyed", settings, async |node| {
        node.destroy_object("Scripted", "a").await.unwrap();
    })
    .await;
    check("shutdown", settings, async |node| {
        assert_eq!(node.shutdown(SECOND * 9).await.deactivated, 1);
    })
    .await;
    settings.idle_timeout = Some(Duration::from_millis(100));
    check("idle", settings, async |node| {
        until("it is idle", || node.find("Scripted", "a").is_none()).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_tick_ends_the_activation() {
    let observed = scripted();
    let timers = Timers::set(&observed.node).await;
    let panics =
        |cx: &Ctx| cx.after(SECOND, cx.this::<Scripted>().call(plain(|_| panic!("on purpose"))));
    in_turn(&observed.node, "a", panics).await.unwrap();
    timers.are_over("a tick panicked").await;
    let reported = observed.reported();
    assert_eq!(reported["object_deactivations_total Scripted panicked"], 1.0);
    assert_eq!(reported["method_calls_total Scripted plain panicked"], 1.0);
    assert_eq!(reported["panics_total Scripted turn"], 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_takes_too_long_ends_the_activation() {
    let mut settings = TypeSettings::default();
    settings.turn_limit = Duration::from_millis(20);
    let observed = observed_with(|node| node.object::<Scripted>().type_settings(settings));
    let timers = Timers::set(&observed.node).await;
    let hangs = |cx: &Ctx| {
        let hangs = exclusive(|_| Box::pin(std::future::pending()));
        cx.after(SECOND, cx.this::<Scripted>().call(hangs))
    };
    in_turn(&observed.node, "a", hangs).await.unwrap();
    timers.are_over("a tick was cut off").await;
    assert_eq!(observed.reported()["method_calls_total Scripted exclusive cut_off"], 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_tick_may_deactivate_its_object() {
    let observed = scripted();
    let timers = Timers::set(&observed.node).await;
    let ends = |cx: &Ctx| cx.after(SECOND, cx.this::<Scripted>().call(plain(Ctx::deactivate)));
    in_turn(&observed.node, "a", ends).await.unwrap();
    timers.are_over("a tick asked for the end").await;
    assert_eq!(observed.reported()["object_deactivations_total Scripted requested"], 1.0);
}

#[tokio::test(start_paused = true)]
async fn they_end_with_a_node_that_is_dropped_and_do_not_keep_it() {
    let observed = scripted();
    let timers = Timers::set(&observed.node).await;
    let reported = observed.after_drop();
    assert_eq!(reported["object_deactivations_total Scripted dropped"], 1.0);
    timers.are_over("the node was dropped").await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_outlives_its_node_has_no_timers_and_sets_none() {
    let observed = scripted();
    let timers = Timers::set(&observed.node).await;
    let (dropped, late) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
    let (goes_on, result) = (Arc::clone(&dropped), Arc::clone(&late));
    let turn = exclusive(move |cx| {
        let (goes_on, result) = (Arc::clone(&goes_on), Arc::clone(&result));
        Box::pin(async move {
            while !goes_on.load(Ordering::SeqCst) {
                sleep(Duration::from_millis(1)).await;
            }
            *result.lock().unwrap() = Some(Timers::set_in(cx));
            sleep(SECOND * 20).await;
            Ok(())
        })
    });
    let call = tokio::spawn(observed.node.reference::<Scripted>("a").call(turn));
    tokio::task::yield_now().await;
    drop(observed);
    dropped.store(true, Ordering::SeqCst);
    timers.are_over("the node was dropped while a turn ran").await;
    let late: Timers = late.lock().unwrap().take().expect("the turn goes on");
    late.are_over("they were set when the node was dropped").await;
    call.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn they_end_when_the_activation_hook_fails_or_panics_after_it_set_them() {
    for fails in [true, false] {
        let set: Arc<Mutex<Option<Timers>>> = Arc::default();
        let result = Arc::clone(&set);
        let hook = script(move |cx| {
            *result.lock().unwrap() = Some(Timers::set_in(cx));
            Box::pin(async move {
                sleep(SECOND * 3).await;
                assert!(fails, "on purpose");
                Err("on purpose".to_owned())
            })
        });
        let observed = observed_with(|node| with_hooks(node, Some(Arc::new(hook)), None));
        observed.node.create_object("Scripted", "a").await.unwrap_err();
        let timers = set.lock().unwrap().take().unwrap();
        assert_eq!(timers.ticks.len(), 0);
        timers.are_over("the activation failed").await;
        assert_eq!(observed.reported().get("object_activations_total Scripted"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn they_end_before_the_deactivation_hook_and_it_sets_none() {
    let (set, events): (Arc<Mutex<Vec<Timers>>>, _) = (Arc::default(), Log::default());
    let (result, log) = (Arc::clone(&set), events.clone());
    let hook = script(move |cx| {
        result.lock().unwrap().push(Timers::set_in(cx));
        let log = log.clone();
        Box::pin(async move {
            sleep(SECOND * 5 / 2).await;
            log.push(());
            Ok(())
        })
    });
    let observed = observed_with(|node| with_hooks(node, None, Some(Arc::new(hook))));
    let before = Timers::set(&observed.node).await;
    observed.node.destroy_object("Scripted", "a").await.unwrap();
    assert_eq!((events.len(), before.ticks.len()), (1, 0));
    let cancelled = observed.reported().get("method_calls_total Scripted plain cancelled").copied();
    assert_eq!(cancelled, None, "no tick waited for the hook to end");
    before.are_over("the object is gone").await;
    let late = set.lock().unwrap().pop().unwrap();
    late.are_over("the hook set them").await;
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_waits_for_its_turn_ends_with_the_activation() {
    let observed = scripted();
    let timers = Timers::set(&observed.node).await;
    let (end, holds) = held(&observed.node).await;
    let node = observed.node.clone();
    let destroyed = tokio::spawn(async move { node.destroy_object("Scripted", "a").await });
    sleep(SECOND * 3 / 2).await;
    end.notify_one();
    holds.await.unwrap();
    destroyed.await.unwrap().unwrap();
    timers.are_over("the object was destroyed first").await;
    let reported = observed.reported();
    assert_eq!(reported["method_calls_total Scripted plain cancelled"], 1.0, "{reported:?}");
    assert_eq!(reported["object_activations_total Scripted"], 1.0, "{reported:?}");
}

#[tokio::test(start_paused = true)]
async fn they_end_when_a_shared_turn_panics_though_others_go_on_beside_it() {
    let (observed, log) = (scripted(), Log::default());
    let timers = Timers::set(&observed.node).await;
    let ended = log.clone();
    let beside = shared(move |_| {
        let ended = ended.clone();
        Box::pin(async move {
            sleep(SECOND * 9).await;
            ended.push(());
            Ok(())
        })
    });
    let beside = tokio::spawn(observed.node.reference::<Scripted>("a").call(beside));
    tokio::task::yield_now().await;
    let panics = shared(|_| panic!("on purpose"));
    observed.node.reference::<Scripted>("a").call(panics).await.unwrap_err();
    timers.are_over("a shared turn panicked").await;
    assert_eq!(log.len(), 0, "the turn beside it goes on");
    beside.await.unwrap().unwrap();
    let reported = observed.reported();
    assert_eq!(reported.get("method_calls_total Scripted plain cancelled"), None, "{reported:?}");
}

#[test]
fn they_end_with_the_runtime_of_the_turn_that_set_them() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    let observed = scripted();
    for begun in [true, false] {
        let first = runtime();
        let timers = first.block_on(async {
            let timers = Timers::set(&observed.node).await;
            if begun {
                tokio::task::yield_now().await;
            }
            timers
        });
        drop(first);
        runtime().block_on(timers.are_over("the runtime is gone"));
    }
}

#[tokio::test(start_paused = true)]
async fn no_tick_begins_once_a_shutdown_is_at_its_limit() {
    let observed = scripted();
    let timers = Timers::set(&observed.node).await;
    let last = exclusive(|cx| {
        Box::pin(async {
            sleep(SECOND * 3 / 2).await;
            cx.node().unwrap().cut_off();
            Ok(())
        })
    });
    observed.node.reference::<Scripted>("a").call(last).await.unwrap();
    let mut reported = Reported::default();
    until("the tick gives up", || {
        reported.look(&observed).value("call_rejections_total Scripted shutting_down") == 1.0
    })
    .await;
    assert!(timers.timers[0].is_finished());
    assert_eq!(timers.ticks.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_ends_while_they_tick_nothing_is_left() {
    const OBJECTS: usize = 50;
    let observed = scripted();
    let alive = Arc::new(());
    for round in 0..5 {
        for object in 0..OBJECTS {
            let alive = Arc::clone(&alive);
            let set = move |cx: &Ctx| {
                for millis in 1..4 {
                    let (me, alive) = (cx.this::<Scripted>(), Arc::clone(&alive));
                    let tick = shared(|_| {
                        Box::pin(async {
                            tokio::task::yield_now().await;
                            Ok(())
                        })
                    });
                    cx.every(Duration::from_millis(millis), move || {
                        let _ = &alive;
                        me.call(tick.clone())
                    });
                }
            };
            in_turn(&observed.node, &object.to_string(), set).await.unwrap();
        }
        let ends = (0..OBJECTS).map(|object| {
            let (node, id) = (observed.node.clone(), object.to_string());
            tokio::spawn(async move {
                let a = node.reference::<Scripted>(&id);
                match (object + round) % 4 {
                    0 => node.destroy_object("Scripted", &id).await.unwrap(),
                    1 => drop(a.call(plain(|_| panic!("on purpose"))).await),
                    2 => a.call(plain(Ctx::deactivate)).await.unwrap(),
                    _ => drop(a.call(shared(|_| panic!("on purpose"))).await),
                }
            })
        });
        for end in ends.collect::<Vec<_>>() {
            end.await.unwrap();
        }
    }
    until("all timers are over", || Arc::strong_count(&alive) == 1).await;
    until("all objects are gone", || observed.gauge_and_listing("Scripted") == (0.0, 0)).await;
}
