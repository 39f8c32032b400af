//! The gauge equals the listing, whatever became of creates, destroys, hooks and callers in between.

use std::sync::Arc;
use std::time::Duration;

use goverse_node::{Ctx, DeactivationReason, HookError, Object};
use goverse_server::{Recorder, Server};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::fixture::{Plain, config, get, page, port};
use crate::scrape::Scrape;

/// How many rounds to run: 1, or what a soak asks for.
pub(crate) fn rounds() -> u64 {
    std::env::var("GOVERSE_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

/// Thousands of panics on purpose would bury the one that matters.
pub(crate) fn quiet_panics_on_purpose() {
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("on purpose") {
            eprintln!("{info}");
        }
    }));
}

/// An object whose hooks wait, fail or panic, by a seed in its id.
#[derive(Default)]
struct Fickle;

impl Object for Fickle {
    const TYPE: &'static str = "Fickle";

    async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
        fickle(cx, 0).await
    }

    async fn on_deactivate(&mut self, cx: &Ctx, _: DeactivationReason) -> Result<(), HookError> {
        fickle(cx, 1).await
    }
}

async fn fickle(cx: &Ctx, hook: u64) -> Result<(), HookError> {
    let seed: u64 =
        cx.id().as_str().split('-').next_back().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let mut choices = SmallRng::seed_from_u64(seed * 2 + hook);
    for _ in 0..choices.random_range(0..4) {
        tokio::task::yield_now().await;
    }
    match choices.random_range(0..10) {
        0 => Err("on purpose".into()),
        1 => panic!("on purpose"),
        _ => Ok(()),
    }
}

/// Creates and destroys few ids very often, and lets go of a part of the calls half-way.
async fn abuse(servers: Arc<Vec<Server>>, seed: u64, steps: usize) {
    let mut choices = SmallRng::seed_from_u64(seed);
    for _ in 0..steps {
        let node = servers[choices.random_range(0..servers.len())].node();
        let type_name = ["Fickle", "Fickle", "Plain", "Nope"][choices.random_range(0..4)];
        let id = format!("object-{}", choices.random_range(0..300));
        let patience = Duration::from_micros(choices.random_range(0..200));
        let is_create = choices.random_bool(0.6);
        let call = async {
            if is_create {
                let _ = node.create_object(type_name, &id).await;
            } else {
                let _ = node.destroy_object(type_name, &id).await;
            }
        };
        if choices.random_bool(0.3) {
            let _ = tokio::time::timeout(patience, call).await;
        } else {
            call.await;
        }
    }
}

/// What the gauges say, as the page of each node shows them, beside what the listings say.
async fn compare(servers: &[Server]) -> Result<usize, String> {
    let mut all = 0;
    for server in servers {
        let scrape = Scrape::parse(&page(server).await);
        let listing = get(port(server), "/objects?limit=0").await.json();
        for (type_name, count) in listing["types"].as_object().unwrap() {
            let node = server.node().address();
            let series = format!("goverse_objects_total{{node=\"{node}\",type=\"{type_name}\"}}");
            let (gauge, listed) = (scrape.value(&series).unwrap(), count.as_f64().unwrap());
            if gauge != listed {
                return Err(format!("{series} is {gauge}, the listing has {listed}"));
            }
            all += listed as usize;
            let sum = |name: &str| -> f64 {
                let of_type = format!("node=\"{node}\",type=\"{type_name}\"");
                let series = scrape.families[name].series.iter();
                series.filter(|(series, _)| series.contains(&of_type)).map(|(_, value)| value).sum()
            };
            let (began, ended) =
                ("goverse_object_activations_total", "goverse_object_deactivations_total");
            if sum(began) - sum(ended) != gauge {
                return Err(format!("{series}: {} activated, {} ended", sum(began), sum(ended)));
            }
        }
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_the_gauge_equals_the_listing_after_abuse_and_is_zero_after_shutdown() {
    quiet_panics_on_purpose();
    for round in 0..rounds() {
        let seed = 20_261_122 + round;
        println!("seed {seed}");
        one_round(seed).await;
    }
}

async fn one_round(seed: u64) {
    let mut servers = Vec::new();
    for _ in 0..3 {
        let server = Server::builder(config()).object::<Fickle>().object::<Plain>();
        servers.push(server.start().await.unwrap());
    }
    let servers = Arc::new(servers);
    let tasks: Vec<_> = (0..32)
        .map(|task| tokio::spawn(abuse(Arc::clone(&servers), seed * 1_000 + task, 400)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let objects = loop {
        // Calls that were let go of are still ending.
        match compare(&servers).await {
            Ok(objects) => break objects,
            Err(difference) => {
                assert!(tokio::time::Instant::now() < deadline, "seed {seed}: {difference}")
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(objects > 100, "seed {seed}: {objects} objects are left to shut down");
    shut_down(&servers, seed).await;
}

async fn shut_down(servers: &[Server], seed: u64) {
    let recorder = Recorder::installed().unwrap();
    for server in servers {
        let node = server.node().address();
        let drained = server.node().shutdown(Duration::from_secs(30)).await;
        assert_eq!((drained.cut_off, drained.left), (0, 0), "seed {seed}");
        let scrape = Scrape::parse(&recorder.render(node.as_str()));
        for (series, value) in &scrape.families["goverse_objects_total"].series {
            assert_eq!(*value, 0.0, "seed {seed}: {series}");
        }
    }
}
