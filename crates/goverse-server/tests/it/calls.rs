//! Every call is counted once, by how it ended, whatever became of it, its caller and its object.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use goverse_node::{CallError, Encoding, Method};
use goverse_server::{Recorder, Server};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::exactness::{quiet_panics_on_purpose, rounds};
use crate::fixture::{Plain, Touch, config, page, server};
use crate::scrape::Scrape;
use crate::worker::{Entry, Ledger, Peek, Work, Worker};

/// What names that are not registered are counted under.
const OTHER: &str = "other";

/// A server, and the calls that were made of its node.
struct Watched {
    server: Server,
    ledger: Arc<Ledger>,
}

impl Watched {
    async fn start() -> Self {
        let ledger = Arc::new(Ledger::default());
        let mut config = config();
        config.objects.defaults.turn_limit = Duration::from_millis(30);
        config.objects.defaults.waiting_max = 12;
        config.objects.calls.chain_len_max = 5;
        let made = Arc::clone(&ledger);
        let server = Server::builder(config).object_with(move || Worker::new(&made));
        Self { server: server.start().await.unwrap(), ledger }
    }

    /// Makes one call of many kinds, and may let go of it.
    async fn call(&self, choices: &mut SmallRng) {
        let (node, ledger) = (self.server.node(), &self.ledger);
        let mood = ["", "", "", "", "", "", "-fails", "-panics"][choices.random_range(0..8)];
        let id = format!("worker-{}{mood}", choices.random_range(0..20));
        let timeout = Duration::from_micros(choices.random_range(0..20_000));
        let seed: u64 = choices.random();
        match choices.random_range(0..20) {
            0..10 => {
                let call = node.reference::<Worker>(&id).call(Work(seed)).timeout(timeout);
                self.wait(Work::NAME, call, choices).await;
            }
            10..15 => {
                let call = node.reference::<Worker>(&id).call(Peek).timeout(timeout);
                self.wait(Peek::NAME, call, choices).await;
            }
            15 => {
                let call = node.call("Worker", &id, "work", Encoding::Json, b"7".to_vec());
                self.wait(Work::NAME, call, choices).await;
            }
            16 => {
                let call = node.call("Worker", &id, "work", Encoding::Json, b"\"x\"".to_vec());
                self.wait(Work::NAME, call, choices).await;
            }
            17 => {
                let call = node.call("Worker", "", "peek", Encoding::MessagePack, Vec::new());
                self.wait(Peek::NAME, call, choices).await;
            }
            18 => {
                let call = node.call("Worker", &id, "rest", Encoding::Json, Vec::new());
                self.wait(OTHER, call, choices).await;
            }
            _ => {
                ledger.made("a method of another type");
                let error = node.call("Idler", &id, "work", Encoding::Json, Vec::new()).await;
                assert_eq!(error.unwrap_err().system().unwrap().code().as_str(), "unknown_type");
            }
        }
    }

    /// Waits for an answer, or not for long.
    async fn wait<T, E>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, CallError<E>>>,
        choices: &mut SmallRng,
    ) {
        // A call that a task without budget has not even begun is none; with a new budget it begins.
        tokio::task::yield_now().await;
        self.ledger.made(method);
        if choices.random_bool(0.7) {
            let _ = self.ledger.told(method, call.await);
            return;
        }
        let patience = Duration::from_micros(choices.random_range(0..200));
        if let Ok(result) = tokio::time::timeout(patience, call).await {
            let _ = self.ledger.told(method, result);
        }
    }

    /// What is wrong with the counts, which are right when all calls have ended.
    fn compare(&self, scrape: &Scrape) -> Result<(), String> {
        let node = self.server.node().address();
        let of_type = format!("node=\"{node}\",type=\"Worker\"");
        for gauge in ["goverse_calls_in_flight", "goverse_calls_queued"] {
            let value = scrape.value(&format!("{gauge}{{{of_type}}}"));
            check(value == Some(0.0), || format!("{gauge} is {value:?}"))?;
        }
        let mut entries = self.ledger.entries();
        let unknown = entries.remove("a method of another type").unwrap_or_default();
        let (mut rejected, mut codes) = (0.0, BTreeMap::new());
        for (method, entry) in &entries {
            let labels = format!("{of_type},method=\"{method}\"");
            rejected += check_method(scrape, &labels, entry)?;
            for (code, told) in &entry.codes {
                *codes.entry(code).or_default() += *told as f64;
            }
        }
        let rejections = &scrape.families["goverse_call_rejections_total"].series;
        let of_type = rejections.iter().filter(|(series, _)| series.contains(&of_type));
        let counted: f64 = of_type.map(|(_, value)| value).sum();
        check(counted == rejected, || format!("{counted} codes of {rejected} rejected calls"))?;
        for (code, told) in codes {
            let series = format!(
                "goverse_call_rejections_total{{node=\"{node}\",type=\"Worker\",code=\"{code}\"}}"
            );
            let value = scrape.value(&series).unwrap_or_default();
            check(value >= told, || format!("{series} is {value}, callers know of {told}"))?;
        }
        let series = format!(
            "goverse_method_calls_total{{node=\"{node}\",type=\"other\",method=\"other\",status=\"rejected\"}}"
        );
        let value = scrape.value(&series);
        check(value == Some(unknown.made as f64), || format!("{series}: {value:?}, {unknown:?}"))
    }
}

