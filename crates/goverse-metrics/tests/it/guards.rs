//! A guard counts its object exactly, however it ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use goverse_metrics::{
    ActivationFailure, DeactivationFailure, DeactivationReason, ObjectGuard, TypeMetrics,
    UnknownTypeMetrics,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// Makes the handles under a recorder of its own, runs `act`, and returns what is not 0.
fn check(act: impl FnOnce(&Arc<TypeMetrics>), expected: &[(&str, f64)]) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let metrics = metrics::with_local_recorder(&recorder, || TypeMetrics::new("n1", "Room"));
    act(&Arc::new(metrics));
    let expected: BTreeMap<String, f64> =
        expected.iter().map(|(series, value)| ((*series).to_owned(), *value)).collect();
    assert_eq!(nonzero(&snapshotter), expected);
}

pub(crate) fn nonzero(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        let labels = key.labels().filter(|label| !["node", "type"].contains(&label.key()));
        let labels: String = labels.map(|label| format!("/{}", label.value())).collect();
        let value = match value {
            DebugValue::Counter(value) => value as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(samples) => samples.len() as f64,
        };
        if value != 0.0 {
            values.insert(format!("{}{labels}", key.name().trim_start_matches("goverse_")), value);
        }
    }
    values
}

/// An object that is there.
pub(crate) fn object(metrics: &Arc<TypeMetrics>) -> ObjectGuard {
    let guard = ObjectGuard::begin(Arc::clone(metrics));
    guard.succeed();
    guard
}

#[test]
fn an_object_counts_while_its_guard_lives() {
    let mut guards = Vec::new();
    check(
        |metrics| guards.extend((0..3).map(|_| object(metrics))),
        &[("objects_total", 3.0), ("object_activations_total", 3.0)],
    );
}

#[test]
fn an_ended_object_is_counted_under_its_reason() {
    check(
        |metrics| {
            object(metrics).ends(DeactivationReason::Destroyed);
        },
        &[
            ("object_activations_total", 1.0),
            ("object_deactivations_total/destroyed", 1.0),
            ("object_lifetime_seconds", 1.0),
        ],
    );
}

#[test]
fn an_object_that_was_counted_out_is_not_once_more() {
    let mut guards = Vec::new();
    check(
        |metrics| {
            guards.extend((0..2).map(|_| object(metrics)));
            guards[0].ends(DeactivationReason::Idle);
            guards[0].end();
            guards[0].ends(DeactivationReason::Destroyed);
            drop(guards.remove(0));
        },
        &[
            ("objects_total", 1.0),
            ("object_activations_total", 2.0),
            ("object_deactivations_total/idle", 1.0),
            ("object_lifetime_seconds", 1.0),
        ],
    );
}

#[test]
fn a_guard_lost_in_a_panic_is_counted_as_dropped() {
    check(
        |metrics| {
            let metrics = Arc::clone(metrics);
            let lost = std::thread::spawn(move || {
                let _guard = object(&metrics);
                panic!("on purpose");
            });
            assert!(lost.join().is_err());
        },
        &[
            ("object_activations_total", 1.0),
            ("object_deactivations_total/dropped", 1.0),
            ("object_lifetime_seconds", 1.0),
        ],
    );
}

#[test]
fn an_attempt_that_is_dropped_counts_as_abandoned() {
    check(
        |metrics| drop(ObjectGuard::begin(metrics)),
        &[("object_activation_failures_total/abandoned", 1.0)],
    );
}

#[test]
fn failures_are_counted_by_code() {
    check(
        |metrics| {
            ObjectGuard::begin(metrics).fail(ActivationFailure::Panicked);
            metrics.deactivation_failed(DeactivationFailure::TimedOut);
        },
        &[
            ("object_activation_failures_total/activation_panicked", 1.0),
            ("object_deactivation_failures_total/deactivation_timed_out", 1.0),
        ],
    );
}

#[test]
fn unknown_types_share_one_series() {
    let recorder = DebuggingRecorder::new();
    let unknown = metrics::with_local_recorder(&recorder, || UnknownTypeMetrics::new("n1"));
    for _ in 0..100 {
        unknown.refused();
    }
    let expected = [("object_activation_failures_total/unknown_type".to_owned(), 100.0)];
    assert_eq!(nonzero(&recorder.snapshotter()), BTreeMap::from(expected));
}

#[test]
fn handles_made_before_the_recorder_stay_silent() {
    let early = Arc::new(TypeMetrics::new("n1", "Room"));
    let recorder = DebuggingRecorder::new();
    let _guard = metrics::with_local_recorder(&recorder, || object(&early));
    assert_eq!(nonzero(&recorder.snapshotter()), BTreeMap::new());
}
