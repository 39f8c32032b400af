//! When timers tick, and that a tick is a turn.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use goverse_core::ErrorCode;
use goverse_node::{CallError, Ctx, Timer, TypeSettings};
use tokio::time::sleep;

use super::{DAY, Reported, SECOND, held, in_turn, lasting, noted, scripted, ticking};
use crate::fixture::{observed_with, until};
use crate::log_lines;
use crate::scripted::{Log, Scripted, exclusive, plain, script, shared, with_hooks};

#[tokio::test(start_paused = true)]
async fn ticks_are_due_at_a_steady_rate_from_a_period_after_the_start() {
    let (observed, log) = (scripted(), Log::default());
    // A tick that is shorter than the period does not delay the next.
    drop(ticking(&observed.node, SECOND, lasting(SECOND * 3 / 10, &log)).await);
    sleep(SECOND * 7 / 2).await;
    assert_eq!(log.take(), [1_000, 2_000, 3_000], "to drop the handle changes nothing");
}

#[tokio::test(start_paused = true)]
async fn ticks_that_take_long_leave_out_others_and_a_period_before_the_next() {
    let (observed, log) = (scripted(), Log::default());
    ticking(&observed.node, SECOND, lasting(SECOND * 5 / 2, &log)).await;
    sleep(SECOND * 10).await;
    assert_eq!(log.take(), [1_000, 4_500, 8_000]);
}

#[tokio::test(start_paused = true)]
async fn a_call_after_a_while_is_made_once() {
    let (observed, log) = (scripted(), Log::default());
    let call = noted(&log);
    let set = move |cx: &Ctx| cx.after(SECOND, cx.this::<Scripted>().call(call.clone()));
    let timer = in_turn(&observed.node, "a", set).await.unwrap();
    sleep(SECOND / 2).await;
    assert!(!timer.is_finished());
    assert_eq!(format!("{timer:?}"), "Timer { is_finished: false }");
    sleep(SECOND * 9).await;
    assert_eq!(log.take(), [1_000]);
    assert!(timer.is_finished());
}

