//! A node's page shows the async runtime that the node runs on.

use std::time::{Duration, Instant};

use goverse_server::Server;
use tokio::runtime::Runtime;

use crate::fixture::{page, server};
use crate::scrape::Scrape;

fn runtime(workers: usize) -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap()
}

async fn value(server: &Server, series: &str) -> f64 {
    Scrape::parse(&page(server).await).value(series).unwrap()
}

/// Waits until the page of `server` shows a value that is `enough`.
async fn until(server: &Server, series: &str, enough: impl Fn(f64) -> bool) -> f64 {
    let begun = Instant::now();
    loop {
        let value = value(server, series).await;
        if enough(value) {
            return value;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{series} is {value}");
        tokio::task::yield_now().await;
    }
}

#[test]
fn each_node_shows_the_runtime_that_it_runs_on() {
    let runtimes = [runtime(1), runtime(3)];
    let servers = runtimes.each_ref().map(|runtime| runtime.block_on(server().start()).unwrap());
    let workers = [0, 1].map(|index: usize| {
        runtimes[index].block_on(value(&servers[index], "goverse_runtime_workers"))
    });
    assert_eq!(workers, [1.0, 3.0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_have_not_ended_are_alive() {
    let server = server().start().await.unwrap();
    let tasks: Vec<_> = (0..100).map(|_| tokio::spawn(std::future::pending::<()>())).collect();
    until(&server, "goverse_runtime_alive_tasks", |alive| alive >= 100.0).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    until(&server, "goverse_runtime_alive_tasks", |alive| alive < 100.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_time_is_in_seconds_and_is_that_of_all_workers() {
    let server = server().start().await.unwrap();
    let busy = Duration::from_millis(300);
    let before = value(&server, "goverse_runtime_busy_seconds_total").await;
    let begun = Instant::now();
    let work = || tokio::spawn(async move { std::thread::sleep(busy) });
    let tasks = [work(), work()];
    for task in tasks {
        task.await.unwrap();
    }
    let enough = |now: f64| now - before >= 2.0 * busy.as_secs_f64();
    let after = until(&server, "goverse_runtime_busy_seconds_total", enough).await;
    assert!(after - before <= 2.0 * begun.elapsed().as_secs_f64(), "{before} to {after}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_run_out_of_work_park() {
    let server = server().start().await.unwrap();
    let before = value(&server, "goverse_runtime_parks_total").await;
    until(&server, "goverse_runtime_parks_total", |now| now > before).await;
}
