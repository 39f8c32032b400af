//! One series updated by one thread, and by two at once: ours, the exporter's, and prometheus-client's.
//!
//! The exporter keeps every sample of a histogram until it is drained. Callers do not wait for that, but
//! somebody has to do it: it is in the CPU time, and not in the wall time.

use std::hint::black_box;
use std::sync::Arc;

use goverse_metrics::TypeMetrics;
use goverse_metrics::catalogue::{
    OBJECT_ACTIVATIONS_TOTAL, OBJECT_LIFETIME_SECONDS, OBJECTS_TOTAL,
};
use metrics::{Counter, Gauge, Histogram, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;
use prometheus_client::metrics as client;

use super::page::object;
use super::peers;
use crate::measure::{Cost, Runs, Work, in_turns};
use crate::report::{Figure, Report};

/// Samples for every bucket but the last, so that no branch is always right.
const SAMPLES: [f64; 8] = [0.003, 40.0, 0.7, 10_000.0, 4.0, 200.0, 0.05, 1.0];

/// Does that many operations on one series.
type Operate = Box<dyn Fn(u64) + Sync>;

/// One kind of update, by each of the contenders.
struct Update {
    name: &'static str,
    ours: Operate,
    exporter: Operate,
    client: Option<Operate>,
}

/// Measures every update with one thread, then with two.
pub fn run(report: &Report, runs: usize) {
    let exporter = peers::exporter();
    let upkeep = || exporter.handle().run_upkeep();
    let updates = updates(&peers::ours(), &exporter);
    for threads in [1, 2] {
        for update in &updates {
            update.measure(threads, report, runs, &upkeep);
        }
    }
}

fn updates(ours: &dyn Recorder, exporter: &PrometheusRecorder) -> [Update; 4] {
    let (counters, gauges) = (&OBJECT_ACTIVATIONS_TOTAL, &OBJECTS_TOTAL);
    let histograms = &OBJECT_LIFETIME_SECONDS;
    [
        Update {
            name: "counter increment",
            ours: increments(peers::counter(ours, counters)),
            exporter: increments(peers::counter(exporter, counters)),
            client: Some(client_increments()),
        },
        Update {
            name: "gauge +1 −1",
            ours: pairs(peers::gauge(ours, gauges)),
            exporter: pairs(peers::gauge(exporter, gauges)),
            client: Some(client_pairs()),
        },
        Update {
            name: "histogram sample",
            ours: samples(peers::histogram(ours, histograms)),
            exporter: samples(peers::histogram(exporter, histograms)),
            client: Some(client_samples(peers::buckets(histograms))),
        },
        Update {
            name: "an object's whole accounting",
            ours: accounts(ours),
            exporter: accounts(exporter),
            client: None,
        },
    ]
}

fn increments(counter: Counter) -> Operate {
    Box::new(move |operations| (0..operations).for_each(|_| black_box(&counter).increment(1)))
}

fn pairs(gauge: Gauge) -> Operate {
    Box::new(move |operations| {
        for _ in 0..operations {
            black_box(&gauge).increment(1.0);
            black_box(&gauge).decrement(1.0);
        }
    })
}

fn samples(histogram: Histogram) -> Operate {
    Box::new(move |operations| {
        for sample in SAMPLES.into_iter().cycle().take(operations as usize) {
            black_box(&histogram).record(sample);
        }
    })
}

/// The metrics of objects that come and go at once, as a node counts them.
fn accounts(recorder: &dyn Recorder) -> Operate {
    let new = || TypeMetrics::new(peers::NODE, "ChatRoom");
    let metrics = Arc::new(metrics::with_local_recorder(recorder, new));
    Box::new(move |operations| {
        (0..operations).for_each(|_| drop(object(black_box(&metrics))));
    })
}

fn client_increments() -> Operate {
    let counter = client::counter::Counter::<u64>::default();
    Box::new(move |operations| {
        for _ in 0..operations {
            black_box(&counter).inc();
        }
    })
}

fn client_pairs() -> Operate {
    let gauge = client::gauge::Gauge::<i64>::default();
    Box::new(move |operations| {
        for _ in 0..operations {
            black_box(&gauge).inc();
            black_box(&gauge).dec();
        }
    })
}

fn client_samples(buckets: &[f64]) -> Operate {
    let histogram = client::histogram::Histogram::new(buckets.iter().copied());
    Box::new(move |operations| {
        for sample in SAMPLES.into_iter().cycle().take(operations as usize) {
            black_box(&histogram).observe(sample);
        }
    })
}

// === impl Update ===

impl Update {
    fn measure(&self, threads: usize, report: &Report, runs: usize, upkeep: &dyn Fn()) {
        let plural = if threads == 1 { "" } else { "s" };
        let name = |time: &str| format!("{}, {threads} thread{plural}, {time}", self.name);
        let (wall, cpu) = (name("wall"), name("CPU"));
        if !report.wants(&wall) && !report.wants(&cpu) {
            return;
        }
        let tell = |ours: &[Cost], reference: &[Cost], reference_name| {
            for (name, value) in [(&wall, Cost::wall as fn(&Cost) -> f64), (&cpu, Cost::cpu)] {
                let reference = (reference_name, Runs::of(reference, value));
                report.add(&Figure::new(name, "ns", Runs::of(ours, value), reference));
            }
        };
        let ours = &mut contender(&self.ours, &|| {}, threads);
        let exporter = &mut contender(&self.exporter, upkeep, threads);
        if let Some(client) = &self.client {
            let client = &mut contender(client, &|| {}, threads);
            let [ours, exporter, client] = in_turns(runs, [ours, exporter, client]);
            tell(&ours, &exporter, "exporter");
            tell(&ours, &client, "prometheus-client");
        } else {
            let [ours, exporter] = in_turns(runs, [ours, exporter]);
            tell(&ours, &exporter, "exporter");
        }
    }
}

fn contender<'a>(
    operate: &'a Operate,
    settle: &'a dyn Fn(),
    threads: usize,
) -> impl FnMut() -> Cost + use<'a> {
    let work = Work { operate, settle };
    let operations = work.operations_per_run(threads);
    move || work.cost(threads, operations)
}
