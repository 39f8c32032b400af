//! What timers promise: when they tick, what a tick is, and that they end with their activation.
//!
//! Time is paused in most tests, and goes on when all wait. Deadlines and time-outs of the node itself keep to the
//! real time.

mod ends;
mod refused;
mod ticks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use goverse_node::{CallError, Ctx, Never, Node, Timer};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::fixture::{Observed, observed_with};
use crate::scripted::{Exclusive, Log, Plain, Scripted, exclusive, plain};

const SECOND: Duration = Duration::from_secs(1);
/// Longer than any test waits.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A node with the one type.
fn scripted() -> Observed {
    observed_with(|node| node.object::<Scripted>())
}

/// What `act` returns in a turn of the object.
async fn in_turn<R: Send + 'static>(
    node: &Node,
    id: &str,
    act: impl Fn(&Ctx) -> R + Send + Sync + 'static,
) -> Result<R, CallError<Never>> {
    let returned = Arc::new(Mutex::new(None));
    let result = Arc::clone(&returned);
    let turn = plain(move |cx| *result.lock().unwrap() = Some(act(cx)));
    node.reference::<Scripted>(id).call(turn).await?;
    let mut returned = returned.lock().unwrap();
    Ok(returned.take().unwrap())
}

/// A timer of the object `a`, which makes the same call each time.
async fn ticking(node: &Node, period: Duration, tick: Exclusive) -> Timer {
    let set = move |cx: &Ctx| {
        let (me, tick) = (cx.this::<Scripted>(), tick.clone());
        cx.every(period, move || me.call(tick.clone()))
    };
    in_turn(node, "a", set).await.unwrap()
}

/// A tick that notes the time of its beginning, in ms from now.
fn noted(log: &Log<u128>) -> Plain {
    let (start, log) = (Instant::now(), log.clone());
    plain(move |_| log.push(start.elapsed().as_millis()))
}

/// A turn that takes so long, and notes the time of its beginning, in ms from now.
fn lasting(duration: Duration, log: &Log<u128>) -> Exclusive {
    let (start, log) = (Instant::now(), log.clone());
    exclusive(move |_| {
        let log = log.clone();
        Box::pin(async move {
            log.push(start.elapsed().as_millis());
            tokio::time::sleep(duration).await;
            Ok(())
        })
    })
}

/// A turn of the object `a` that has begun, and ends when it is told to.
async fn held(node: &Node) -> (Arc<Notify>, tokio::task::JoinHandle<()>) {
    let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, ends) = (Arc::clone(&begun), Arc::clone(&end));
    let turn = exclusive(move |_| {
        begins.notify_one();
        let ends = Arc::clone(&ends);
        Box::pin(async move {
            ends.notified().await;
            Ok(())
        })
    });
    let call = node.reference::<Scripted>("a").call(turn);
    let holds = tokio::spawn(async move { call.await.unwrap() });
    begun.notified().await;
    (end, holds)
}

/// All that was reported so far, for a recorder tells only of what is new.
#[derive(Default)]
struct Reported(BTreeMap<String, f64>);

impl Reported {
    fn look(&mut self, observed: &Observed) -> &Self {
        for (name, value) in observed.reported() {
            *self.0.entry(name).or_default() += value;
        }
        self
    }

    fn value(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }
}
