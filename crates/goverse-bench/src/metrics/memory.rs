//! Memory over ten million histogram samples that nobody reads, each time in a process of its own.

use clap::ValueEnum;
use goverse_metrics::catalogue::OBJECT_LIFETIME_SECONDS;
use metrics::Recorder;

use super::peers;
use crate::measure::{Runs, in_turns};
use crate::process::{printed_by_child, resident_bytes};
use crate::report::{Figure, Report};

const SAMPLES: u32 = 10_000_000;
const NAME: &str = "memory growth over 10M samples without a scrape";

/// The option that makes this program a [`child`].
pub const CHILD_OPTION: &str = "memory-growth-of";

/// Whose samples a child process records.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Contender {
    /// Our recorder.
    Ours,
    /// The exporter's, without the upkeep that it leaves to others.
    Exporter,
}

/// Measures where the system tells how much memory a process has.
pub fn run(report: &Report, runs: usize) {
    if report.wants(NAME) && resident_bytes().is_some() {
        let [ours, exporter] =
            in_turns(runs, [&mut || in_a_child("ours"), &mut || in_a_child("exporter")]);
        let reference = ("exporter", Runs::new(exporter));
        report.add(&Figure::new(NAME, "MiB", Runs::new(ours), reference));
    }
}

/// What a child process does: records the samples, and prints by how many MiB the process grew.
pub fn child(contender: Contender) {
    match contender {
        Contender::Ours => record(&peers::ours()),
        Contender::Exporter => record(&peers::exporter()),
    }
}

fn record(recorder: &dyn Recorder) {
    let histogram = peers::histogram(recorder, &OBJECT_LIFETIME_SECONDS);
    histogram.record(0.0);
    let resident = || resident_bytes().expect("the parent has looked");
    let before = resident();
    (0..SAMPLES).for_each(|number| histogram.record(f64::from(number % 1_000)));
    println!("{}", (resident() as f64 - before as f64) / f64::from(1 << 20));
}

fn in_a_child(contender: &str) -> f64 {
    printed_by_child(&format!("--{CHILD_OPTION}={contender}"))
}
