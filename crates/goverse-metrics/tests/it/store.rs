//! Operations of a store are counted once each, however they end.

use goverse_metrics::{
    AfterCommitMetrics, AfterCommitOutcome, ConflictKind, RepeatedCallMetrics, StoreKind,
    StoreMetrics, StoreOperation, StoreStatus,
};
use metrics_util::debugging::DebuggingRecorder;

use crate::guards::nonzero;

/// Makes handles under a recorder of its own, runs `act`, and compares what is not 0.
fn check<H>(make: impl FnOnce() -> H, act: impl FnOnce(&H), expected: &[(&str, f64)]) {
    let recorder = DebuggingRecorder::new();
    let handles = metrics::with_local_recorder(&recorder, make);
    act(&handles);
    let expected = expected.iter().map(|(series, value)| ((*series).to_owned(), *value));
    assert_eq!(nonzero(&recorder.snapshotter()), expected.collect());
}

fn store() -> StoreMetrics {
    StoreMetrics::new("n1", "sqlite")
}

#[test]
fn an_operation_is_counted_under_its_status_with_its_time() {
    for operation in StoreOperation::ALL {
        for status in StoreStatus::ALL {
            let (operation_name, status_name) = (operation.as_str(), status.as_str());
            check(
                store,
                |store| store.begin(*operation).ends(*status),
                &[
                    (&format!("store_operations_total/sqlite/{operation_name}/{status_name}"), 1.0),
                    (&format!("store_operation_duration_seconds/sqlite/{operation_name}"), 1.0),
                ],
            );
        }
    }
}

#[test]
fn an_operation_whose_guard_is_dropped_is_cancelled() {
    check(
        store,
        |store| drop(store.begin(StoreOperation::Save)),
        &[
            ("store_operations_total/sqlite/save/cancelled", 1.0),
            ("store_operation_duration_seconds/sqlite/save", 1.0),
        ],
    );
}

#[test]
fn what_else_a_store_tells() {
    check(
        store,
        |store| {
            store.conflict(ConflictKind::Version);
            store.conflict(ConflictKind::Fence);
            store.batch(17);
            store.written(100);
            store.read(50);
            store.swept(3);
            store.set_save_lag(1.5);
        },
        &[
            ("store_conflicts_total/sqlite/version", 1.0),
            ("store_conflicts_total/sqlite/fence", 1.0),
            ("store_batch_size/sqlite", 1.0),
            ("store_written_bytes_total/sqlite", 100.0),
            ("store_read_bytes_total/sqlite", 50.0),
            ("store_swept_rows_total/sqlite", 3.0),
            ("store_save_lag_seconds/sqlite", 1.5),
        ],
    );
}

#[test]
fn stores_of_others_share_one_label() {
    assert_eq!(StoreKind::of("postgres"), StoreKind::Postgres);
    assert_eq!(StoreKind::of("my store"), StoreKind::Other);
}

#[test]
fn repeated_and_after_commit_calls_are_counted() {
    check(
        || RepeatedCallMetrics::new("n1", "Wallet"),
        RepeatedCallMetrics::deduplicated,
        &[("calls_deduplicated_total", 1.0)],
    );
    check(
        || AfterCommitMetrics::new("n1"),
        |calls| {
            AfterCommitOutcome::ALL.iter().for_each(|outcome| calls.attempted(*outcome));
            calls.set_pending(4, 2.5);
        },
        &[
            ("after_commit_attempts_total/delivered", 1.0),
            ("after_commit_attempts_total/retried", 1.0),
            ("after_commit_attempts_total/dead", 1.0),
            ("after_commit_pending", 4.0),
            ("after_commit_oldest_seconds", 2.5),
        ],
    );
}
