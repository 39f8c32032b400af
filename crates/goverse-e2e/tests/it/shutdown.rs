//! The end of a process: what can be seen while it ends, its exit code, and its limits.

use std::time::{Duration, Instant};

use goverse_e2e::poll::SOON;
use goverse_e2e::{Process, Stream, goverse_command, http, poll};

use crate::steady::Steady;

/// How long a process may take beyond its limit: hooks get a second to notice, open responses another.
const GRACE: Duration = Duration::from_secs(5);

fn objects(type_name: &str) -> String {
    format!("goverse_objects_total{{node=\"localhost:47000\",type=\"{type_name}\"}}")
}

/// Waits until the page, which is still served, shows this many objects.
async fn until_shown(node: &Steady, type_name: &str, count: f64) {
    let series = objects(type_name);
    poll::until(format!("{series} to be {count}"), SOON, async || {
        let shown = node.samples().await?.get(&series).copied();
        poll::expect(shown == Some(count), shown)
    })
    .await;
}

/// Waits until the node says that it takes no more objects.
async fn until_not_ready(node: &Steady) {
    poll::until("readiness to go", SOON, async || {
        let reply = http::get(&node.url("/readyz")).await?;
        poll::expect(reply.status == 503, reply)
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_can_be_watched_until_its_last_object() {
    let mut node = Steady::start("localhost:47000", &["ChatRoom=5", "Slow=20"]).await;
    assert_eq!(http::get(&node.url("/readyz")).await.unwrap().status, 200);

    node.process.terminate();
    until_not_ready(&node).await;
    assert_eq!(http::get(&node.url("/livez")).await.unwrap().status, 200);
    assert_eq!(node.samples().await.unwrap()["goverse_node_ready{node=\"localhost:47000\"}"], 0.0);
    until_shown(&node, "ChatRoom", 0.0).await;
    until_shown(&node, "Slow", 20.0).await;
    node.order("release 19").await;
    until_shown(&node, "Slow", 1.0).await;
    assert_eq!(node.listed().await["Slow"], 1.0);

    node.order("release 1").await;
    let status = node.process.wait_exit(SOON).await;
    assert_eq!(status.code(), Some(0));
    let log = node.process.printed(Stream::Stderr);
    assert!(log.contains("deactivated=25 cut_off=0 left=0"), "{log}");
    assert!(http::get(&node.url("/livez")).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn hooks_that_never_end_are_cut_off_at_the_limit_and_counted() {
    let flags = ["--shutdown-timeout", "300ms"];
    let mut node = Steady::start_with("localhost:47000", &["ChatRoom=5", "Slow=20"], &flags).await;
    let begun = Instant::now();
    node.process.terminate();
    let status = node.process.wait_exit(SOON).await;
    let took = begun.elapsed();
    assert!((Duration::from_millis(300)..GRACE).contains(&took), "{took:?}");
    assert_eq!(status.code(), Some(1));
    let log = node.process.printed(Stream::Stderr);
    assert!(
        log.contains("the shutdown took too long: 20 objects ended without their hook"),
        "{log}"
    );
    assert!(log.contains("deactivated=5 cut_off=20 left=0"), "{log}");
}

#[tokio::test]
async fn a_hook_that_never_yields_does_not_keep_the_process_alive() {
    let flags = ["--shutdown-timeout", "300ms"];
    let mut node = Steady::start_with("localhost:47000", &["Stuck=1"], &flags).await;
    node.process.terminate();
    let status = node.process.wait_exit(SOON).await;
    assert_eq!(status.code(), Some(1));
    let log = node.process.printed(Stream::Stderr);
    assert!(log.contains("0 objects ended without their hook, 1 never ended"), "{log}");
}

#[tokio::test]
async fn a_second_interrupt_cuts_hooks_off_at_once() {
    let flags = ["--shutdown-timeout", "10m"];
    let mut node = Steady::start_with("localhost:47000", &["ChatRoom=5", "Slow=20"], &flags).await;
    node.process.interrupt();
    // Hooks run: the shutdown is well under way.
    until_shown(&node, "ChatRoom", 0.0).await;
    let begun = Instant::now();
    node.process.interrupt();
    let status = node.process.wait_exit(SOON).await;
    assert!(begun.elapsed() < GRACE, "{:?}", begun.elapsed());
    assert_eq!(status.code(), Some(1));
    let log = node.process.printed(Stream::Stderr);
    assert!(log.contains("20 objects ended without their hook"), "{log}");
}

#[tokio::test]
async fn serve_and_inspector_end_well() {
    let check = async |arguments: &[&str], ready: &str| {
        for signal in [Process::terminate, Process::interrupt] {
            let mut command = goverse_command();
            command.args(arguments);
            let mut process = Process::start(command);
            process.wait_for_line(ready, |line| line.contains(ready), SOON).await;
            signal(&mut process);
            assert_eq!(process.wait_exit(SOON).await.code(), Some(0), "{arguments:?}");
        }
    };
    check(&["serve", "--metrics-listen-address", "localhost:0"], "node ready").await;
    check(&["serve"], "node ready").await;
    let inspector = ["inspector", "--node", "localhost:1", "--listen-address", "localhost:0"];
    check(&inspector, "inspector open").await;
}
