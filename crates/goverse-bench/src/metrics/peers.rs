//! The recorders that are compared: ours, and the bare exporter that it wraps.

use goverse_metrics::{CATALOGUE, Kind, Metric};
use goverse_server::Recorder;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

/// The label `node` of every series in these benches.
pub(super) const NODE: &str = "localhost:47000";

/// Registrations with this target are GoVerse's own: our recorder gives them its sharded cells.
const METADATA: Metadata<'static> = Metadata::new(goverse_metrics::TARGET, Level::INFO, None);

/// Our recorder, not installed.
pub(super) fn ours() -> Recorder {
    Recorder::builder().build().expect("no buckets are chosen, so none can be wrong")
}

/// The exporter's recorder, with the buckets of the catalogue.
pub(super) fn exporter() -> PrometheusRecorder {
    let mut builder = PrometheusBuilder::new();
    for metric in CATALOGUE {
        if let Kind::Histogram { buckets } = metric.kind {
            let name = Matcher::Full(metric.name.to_owned());
            let with_buckets = builder.set_buckets_for_metric(name, buckets);
            builder = with_buckets.expect("a histogram of the catalogue has buckets");
        }
    }
    builder.build_recorder()
}

/// A handle of one series of `metric`, without the typed handle around it.
pub(super) fn counter(recorder: &dyn metrics::Recorder, metric: &Metric) -> Counter {
    recorder.register_counter(&key(metric), &METADATA)
}

/// As [`counter`], a gauge.
pub(super) fn gauge(recorder: &dyn metrics::Recorder, metric: &Metric) -> Gauge {
    recorder.register_gauge(&key(metric), &METADATA)
}

/// As [`counter`], a histogram.
pub(super) fn histogram(recorder: &dyn metrics::Recorder, metric: &Metric) -> Histogram {
    recorder.register_histogram(&key(metric), &METADATA)
}

/// The upper bounds of a histogram's buckets.
pub(super) fn buckets(metric: &Metric) -> &'static [f64] {
    match metric.kind {
        Kind::Histogram { buckets } => buckets,
        _ => &[],
    }
}

fn key(metric: &Metric) -> Key {
    let labels = metric.labels.iter().map(|label| Label::new(label.name, NODE));
    Key::from_parts(metric.name.to_owned(), labels.collect::<Vec<_>>())
}
