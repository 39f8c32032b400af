//! The `/metrics` page, beside the same series on the exporter's page.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use goverse_metrics::{
    ActivationFailure, DeactivationFailure, DeactivationReason, ObjectGuard, TypeMetrics,
};
use metrics::Recorder;

use super::peers;
use crate::measure::{Runs, in_turns, operations_per_run};
use crate::report::{Figure, Report};

/// How many registered types give a page of about that many series; below every cap of the catalogue.
const SIZES: [(&str, usize); 2] = [("1k", 31), ("10k", 312)];

/// Measures a page of each size.
pub fn run(report: &Report, runs: usize) {
    for (size, types) in SIZES {
        measure(size, types, report, runs);
    }
}

fn measure(size: &str, types: usize, report: &Report, runs: usize) {
    let name = |what: &str| format!("/metrics at {size} series, {what}");
    let (render, bytes, gzip) = (name("render"), name("bytes"), name("gzip bytes"));
    if ![&render, &bytes, &gzip].into_iter().any(|name| report.wants(name)) {
        return;
    }
    let (ours, exporter) = (peers::ours(), peers::exporter());
    let _living = [fill(&ours, types), fill(&exporter, types)];
    let exporter = exporter.handle();
    assert_same_series(&ours.render(peers::NODE), &exporter.render());
    let [ours, exporter] = in_turns(
        runs,
        [&mut rendering(&|| ours.render(peers::NODE)), &mut rendering(&|| exporter.render())],
    );
    let tell = |name: &str, unit, value: fn(&Page) -> f64| {
        let reference = ("exporter", Runs::of(&exporter, value));
        report.add(&Figure::new(name, unit, Runs::of(&ours, value), reference));
    };
    tell(&render, "ms", |page| page.render_ms);
    tell(&bytes, "B", |page| page.bytes);
    tell(&gzip, "B", |page| page.gzip_bytes);
}

/// What one page took.
struct Page {
    render_ms: f64,
    bytes: f64,
    gzip_bytes: f64,
}

fn rendering<'a>(render: &'a dyn Fn() -> String) -> impl FnMut() -> Page + use<'a> {
    let time = |pages| {
        let begun = Instant::now();
        (0..pages).for_each(|_| drop(render()));
        begun.elapsed()
    };
    let pages = operations_per_run(time);
    move || {
        let render_ms = time(pages).as_secs_f64() * 1e3 / pages as f64;
        let page = render();
        Page { render_ms, bytes: page.len() as f64, gzip_bytes: gzip_bytes(&page) as f64 }
    }
}

/// Registers so many types, with objects that live and objects that came to every kind of end.
///
/// The objects live as long as what is returned.
pub(super) fn fill(recorder: &dyn Recorder, types: usize) -> Vec<ObjectGuard> {
    metrics::with_local_recorder(recorder, || {
        goverse_metrics::describe();
        let names = (0..types).map(|number| format!("ChatRoom{number}"));
        let metrics = names.map(|name| Arc::new(TypeMetrics::new(peers::NODE, &name)));
        metrics.enumerate().flat_map(|(number, metrics)| exercise(&metrics, number)).collect()
    })
}

/// Objects of one type, the more the higher its `number`.
fn exercise(metrics: &Arc<TypeMetrics>, number: usize) -> Vec<ObjectGuard> {
    for reason in DeactivationReason::ALL.iter().cycle().take(number) {
        object(metrics).ends(*reason);
    }
    for code in ActivationFailure::ALL.iter().cycle().take(number / 2) {
        metrics.activation_failed(*code);
    }
    for code in DeactivationFailure::ALL.iter().cycle().take(number / 3) {
        metrics.deactivation_failed(*code);
    }
    (0..number).map(|_| object(metrics)).collect()
}

/// An object that is there.
pub(super) fn object(metrics: &Arc<TypeMetrics>) -> ObjectGuard {
    let guard = ObjectGuard::begin(Arc::clone(metrics));
    guard.succeed();
    guard
}

/// Both pages show the same series of every family that the exporter has.
///
/// Ours has some more: of the process, of the build, and of the page itself.
fn assert_same_series(ours: &str, exporter: &str) {
    let (mut ours, exporter) = (by_family(ours), by_family(exporter));
    ours.retain(|family, _| exporter.contains_key(family));
    assert_eq!(ours, exporter, "the pages are not of the same series");
}

/// The series of a page, without their values, by the name before their labels.
fn by_family(page: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut families = BTreeMap::<_, BTreeSet<_>>::new();
    for line in page.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (series, _value) = line.rsplit_once(' ').expect("a sample has a value");
        let family = series.split('{').next().unwrap_or_default();
        families.entry(family).or_default().insert(series);
    }
    families
}

/// The size of the page as the server sends it to who takes gzip.
fn gzip_bytes(page: &str) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(page.as_bytes());
    written.and_then(|()| encoder.finish()).expect("writing to memory cannot fail").len()
}
