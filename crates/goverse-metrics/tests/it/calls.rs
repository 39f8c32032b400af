//! A call is counted once, under how it ended, and only while it is there in the gauges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use goverse_metrics::{
    CallGuard, CallMetrics, CallStatus, MethodMetrics, PanicSite, RejectionCode, UnknownCallMetrics,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::guards::nonzero;

/// Makes the handles under a recorder of its own, runs `act`, and returns what is not 0.
fn check(act: impl FnOnce(&Arc<MethodMetrics>), expected: &[(&str, f64)]) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let method = metrics::with_local_recorder(&recorder, || {
        MethodMetrics::new("n1", "Room", "join", calls())
    });
    act(&Arc::new(method));
    assert_eq!(nonzero(&snapshotter), series(expected));
}

fn calls() -> Arc<CallMetrics> {
    Arc::new(CallMetrics::new("n1", "Room"))
}

fn series(expected: &[(&str, f64)]) -> BTreeMap<String, f64> {
    expected.iter().map(|(series, value)| ((*series).to_owned(), *value)).collect()
}

#[test]
fn a_call_is_in_flight_while_its_guard_lives() {
    let mut guards = Vec::new();
    check(
        |method| guards.extend((0..3).map(|_| CallGuard::begin(Arc::clone(method)))),
        &[("calls_in_flight", 3.0)],
    );
}

#[test]
fn a_call_that_waits_is_queued_until_it_waits_no_more() {
    let mut guards = Vec::new();
    check(
        |method| {
            guards.extend((0..3).map(|_| CallGuard::begin(Arc::clone(method))));
            for guard in &mut guards {
                guard.waits();
                guard.waits();
            }
            guards[0].waits_no_more();
            guards[0].waits_no_more();
        },
        &[("calls_queued", 2.0), ("calls_in_flight", 3.0)],
    );
}

#[test]
fn a_call_that_ran_is_counted_under_its_status_with_its_times() {
    for status in CallStatus::ALL {
        check(
            |method| CallGuard::begin(&**method).ran(*status, 0.0, 0.25),
            &[
                (&format!("method_calls_total/join/{}", status.as_str()), 1.0),
                ("method_queue_seconds/join", 1.0),
                ("method_call_duration_seconds/join", 1.0),
            ],
        );
    }
}

#[test]
fn the_time_in_the_queue_is_apart_from_the_time_of_the_run() {
    let recorder = DebuggingRecorder::new();
    let method = metrics::with_local_recorder(&recorder, || {
        MethodMetrics::new("n1", "Room", "join", calls())
    });
    CallGuard::begin(&method).ran(CallStatus::Ok, 2.0, 0.5);
    method.type_calls().activation_took(1.5);
    let expected = [
        ("goverse_method_call_duration_seconds", vec![0.5]),
        ("goverse_method_queue_seconds", vec![2.0]),
        ("goverse_object_activation_seconds", vec![1.5]),
    ];
    let expected = expected.map(|(name, samples)| (name.to_owned(), samples));
    assert_eq!(samples(&recorder.snapshotter()), BTreeMap::from(expected));
}

/// The samples of each histogram that has any.
fn samples(snapshotter: &Snapshotter) -> BTreeMap<String, Vec<f64>> {
    let values = snapshotter.snapshot().into_vec().into_iter();
    let samples = values.filter_map(|(key, _, _, value)| match value {
        DebugValue::Histogram(samples) => {
            let samples = samples.into_iter().map(|sample| sample.into_inner()).collect();
            Some((key.key().name().to_owned(), samples))
        }
        _ => None,
    });
    samples.filter(|(_, samples): &(_, Vec<_>)| !samples.is_empty()).collect()
}

#[test]
fn a_rejected_call_is_counted_by_code() {
    let codes = RejectionCode::ALL.iter().filter(|code| **code != RejectionCode::UnknownType);
    for code in codes {
        check(
            |method| CallGuard::begin(&**method).rejected(*code),
            &[
                ("method_calls_total/join/rejected", 1.0),
                (&format!("call_rejections_total/{}", code.as_str()), 1.0),
            ],
        );
    }
}

#[test]
fn a_call_whose_guard_is_dropped_is_cancelled() {
    check(
        |method| {
            CallGuard::begin(&**method).waits();
        },
        &[("method_calls_total/join/cancelled", 1.0)],
    );
}