#[tokio::test(start_paused = true)]
async fn times_that_no_clock_has_are_waited_for_too() {
    let observed = scripted();
    let call = plain(|_| {});
    let set = move |cx: &Ctx| {
        let (me, again, once) = (cx.this::<Scripted>(), call.clone(), call.clone());
        let after = cx.after(Duration::MAX, me.call(once));
        (after, cx.every(Duration::MAX, move || me.call(again.clone())))
    };
    let (after, every) = in_turn(&observed.node, "a", set).await.unwrap();
    sleep(SECOND).await;
    assert!(!after.is_finished() && !every.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_tick_waits_for_those_that_came_before_and_before_those_that_come_later() {
    let (observed, log) = (scripted(), Log::default());
    let note = |what: &'static str| {
        let log = log.clone();
        plain(move |_| log.push(what))
    };
    let tick = note("tick");
    let set = move |cx: &Ctx| cx.after(SECOND, cx.this::<Scripted>().call(tick.clone()));
    in_turn(&observed.node, "a", set).await.unwrap();
    let (end, holds) = held(&observed.node).await;
    let call = |turn| tokio::spawn(observed.node.reference::<Scripted>("a").call(turn));
    let before = call(note("before"));
    sleep(SECOND * 2).await;
    let after = call(note("after"));
    tokio::task::yield_now().await;
    assert_eq!(log.take(), [""; 0]);
    end.notify_one();
    let _ = tokio::join!(holds, before, after);
    assert_eq!(log.take(), ["before", "tick", "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_shared_tick_runs_beside_shared_calls() {
    let (observed, log) = (scripted(), Log::default());
    let tick = {
        let log = log.clone();
        shared(move |_| {
            log.push("tick");
            Box::pin(async { Ok(()) })
        })
    };
    // Shared turns can set timers too.
    let set = shared(move |cx| {
        let (me, tick) = (cx.this::<Scripted>(), tick.clone());
        cx.every(SECOND, move || me.call(tick.clone()));
        Box::pin(async {
            sleep(SECOND * 7 / 2).await;
            Ok(())
        })
    });
    // The turn that activates an object is exclusive, whatever runs in it.
    observed.node.create_object("Scripted", "a").await.unwrap();
    observed.node.reference::<Scripted>("a").call(set).await.unwrap();
    assert_eq!(log.take(), ["tick"; 3]);
}

#[tokio::test(start_paused = true)]
async fn shared_calls_run_beside_a_shared_tick() {
    let (observed, log) = (scripted(), Log::default());
    let lasting = |what: &'static str, duration| {
        let log = log.clone();
        shared(move |_| {
            let log = log.clone();
            Box::pin(async move {
                sleep(duration).await;
                log.push(what);
                Ok(())
            })
        })
    };
    let tick = lasting("tick", SECOND * 5);
    let set = move |cx: &Ctx| cx.after(SECOND, cx.this::<Scripted>().call(tick.clone()));
    in_turn(&observed.node, "a", set).await.unwrap();
    sleep(SECOND * 2).await;
    let call = lasting("call", SECOND);
    observed.node.reference::<Scripted>("a").call(call).await.unwrap();
    in_turn(&observed.node, "a", |_| ()).await.unwrap();
    assert_eq!(log.take(), ["call", "tick"]);
}

#[tokio::test(start_paused = true)]
async fn a_tick_waits_however_many_wait() {
    let mut settings = TypeSettings::default();
    settings.waiting_max = 0;
    let observed = observed_with(|node| node.object::<Scripted>().type_settings(settings));
    let log = Log::default();
    let tick = noted(&log);
    let set = move |cx: &Ctx| cx.after(SECOND, cx.this::<Scripted>().call(tick.clone()));
    in_turn(&observed.node, "a", set).await.unwrap();
    let (end, holds) = held(&observed.node).await;
    let refused = in_turn(&observed.node, "a", |_| ()).await.unwrap_err();
    assert_eq!(refused.system().unwrap().code(), ErrorCode::Overloaded);
    sleep(SECOND * 2).await;
    end.notify_one();
    holds.await.unwrap();
    until("the tick has run", || log.len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_tick_is_counted_as_a_call_of_its_method() {
    let (observed, mut reported) = (scripted(), Reported::default());
    let tick = exclusive(|_| Box::pin(async { Err("on purpose".to_owned()) }));
    ticking(&observed.node, SECOND, tick).await;
    let (end, holds) = held(&observed.node).await;
    sleep(SECOND * 5 / 2).await;
    let waiting = reported.look(&observed);
    assert_eq!(waiting.value("calls_queued Scripted"), 1.0, "{:?}", waiting.0);
    assert_eq!(
        waiting.value("calls_in_flight Scripted"),
        2.0,
        "the tick, and what holds the object"
    );
    end.notify_one();
    holds.await.unwrap();
    sleep(SECOND * 3 / 2).await;
    let ended = reported.look(&observed);
    for (name, expected) in [
        ("method_calls_total Scripted exclusive failed", 2.0),
        ("method_calls_total Scripted exclusive ok", 1.0),
        ("method_queue_seconds Scripted exclusive", 3.0),
        ("method_call_duration_seconds Scripted exclusive", 3.0),
        ("calls_queued Scripted", 0.0),
        ("calls_in_flight Scripted", 0.0),
    ] {
        assert_eq!(ended.value(name), expected, "{name}: {:?}", ended.0);
    }
    let calls = |name: &&String| name.starts_with("method_calls_total");
    let counted: f64 = ended.0.keys().filter(calls).map(|name| ended.value(name)).sum();
    assert_eq!(
        counted, 4.0,
        "two ticks, what held the object, and what set the timer: {:?}",
        ended.0
    );
}

#[tokio::test(start_paused = true)]
async fn a_tick_begins_a_chain_of_its_own() {
    let (observed, log) = (scripted(), Log::default());
    let results = log.clone();
    let tick = exclusive(move |cx| {
        let results = results.clone();
        Box::pin(async move {
            let b = cx.object::<Scripted>("b").call(plain(|_| {})).await;
            let a = cx.object::<Scripted>("a").call(plain(|_| {})).await.unwrap_err();
            results.push((b, a.system().map(|error| error.code()), cx.time_left()));
            Ok(())
        })
    });
    // The timer is set in a chain that comes from b, which waits for it.
    let from_b = exclusive(move |cx| {
        let (a, tick) = (cx.object::<Scripted>("a"), tick.clone());
        Box::pin(async move {
            let set = plain(move |cx| {
                let (me, tick) = (cx.this::<Scripted>(), tick.clone());
                cx.every(SECOND, move || me.call(tick.clone()));
            });
            a.call(set).await.map_err(|error| error.to_string())
        })
    });
    observed.node.reference::<Scripted>("b").call(from_b).await.unwrap();
    sleep(SECOND * 3 / 2).await;
    assert_eq!(log.take(), [(Ok(()), Some(ErrorCode::Reentrant), None)]);
}

#[tokio::test(start_paused = true)]
async fn a_call_of_the_turn_that_sets_it_may_be_given_as_well() {
    let (observed, log) = (scripted(), Log::default());
    let call = noted(&log);
    let set = move |cx: &Ctx| cx.after(SECOND, cx.object::<Scripted>("a").call(call.clone()));
    in_turn(&observed.node, "a", set).await.unwrap();
    sleep(SECOND * 2).await;
    assert_eq!(log.take(), [1_000], "its chain and deadline are those of a tick all the same");
}

#[tokio::test(start_paused = true)]
async fn a_time_out_is_for_the_wait_and_not_for_the_turn() {
    let (observed, log) = (scripted(), Log::default());
    let events = log.clone();
    let tick = shared(move |cx| {
        let events = events.clone();
        Box::pin(async move {
            events.push("begins");
            assert!(cx.time_left().is_some());
            while cx.time_left() > Some(Duration::ZERO) {
                tokio::task::yield_now().await;
            }
            sleep(SECOND * 3).await;
            events.push("ends");
            Ok(())
        })
    });
    let set = move |cx: &Ctx| {
        let (me, tick) = (cx.this::<Scripted>(), tick.clone());
        cx.every(SECOND, move || me.call(tick.clone()).timeout(Duration::from_millis(5)))
    };
    in_turn(&observed.node, "a", set).await.unwrap();
    let (end, holds) = held(&observed.node).await;
    let mut reported = Reported::default();
    until("a tick was left out", || {
        reported.look(&observed).value("call_rejections_total Scripted deadline_exceeded") > 0.0
    })
    .await;
    assert_eq!(log.take(), [""; 0]);
    end.notify_one();
    holds.await.unwrap();
    until("others run", || log.len() >= 4).await;
    assert_eq!(log.take(), ["begins", "ends", "begins", "ends"]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_after_the_time_out_is_not_taken() {
    let (observed, log) = (scripted(), Log::default());
    let tick = noted(&log);
    let set = move |cx: &Ctx| {
        let call = cx.this::<Scripted>().call(tick.clone());
        cx.after(SECOND, call.timeout(Duration::from_millis(30)))
    };
    let timer = in_turn(&observed.node, "a", set).await.unwrap();
    // The thread is held past the time-out, and then the turn comes together with that.
    let holds = exclusive(|_| {
        Box::pin(async {
            sleep(SECOND * 2).await;
            std::thread::sleep(Duration::from_millis(40));
            Ok(())
        })
    });
    observed.node.reference::<Scripted>("a").call(holds).await.unwrap();
    until("the timer is over", || timer.is_finished()).await;
    assert_eq!(log.take(), [0; 0]);
    let rejected = observed.reported()["call_rejections_total Scripted deadline_exceeded"];
    assert_eq!(rejected, 1.0);
}

#[tokio::test(start_paused = true)]
async fn the_first_tick_of_a_timer_of_the_activation_hook_waits_for_its_success() {
    let log = Log::default();
    let tick = noted(&log);
    let hook = script(move |cx: &Ctx| {
        let (me, tick) = (cx.this::<Scripted>(), tick.clone());
        cx.every(SECOND, move || me.call(tick.clone()));
        Box::pin(async {
            sleep(SECOND * 5 / 2).await;
            Ok(())
        })
    });
    let observed = observed_with(|node| with_hooks(node, Some(Arc::new(hook)), None));
    observed.node.create_object("Scripted", "a").await.unwrap();
    sleep(SECOND * 5 / 2).await;
    assert_eq!(log.take(), [2_500, 3_500, 4_500]);
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_cancels_its_timer_runs_to_its_end() {
    let (observed, log) = (scripted(), Log::default());
    let timer: Arc<Mutex<Option<Timer>>> = Arc::default();
    let (own, events) = (Arc::clone(&timer), log.clone());
    let tick = exclusive(move |_| {
        own.lock().unwrap().clone().unwrap().cancel();
        let events = events.clone();
        Box::pin(async move {
            sleep(SECOND * 3).await;
            events.push("end");
            Ok(())
        })
    });
    let set = ticking(&observed.node, SECOND, tick).await;
    *timer.lock().unwrap() = Some(set.clone());
    sleep(SECOND * 9).await;
    assert_eq!(log.take(), ["end"]);
    assert!(set.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_cancelled_while_its_tick_waits_leaves_the_line() {
    let (observed, log) = (scripted(), Log::default());
    let timer = ticking(&observed.node, SECOND, lasting(SECOND, &log)).await;
    let (end, holds) = held(&observed.node).await;
    sleep(SECOND * 2).await;
    timer.cancel();
    let mut reported = Reported::default();
    until("nobody waits", || reported.look(&observed).value("calls_in_flight Scripted") == 1.0)
        .await;
    assert_eq!(reported.value("method_calls_total Scripted exclusive cancelled"), 1.0);
    end.notify_one();
    holds.await.unwrap();
    sleep(SECOND * 5).await;
    assert_eq!(log.take(), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn no_tick_comes_after_the_turn_that_cancels_its_timer() {
    let (observed, log) = (scripted(), Log::default());
    let timer = ticking(&observed.node, SECOND, lasting(SECOND, &log)).await;
    // Its last step cancels the timer, and then its end grants the turn to the tick, before that hears of either.
    let last = exclusive(move |_| {
        let timer = timer.clone();
        Box::pin(async move {
            sleep(SECOND * 2).await;
            timer.cancel();
            Ok(())
        })
    });
    observed.node.reference::<Scripted>("a").call(last).await.unwrap();
    sleep(SECOND * 5).await;
    assert_eq!(log.take(), [0; 0]);
    in_turn(&observed.node, "a", |_| ()).await.expect("the turn that was granted is over");
}

#[tokio::test]
async fn ticks_do_not_keep_an_object_from_being_idle() {
    let mut settings = TypeSettings::default();
    settings.idle_timeout = Some(Duration::from_millis(50));
    let observed = observed_with(|node| node.object::<Scripted>().type_settings(settings));
    let log = Log::default();
    ticking(&observed.node, Duration::from_millis(1), lasting(Duration::ZERO, &log)).await;
    until("it is idle", || observed.node.find("Scripted", "a").is_none()).await;
    assert_eq!(observed.reported()["object_deactivations_total Scripted idle"], 1.0);
}

#[tokio::test]
async fn an_object_that_is_busy_with_ticks_is_idle_when_one_ends() {
    let mut settings = TypeSettings::default();
    settings.idle_timeout = Some(Duration::from_millis(50));
    let observed = observed_with(|node| node.object::<Scripted>().type_settings(settings));
    let log = Log::default();
    let tick = lasting(Duration::from_millis(80), &log);
    ticking(&observed.node, Duration::from_millis(1), tick).await;
    until("it is idle", || observed.node.find("Scripted", "a").is_none()).await;
    assert!(log.len() <= 1, "it ended after its first tick, not after {}", log.len());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_ticks_stays_until_it_is_idle() {
    let mut settings = TypeSettings::default();
    settings.idle_timeout = Some(DAY);
    let observed = observed_with(|node| node.object::<Scripted>().type_settings(settings));
    let log = Log::default();
    ticking(&observed.node, SECOND, lasting(Duration::ZERO, &log)).await;
    sleep(SECOND * 201 / 2).await;
    assert!(observed.node.find("Scripted", "a").is_some());
    assert_eq!(log.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn errors_of_ticks_are_logged_at_most_once_a_second() {
    log_lines::keep();
    let (observed, started) = (scripted(), std::time::Instant::now());
    let tick = exclusive(|_| Box::pin(async { Err("on purpose".to_owned()) }));
    ticking(&observed.node, SECOND, tick).await;
    sleep(SECOND * 201 / 2).await;
    let failed = observed.reported()["method_calls_total Scripted exclusive failed"];
    assert_eq!(failed, 100.0, "it goes on");
    let lines = log_lines::count("tick failed");
    assert!((1..=1 + started.elapsed().as_secs()).contains(&lines), "{lines} lines");
}

#[tokio::test(start_paused = true)]
async fn a_turn_may_call_its_own_object_later_on_by_the_same_reference() {
    let observed = scripted();
    let me = in_turn(&observed.node, "a", |cx| cx.this::<Scripted>()).await.unwrap();
    let result: Result<(), CallError<_>> =
        me.call(plain(|cx| assert!(cx.time_left().is_some()))).await;
    assert_eq!(result, Ok(()), "it is of no chain");
}
