//! The metrics of an async runtime, read from it when a page is made.
//!
//! They do not go through the facade, whose counters are whole numbers: busy time is a fraction.

use std::fmt::Write;

use goverse_metrics::Metric;
use goverse_metrics::catalogue as rows;
use tokio::runtime::{Handle, RuntimeMetrics};

use super::own::write_header;

/// How the value of a metric is read.
type Read = fn(&RuntimeMetrics) -> f64;

/// The metrics that this module writes.
const OWNED: &[(&Metric, Read)] = &[
    (&rows::RUNTIME_WORKERS, |runtime| runtime.num_workers() as f64),
    (&rows::RUNTIME_ALIVE_TASKS, |runtime| runtime.num_alive_tasks() as f64),
    (&rows::RUNTIME_GLOBAL_QUEUE_DEPTH, |runtime| runtime.global_queue_depth() as f64),
    (&rows::RUNTIME_BUSY_SECONDS_TOTAL, |runtime| {
        let busy = |worker| runtime.worker_total_busy_duration(worker).as_secs_f64();
        (0..runtime.num_workers()).map(busy).sum()
    }),
    (&rows::RUNTIME_PARKS_TOTAL, |runtime| {
        (0..runtime.num_workers()).map(|worker| runtime.worker_park_count(worker)).sum::<u64>()
            as f64
    }),
];

/// Whether `metric` is written here.
pub(super) fn owns(metric: &Metric) -> bool {
    OWNED.iter().any(|(owned, _)| owned.name == metric.name)
}

/// Writes the families of `runtime`; while it is not known they have no samples.
pub(super) fn render(runtime: Option<&Handle>, page: &mut String) {
    let runtime = runtime.map(Handle::metrics);
    for (metric, read) in OWNED {
        write_header(metric, page);
        if let Some(runtime) = &runtime {
            writeln!(page, "{} {}", metric.name, read(runtime))
                .expect("writing to a string cannot fail");
        }
    }
}
