//! Creating and destroying an object, with our metrics and without any: the difference is their share.

use std::time::{Duration, Instant};

use goverse_node::{Node, Object};
use metrics::{NoopRecorder, Recorder};
use tokio::runtime::{Builder, Runtime};

use super::peers;
use crate::measure::{Cost, Runs, cpu_time, in_turns, operations_per_run};
use crate::report::{Figure, Report};

/// Ids that a task goes round, so that it meets every shard of the node's directory.
const IDS: u64 = 256;

/// An object that does nothing.
#[derive(Default)]
pub(super) struct Idle;

impl Object for Idle {
    const TYPE: &'static str = "Idle";
    const HAS_HOOKS: bool = false;
}

/// Measures on one thread, then with two workers.
pub fn run(report: &Report, runs: usize) {
    let one_thread = Builder::new_current_thread().enable_time().build();
    measure("1 thread", 1, &one_thread.expect("a runtime can be had"), report, runs);
    let workers = Builder::new_multi_thread().worker_threads(2).enable_time().build();
    measure("2 workers", 2, &workers.expect("a runtime can be had"), report, runs);
}

fn measure(place: &str, tasks: usize, runtime: &Runtime, report: &Report, runs: usize) {
    let whole = |time: &str| format!("create+destroy, {place}, {time}");
    let share = |time: &str| format!("metrics' share of create+destroy, {place}, {time}");
    let names = [("wall", Cost::wall as fn(&Cost) -> f64), ("CPU", Cost::cpu)]
        .map(|(time, value)| (whole(time), share(time), value));
    if !names.iter().any(|(whole, share, _)| report.wants(whole) || report.wants(share)) {
        return;
    }
    let ours = peers::ours();
    // A node of its own for each run: where its parts lie in memory matters as much as the metrics do.
    let cost = |recorder, operations| cost(runtime, &node(recorder), tasks, operations);
    let operations = operations_per_run(|operations| {
        let begun = Instant::now();
        cost(&NoopRecorder, operations);
        begun.elapsed()
    });
    let [with, without] =
        in_turns(runs, [&mut || cost(&ours, operations), &mut || cost(&NoopRecorder, operations)]);
    for (whole, share, value) in names {
        let pairs = with.iter().zip(&without);
        let difference = pairs.map(|(with, without)| value(with) - value(without)).collect();
        let (with, without) = (Runs::of(&with, value), Runs::of(&without, value));
        report.add(&Figure::new(&whole, "ns", with.clone(), ("no recorder", without)));
        report.add(&Figure::new(&share, "ns", Runs::new(difference), ("create+destroy", with)));
    }
}

fn node(recorder: &dyn Recorder) -> Node {
    let builder = Node::builder(peers::NODE.parse().expect("the address is valid"));
    let build = || builder.object::<Idle>().build();
    metrics::with_local_recorder(recorder, build).expect("the type is valid")
}

/// What an object costs when each task makes so many, one after the other.
fn cost(runtime: &Runtime, node: &Node, tasks: usize, objects: u64) -> Cost {
    let cpu = cpu_time();
    let wall: Duration = runtime.block_on(async {
        let one_task = |task| tokio::spawn(make(node.clone(), ids(task), objects));
        let tasks: Vec<_> = (0..tasks).map(one_task).collect();
        let mut wall = Duration::ZERO;
        for task in tasks {
            wall += task.await.expect("the task does not panic");
        }
        wall
    });
    Cost::of_each(objects * tasks as u64, wall, cpu_time() - cpu)
}

/// How long one task takes for its objects.
async fn make(node: Node, ids: Vec<String>, objects: u64) -> Duration {
    let begun = Instant::now();
    for id in ids.iter().cycle().take(objects as usize) {
        come_and_go(&node, id).await;
    }
    begun.elapsed()
}

/// Ids of one task, told from those of the others.
pub(super) fn ids(task: usize) -> Vec<String> {
    (0..IDS).map(|number| format!("task-{task}-{number}")).collect()
}

/// One object is created and destroyed.
pub(super) async fn come_and_go(node: &Node, id: &str) {
    node.create_object(Idle::TYPE, id).await.expect("nothing else has this id");
    node.destroy_object(Idle::TYPE, id).await.expect("it was created just now");
}
