//! The latency of creating and destroying objects while `/metrics` is scraped without pause.
//!
//! Where there are no more cores than workers, the page takes its time from the objects: it is rendered on a
//! thread beside the two workers, and read by one more.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use goverse_node::Node;
use goverse_server::{Recorder, Server, ServerConfig};
use hdrhistogram::Histogram;
use tokio::runtime::{Builder, Runtime};

use super::lifecycle::{Idle, come_and_go, ids};
use super::{page, peers};
use crate::measure::{Runs, in_turns};
use crate::report::{Figure, Report};

/// How long each phase lasts: scraped, not scraped, and so on.
const PHASE: Duration = Duration::from_millis(400);
const TASKS: usize = 4;
/// Registered types, for a page of about a thousand series.
const TYPES: usize = 35;

/// How the tasks go about it.
#[derive(Clone, Copy)]
enum Pace {
    /// The next object as soon as the last is gone: the workers have no time to spare.
    Closed,
    /// One object, then a pause of a millisecond: the workers are idle for the most part.
    Modest,
}

/// Measures a server whose tasks never rest, then one with little to do.
pub fn run(report: &Report, runs: usize) {
    let paces = [("busy workers", Pace::Closed), ("idle workers", Pace::Modest)];
    let paces = paces.map(|(pace_name, pace)| (format!("create+destroy p99, {pace_name}"), pace));
    if !paces.iter().any(|(name, _)| report.wants(name)) {
        return;
    }
    let workers = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = workers.expect("a runtime can be had");
    let server = runtime.block_on(start());
    let recorder = Recorder::installed().expect("the server has installed it");
    let _living = page::fill(&recorder, TYPES);
    for (name, pace) in paces.iter().filter(|(name, _)| report.wants(name)) {
        measure(name, *pace, &runtime, &server, report, runs);
    }
    runtime.block_on(server.shutdown());
}

async fn start() -> Server {
    let mut config = ServerConfig::new(peers::NODE.parse().expect("the address is valid"));
    config.metrics_listen_address = Some("127.0.0.1:0".parse().expect("the address is valid"));
    Server::builder(config).object::<Idle>().start().await.expect("the system gives a free port")
}

fn measure(
    name: &str,
    pace: Pace,
    runtime: &Runtime,
    server: &Server,
    report: &Report,
    runs: usize,
) {
    let port = server.operations_address().expect("the server has an operations port");
    let phase = || p99_us(runtime, server.node(), pace);
    let [scraped, quiet] = in_turns(runs, [&mut || while_scraped(port, phase), &mut || phase()]);
    let reference = ("not scraped", Runs::new(quiet));
    report.add(&Figure::new(name, "µs", Runs::new(scraped), reference));
}

/// What `act` returns while a thread reads `/metrics` again and again.
fn while_scraped<T>(port: SocketAddr, act: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let scraper = scope.spawn(|| scrape_until(&done, port));
        let result = act();
        done.store(true, Ordering::Relaxed);
        let scrapes = scraper.join().expect("every scrape is answered");
        assert!(scrapes > 0, "no scrape was answered in {PHASE:?}");
        result
    })
}

fn scrape_until(done: &AtomicBool, port: SocketAddr) -> u64 {
    let mut connection = BufReader::new(TcpStream::connect(port).expect("the port is open"));
    let mut scrapes = 0;
    while !done.load(Ordering::Relaxed) {
        scrape(&mut connection);
        scrapes += 1;
    }
    scrapes
}

/// Asks for the page as Prometheus does, on a connection that stays open, and reads all of it.
fn scrape(connection: &mut BufReader<TcpStream>) {
    const REQUEST: &[u8] =
        b"GET /metrics HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\n\r\n";
    connection.get_mut().write_all(REQUEST).expect("the connection is open");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = connection.read_line(&mut head).expect("the response has a head");
        assert_ne!(read, 0, "the connection was closed after {head:?}");
    }
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok()).expect("the length is told");
    let read = std::io::copy(&mut connection.take(length), &mut std::io::sink());
    assert_eq!(read.expect("the response has a body"), length);
}

fn p99_us(runtime: &Runtime, node: &Node, pace: Pace) -> f64 {
    runtime.block_on(async {
        let until = Instant::now() + PHASE;
        let task = |task| tokio::spawn(latencies(node.clone(), ids(task), pace, until));
        let tasks: Vec<_> = (0..TASKS).map(task).collect();
        let mut all = new_histogram();
        for task in tasks {
            all += task.await.expect("the task does not panic");
        }
        all.value_at_quantile(0.99) as f64 / 1e3
    })
}

/// The latencies of one task's objects, in ns.
async fn latencies(node: Node, ids: Vec<String>, pace: Pace, until: Instant) -> Histogram<u64> {
    let mut latencies = new_histogram();
    for id in ids.iter().cycle() {
        let begun = Instant::now();
        if begun >= until {
            break;
        }
        come_and_go(&node, id).await;
        latencies.saturating_record(begun.elapsed().as_nanos() as u64);
        match pace {
            Pace::Closed => tokio::task::yield_now().await,
            Pace::Modest => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
    latencies
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("the bounds are valid")
}