/// Compares what is counted of a method with its entry; how many of its calls were rejected.
fn check_method(scrape: &Scrape, labels: &str, entry: &Entry) -> Result<f64, String> {
    let value = |series: String| scrape.value(&series).unwrap_or_default();
    let of_status =
        |status: &str| value(format!("goverse_method_calls_total{{{labels},status=\"{status}\"}}"));
    let ran: f64 = ["ok", "failed", "panicked", "cut_off"].map(of_status).iter().sum();
    let rejected = of_status("rejected");
    let counted = ran + of_status("cancelled") + rejected;
    let made = entry.made as f64;
    check(counted == made, || format!("{labels}: {counted} calls are counted, {made} were made"))?;
    // Of the calls that nobody waited for, each may have ended in any way.
    let untold = made - entry.told.values().sum::<u64>() as f64;
    for (status, told) in &entry.told {
        let (value, told) = (of_status(status), *told as f64);
        check((told..=told + untold).contains(&value), || {
            format!("{labels}: {value} calls are {status}; callers know of {told}, not of {untold}")
        })?;
    }
    if !labels.contains("\"other\"") {
        for histogram in ["goverse_method_call_duration_seconds", "goverse_method_queue_seconds"] {
            let count = value(format!("{histogram}_count{{{labels}}}"));
            check(count == ran, || format!("{labels}: {histogram} has {count} of {ran}"))?;
        }
    }
    Ok(rejected)
}

fn check(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_calls_received_are_the_sum_over_status() {
    quiet_panics_on_purpose();
    for round in 0..rounds() {
        let seed = 20_261_123 + round;
        println!("seed {seed}");
        one_round(seed).await;
    }
}

async fn one_round(seed: u64) {
    let watched = Arc::new([Watched::start().await, Watched::start().await]);
    let tasks = (0..32).map(|task| {
        let watched = Arc::clone(&watched);
        let mut choices = SmallRng::seed_from_u64(seed * 1_000 + task);
        tokio::spawn(async move {
            for _ in 0..200 {
                watched[choices.random_range(0..2)].call(&mut choices).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    for watched in watched.iter() {
        at_rest(watched, seed).await;
        at_the_end(watched, seed).await;
    }
}

/// Compares the counts as soon as the calls have ended that were let go of.
async fn at_rest(watched: &Watched, seed: u64) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while let Err(difference) = watched.compare(&Scrape::parse(&page(&watched.server).await)) {
        assert!(tokio::time::Instant::now() < deadline, "seed {seed}: {difference}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let statuses = watched.ledger.entries().remove(Work::NAME).unwrap().told;
    for status in ["ok", "failed", "panicked", "cut_off", "rejected"] {
        assert!(statuses.contains_key(status), "seed {seed}: no call was {status}: {statuses:?}");
    }
}

/// Calls of a node that has ended are counted too.
async fn at_the_end(watched: &Watched, seed: u64) {
    let node = watched.server.node();
    let _ = node.shutdown(Duration::from_secs(30)).await;
    let mut choices = SmallRng::seed_from_u64(seed);
    for _ in 0..100 {
        watched.call(&mut choices).await;
    }
    let page = Recorder::installed().unwrap().render(node.address().as_str());
    watched.compare(&Scrape::parse(&page)).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    let codes = &watched.ledger.entries()[Peek::NAME].codes;
    assert!(codes.contains_key("shutting_down"), "seed {seed}: {codes:?}");
}

#[tokio::test]
async fn a_call_is_on_the_page_when_it_is_answered() {
    let server = server().start().await.unwrap();
    let node = server.node().address();
    for calls in 1..=3 {
        server.node().reference::<Plain>("a").call(Touch).await.unwrap();
        let scrape = Scrape::parse(&page(&server).await);
        let labels = format!("node=\"{node}\",type=\"Plain\",method=\"touch\"");
        let status = format!("goverse_method_calls_total{{{labels},status=\"ok\"}}");
        let count = format!("goverse_method_call_duration_seconds_count{{{labels}}}");
        assert_eq!(
            [status, count].map(|series| scrape.value(&series)),
            [Some(f64::from(calls)); 2]
        );
    }
}
