//! Callers who change one object after the other: each its own, by calls that are answered when they are durable.

use std::sync::Arc;
use std::time::Instant;

use goverse_node::{Node, StateStore, object};
use goverse_server::Recorder;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::{RUN_TIME, STATE_BYTES};

/// A state of [`STATE_BYTES`].
#[derive(Default, Serialize, Deserialize)]
struct Wallet {
    entries: String,
}

#[object(crate = "goverse_node", persist)]
impl Wallet {
    fn enter(&mut self, letter: char) {
        self.entries.clear();
        self.entries.extend(std::iter::repeat_n(letter, STATE_BYTES));
    }
}

/// How many calls a second all callers get through together, with the recorder and all metrics on.
pub(super) fn calls_per_second(
    runtime: &Runtime,
    store: &Arc<dyn StateStore>,
    callers: usize,
) -> f64 {
    let recorder = Recorder::builder().build().expect("it has no buckets of its own");
    let node = metrics::with_local_recorder(&recorder, || {
        let address = "localhost:47000".parse().expect("this is an address");
        let node = Node::builder(address).object::<Wallet>().store(Arc::clone(store));
        node.build().expect("the type has a name")
    });
    runtime.block_on(async {
        node.open_store().await.expect("the store answers");
        for caller in 0..callers {
            enter(&node, caller, 'a').await;
        }
        let begun = Instant::now();
        let mut calling = JoinSet::new();
        for caller in 0..callers {
            calling.spawn(call(node.clone(), caller, begun));
        }
        let calls: u64 = calling.join_all().await.into_iter().sum();
        calls as f64 / begun.elapsed().as_secs_f64()
    })
}

/// Calls until the run is over; how often.
async fn call(node: Node, caller: usize, begun: Instant) -> u64 {
    let mut calls = 0;
    while begun.elapsed() < RUN_TIME {
        enter(&node, caller, 'b').await;
        calls += 1;
    }
    calls
}

async fn enter(node: &Node, caller: usize, letter: char) {
    let wallet = node.object::<Wallet>(format!("caller-{caller}"));
    wallet.enter(letter).await.expect("nobody else saves it");
}
