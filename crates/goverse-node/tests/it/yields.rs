//! Methods that yield: others have their turn soon, though not at each time that a method asks for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::task::{coop::unconstrained, yield_now};

use crate::scripted::{Exclusive, Scripted, exclusive};
use crate::stage::{Stage, soon, stage_with};

/// More than a turn may take that goes on though it has yielded.
const LONG: Duration = Duration::from_millis(1);

/// Calls that stand in line, and what holds the object until it is told.
struct InLine {
    calls: Vec<tokio::task::JoinHandle<()>>,
    end: Arc<Notify>,
}

async fn scripted() -> Stage {
    let stage = stage_with(|_| {}, |node| node.object::<Scripted>());
    stage.node().create_object("Scripted", "a").await.unwrap();
    stage
}

async fn call(stage: &Stage, method: &Exclusive) {
    let called = stage.node().object::<Scripted>("a").call(method.clone());
    soon("the call is answered", called).await.unwrap();
}

async fn in_line(stage: &Stage, method: &Exclusive, calls: usize) -> InLine {
    let end = Arc::new(Notify::new());
    let ends = Arc::clone(&end);
    let holder = exclusive(move |_| {
        let ends = Arc::clone(&ends);
        Box::pin(async move {
            ends.notified().await;
            Ok(())
        })
    });
    let methods = std::iter::once(&holder).chain(std::iter::repeat_n(method, calls));
    let calls = methods.map(|method| {
        let called = stage.node().object::<Scripted>("a").call(method.clone());
        let mut called = Box::pin(unconstrained(called));
        assert!((&mut called).now_or_never().is_none(), "the object is held");
        tokio::spawn(async move { called.await.unwrap() })
    });
    let calls = calls.collect();
    // The tasks wait for their answers from here on.
    yield_now().await;
    InLine { calls, end }
}

/// Keeps the thread for so long.
fn work(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// A flag that another task sets when it comes to run.
fn other_task() -> Arc<AtomicBool> {
    let has_run = Arc::new(AtomicBool::new(false));
    let runs = Arc::clone(&has_run);
    tokio::spawn(async move { runs.store(true, SeqCst) });
    has_run
}

// === impl InLine ===

impl InLine {
    async fn answered(self) {
        for call in self.calls {
            soon("a call in line is answered", call).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_method_that_yields_until_another_task_has_run_comes_to_its_end() {
    let until = |has_run: Arc<AtomicBool>| {
        exclusive(move |_| {
            let has_run = Arc::clone(&has_run);
            Box::pin(async move {
                for _ in 0..10_000 {
                    if has_run.load(SeqCst) {
                        return Ok(());
                    }
                    yield_now().await;
                }
                Err("the other task never came to run".to_owned())
            })
        })
    };
    let stage = scripted().await;
    call(&stage, &until(other_task())).await;
    let has_run = Arc::new(AtomicBool::new(false));
    let line = in_line(&stage, &until(Arc::clone(&has_run)), 3).await;
    line.end.notify_one();
    tokio::spawn(async move { has_run.store(true, SeqCst) });
    line.answered().await;
}

#[tokio::test]
async fn a_turn_that_yields_after_long_work_lets_others_run_before_it_goes_on() {
    let others_run = |has_run: Arc<AtomicBool>| {
        exclusive(move |_| {
            let has_run = Arc::clone(&has_run);
            Box::pin(async move {
                work(LONG);
                yield_now().await;
                if has_run.load(SeqCst) { Ok(()) } else { Err("it went on".to_owned()) }
            })
        })
    };
    let stage = scripted().await;
    call(&stage, &others_run(other_task())).await;
    let has_run = Arc::new(AtomicBool::new(false));
    let line = in_line(&stage, &others_run(Arc::clone(&has_run)), 1).await;
    line.end.notify_one();
    tokio::spawn(async move { has_run.store(true, SeqCst) });
    line.answered().await;
}

#[tokio::test]
async fn a_loop_of_calls_that_yield_lets_others_run() {
    let stage = scripted().await;
    let yields = exclusive(|_| yield_now().map(Ok).boxed());
    // The first may take long.
    call(&stage, &yields).await;
    let has_run = other_task();
    // Each pays for itself, or for less than a microsecond.
    for _ in 0..500 {
        if has_run.load(SeqCst) {
            return;
        }
        stage.node().object::<Scripted>("a").call(yields.clone()).await.unwrap();
    }
    panic!("the other task never came to run");
}

#[tokio::test]
async fn when_a_turn_works_long_after_it_yielded_the_next_call_gives_way() {
    let stage = scripted().await;
    let works = exclusive(|_| {
        Box::pin(async {
            yield_now().await;
            work(LONG);
            Ok(())
        })
    });
    let has_run = other_task();
    let mut calls = 0;
    while !has_run.load(SeqCst) {
        stage.node().object::<Scripted>("a").call(works.clone()).await.unwrap();
        calls += 1;
    }
    assert!(calls <= 2, "{calls} calls before another task had its turn");
}

#[tokio::test]
async fn calls_in_line_that_yield_let_others_run_between_them() {
    const CALLS: u32 = 200;
    let stage = scripted().await;
    let done = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&done);
    let works = exclusive(move |_| {
        let count = Arc::clone(&count);
        Box::pin(async move {
            work(LONG / 20);
            yield_now().await;
            count.fetch_add(1, SeqCst);
            Ok(())
        })
    });
    let line = in_line(&stage, &works, CALLS as usize).await;
    line.end.notify_one();
    let other = tokio::spawn(async move { done.load(SeqCst) });
    let before = soon("another task runs", other).await.unwrap();
    assert!(before < CALLS / 10, "{before} calls before another task had its turn");
    line.answered().await;
}