#[test]
fn a_call_lost_in_a_panic_leaves_the_gauges_exact() {
    check(
        |method| {
            let method = Arc::clone(method);
            let lost = std::thread::spawn(move || {
                let mut call = CallGuard::begin(method);
                call.waits();
                panic!("on purpose");
            });
            assert!(lost.join().is_err());
        },
        &[("method_calls_total/join/cancelled", 1.0)],
    );
}

#[test]
fn panics_are_counted_by_site_and_long_turns_by_method() {
    for site in PanicSite::ALL {
        check(
            |method| {
                method.type_calls().panicked(*site);
                method.long_turn();
            },
            &[(&format!("panics_total/{}", site.as_str()), 1.0), ("long_turns_total/join", 1.0)],
        );
    }
}

#[test]
fn a_type_counts_a_rejection_apart_from_the_call() {
    check(
        |method| method.type_calls().rejected(RejectionCode::Overloaded),
        &[("call_rejections_total/overloaded", 1.0)],
    );
}

#[test]
fn every_series_is_there_from_the_start() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _method = metrics::with_local_recorder(&recorder, || {
        MethodMetrics::new("n1", "Room", "join", calls())
    });
    let statuses =
        CallStatus::VALUES.iter().map(|status| format!("method_calls_total/Room/join/{status}"));
    let codes = RejectionCode::VALUES.iter().filter(|code| **code != "unknown_type");
    let codes = codes.map(|code| format!("call_rejections_total/Room/{code}"));
    let sites = PanicSite::VALUES.iter().map(|site| format!("panics_total/Room/{site}"));
    let open = [
        "calls_in_flight/Room",
        "calls_queued/Room",
        "long_turns_total/Room/join",
        "method_call_duration_seconds/Room/join",
        "method_queue_seconds/Room/join",
        "object_activation_seconds/Room",
    ];
    let open = open.into_iter().map(str::to_owned);
    let expected: BTreeSet<String> = statuses.chain(codes).chain(sites).chain(open).collect();
    assert_eq!(registered(&snapshotter), expected);
}

/// Every series, with the values of its labels but for `node`.
fn registered(snapshotter: &Snapshotter) -> BTreeSet<String> {
    let keys = snapshotter.snapshot().into_vec().into_iter().map(|(key, ..)| key);
    let series = keys.map(|key| {
        let labels = key.key().labels().filter(|label| label.key() != "node");
        let labels: String = labels.map(|label| format!("/{}", label.value())).collect();
        format!("{}{labels}", key.key().name().trim_start_matches("goverse_"))
    });
    series.collect()
}

#[test]
fn unknown_methods_of_a_type_share_one_series() {
    let (recorder, calls) = (DebuggingRecorder::new(), calls());
    let snapshotter = recorder.snapshotter();
    let unknown =
        metrics::with_local_recorder(&recorder, || MethodMetrics::unknown("n1", "Room", calls));
    CallGuard::begin(&unknown).rejected(RejectionCode::UnknownMethod);
    assert_eq!(nonzero(&snapshotter), series(&[("method_calls_total/other/rejected", 1.0)]));
    let rejected = "method_calls_total/Room/other/rejected".to_owned();
    assert_eq!(registered(&snapshotter), BTreeSet::from([rejected]));
}

#[test]
fn an_unknown_method_is_counted_by_code_with_its_type() {
    let recorder = DebuggingRecorder::new();
    let unknown =
        metrics::with_local_recorder(&recorder, || MethodMetrics::unknown("n1", "Room", calls()));
    CallGuard::begin(&unknown).rejected(RejectionCode::UnknownMethod);
    let snapshotter = recorder.snapshotter();
    let expected =
        [("method_calls_total/other/rejected", 1.0), ("call_rejections_total/unknown_method", 1.0)];
    assert_eq!(nonzero(&snapshotter), series(&expected));
}

#[test]
fn calls_for_unknown_types_share_one_series() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let unknown = metrics::with_local_recorder(&recorder, || UnknownCallMetrics::new("n1"));
    let expected = [
        "call_rejections_total/other/unknown_type",
        "call_rejections_total/other/unreachable",
        "method_calls_total/other/other/rejected",
    ];
    assert!(registered(&snapshotter).iter().eq(&expected), "{:?}", registered(&snapshotter));
    for _ in 0..100 {
        unknown.rejected(RejectionCode::UnknownType);
    }
    let expected = [
        ("method_calls_total/other/rejected", 100.0),
        ("call_rejections_total/unknown_type", 100.0),
    ];
    assert_eq!(nonzero(&snapshotter), series(&expected));
}
