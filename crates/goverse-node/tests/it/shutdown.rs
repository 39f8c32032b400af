//! A shutdown deactivates everything with its hook, or says what it could not.

use std::time::Duration;

use goverse_core::ErrorCode;
use goverse_node::Drained;

use crate::fixture::{observed, observed_with, until};

const PATIENT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_object_is_deactivated_with_its_hook() {
    let observed = observed();
    for index in 0..1_000 {
        let mood = ["", "end-waits", "end-fails", "end-panics"][index % 4];
        observed.node.create_object("Moody", &format!("{index} {mood}")).await.unwrap();
    }
    let drained = observed.node.shutdown(PATIENT).await;
    assert_eq!(drained, Drained { deactivated: 1_000, cut_off: 0, left: 0 });
    let reported = observed.reported();
    assert_eq!(reported.get("objects_total Moody"), None, "{reported:?}");
    assert_eq!(reported["object_deactivations_total Moody shutdown"], 1_000.0);
    assert_eq!(reported["object_deactivation_failures_total Moody deactivation_failed"], 250.0);
    assert_eq!(reported["object_deactivation_failures_total Moody deactivation_panicked"], 250.0);
    let error = observed.node.create_object("Moody", "late").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ShuttingDown);
}

/// Objects whose hooks all wait for each other: they end only if their hooks run beside each other.
struct Together(std::sync::Arc<tokio::sync::Barrier>);

impl goverse_node::Object for Together {
    const TYPE: &'static str = "Together";

    async fn on_deactivate(
        &mut self,
        _: &goverse_node::Ctx,
        _: goverse_node::DeactivationReason,
    ) -> Result<(), goverse_node::HookError> {
        self.0.wait().await;
        Ok(())
    }
}

#[tokio::test]
async fn hooks_of_many_objects_run_beside_each_other() {
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(200));
    let observed = observed_with(|node| node.object_with(move || Together(barrier.clone())));
    for index in 0..200 {
        observed.node.create_object("Together", &index.to_string()).await.unwrap();
    }
    let drained = observed.node.shutdown(PATIENT).await;
    assert_eq!(drained, Drained { deactivated: 200, cut_off: 0, left: 0 });
}

#[tokio::test]
async fn hooks_that_hang_are_cut_off_at_the_limit() {
    let observed = observed();
    for index in 0..600 {
        observed.node.create_object("Moody", &format!("{index} end-hangs")).await.unwrap();
    }
    observed.node.create_object("Moody", "well").await.unwrap();
    let drained = observed.node.shutdown(Duration::from_millis(50)).await;
    assert_eq!(drained.cut_off + drained.deactivated, 601, "{drained:?}");
    assert!(drained.cut_off >= 600 && drained.left == 0, "{drained:?}");
    let reported = observed.reported();
    assert_eq!(reported.get("objects_total Moody"), None, "{reported:?}");
    let timed_out = reported["object_deactivation_failures_total Moody deactivation_timed_out"];
    assert_eq!(timed_out, drained.cut_off as f64);
}

#[tokio::test]
async fn two_shutdowns_at_once_both_end_at_the_last_change() {
    let observed = observed();
    observed.node.create_object("Moody", "end-waits").await.unwrap();
    // The only object ends by another way, so that its end is the one change that both wait for.
    let destroy = observed.node.destroy_object("Moody", "end-waits");
    let (first, second) = (observed.node.shutdown(PATIENT), observed.node.shutdown(PATIENT));
    let ended = async { tokio::join!(destroy, first, second) };
    let (destroyed, first, second) =
        tokio::time::timeout(PATIENT / 6, ended).await.expect("neither waits for its limit");
    destroyed.unwrap();
    assert_eq!((first, second), (Drained::default(), Drained::default()));
}

#[tokio::test]
async fn a_shutdown_that_is_cut_off_tells_of_all() {
    let observed = observed();
    for index in 0..1_000 {
        let mood = if index % 2 == 0 { "end-hangs" } else { "" };
        observed.node.create_object("Moody", &format!("{index} {mood}")).await.unwrap();
    }
    let mut shutdown = std::pin::pin!(observed.node.shutdown(PATIENT));
    let begun = tokio::time::timeout(Duration::from_millis(20), &mut shutdown).await;
    assert!(begun.is_err(), "hooks hang");
    observed.node.cut_off();
    let drained = tokio::time::timeout(PATIENT / 6, shutdown).await.expect("it ends at once");
    assert_eq!((drained.deactivated + drained.cut_off, drained.left), (1_000, 0), "{drained:?}");
    assert!(drained.deactivated > 0 && drained.cut_off >= 500, "{drained:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_whose_activation_blocks_past_the_limit_does_not_come_to_be() {
    static GO_ON: std::sync::Barrier = std::sync::Barrier::new(2);
    #[derive(Default)]
    struct Blocking;
    impl goverse_node::Object for Blocking {
        const TYPE: &'static str = "Blocking";

        async fn on_activate(
            &mut self,
            _: &goverse_node::Ctx,
        ) -> Result<(), goverse_node::HookError> {
            tokio::task::yield_now().await;
            GO_ON.wait();
            GO_ON.wait();
            Ok(())
        }
    }
    impl Drop for Blocking {
        fn drop(&mut self) {
            panic!("and its drop panics, on purpose");
        }
    }

    let observed = observed_with(|node| node.object::<Blocking>());
    let node = observed.node.clone();
    let creating = tokio::spawn(async move { node.create_object("Blocking", "a").await });
    tokio::task::spawn_blocking(|| GO_ON.wait()).await.unwrap();
    let drained = observed.node.shutdown(Duration::from_millis(20)).await;
    assert_eq!(drained, Drained { deactivated: 0, cut_off: 0, left: 1 });
    tokio::task::spawn_blocking(|| GO_ON.wait()).await.unwrap();
    assert_eq!(creating.await.unwrap().unwrap_err().code(), ErrorCode::ShuttingDown);
    assert_eq!(observed.gauge_and_listing("Blocking"), (0.0, 0));
}

#[tokio::test]
async fn a_hook_that_is_cut_off_counts_though_the_drop_panics_too() {
    let observed = observed();
    observed.node.create_object("Moody", "end-hangs drop-panics").await.unwrap();
    let drained = observed.node.shutdown(Duration::from_millis(20)).await;
    assert_eq!(drained, Drained { deactivated: 0, cut_off: 1, left: 0 });
    assert_eq!(observed.gauge_and_listing("Moody"), (0.0, 0));
}

#[tokio::test]
async fn an_activation_under_way_is_waited_for_and_deactivated() {
    let observed = observed();
    let node = observed.node.clone();
    let creating = tokio::spawn(async move { node.create_object("Moody", "start-waits").await });
    tokio::task::yield_now().await;
    let drained = observed.node.shutdown(PATIENT).await;
    creating.await.unwrap().unwrap();
    assert_eq!(drained, Drained { deactivated: 1, cut_off: 0, left: 0 });
    assert_eq!(observed.gauge_and_listing("Moody"), (0.0, 0));
}

#[tokio::test]
async fn an_activation_that_hangs_is_given_up_at_the_limit() {
    let observed = observed();
    let node = observed.node.clone();
    let creating = tokio::spawn(async move { node.create_object("Moody", "start-hangs").await });
    tokio::task::yield_now().await;
    let drained = observed.node.shutdown(Duration::from_millis(20)).await;
    assert_eq!(drained, Drained::default());
    assert_eq!(creating.await.unwrap().unwrap_err().code(), ErrorCode::ShuttingDown);
    let failures = observed.reported()["object_activation_failures_total Moody shutting_down"];
    assert_eq!(failures, 1.0);
}

#[tokio::test]
async fn a_shutdown_that_is_dropped_leaves_the_counts_exact() {
    let observed = observed();
    for index in 0..600 {
        observed.node.create_object("Moody", &format!("{index} end-waits")).await.unwrap();
    }
    let begun =
        tokio::time::timeout(Duration::from_micros(100), observed.node.shutdown(PATIENT)).await;
    drop(begun);
    let drained = observed.node.shutdown(PATIENT).await;
    assert_eq!((drained.cut_off, drained.left), (0, 0));
    until("all are gone", || observed.node.count_by_type().values().all(|count| *count == 0)).await;
    assert_eq!(observed.gauge_and_listing("Moody"), (0.0, 0));
}

#[tokio::test]
async fn a_node_that_is_dropped_takes_its_objects_out_of_the_gauge() {
    let observed = observed();
    observed.node.create_object("Plain", "a").await.unwrap();
    assert_eq!(observed.reported()["objects_total Plain"], 1.0);
    let reported = observed.after_drop();
    assert_eq!(reported["objects_total Plain"], -1.0, "the change since it was last asked");
    assert_eq!(reported["object_deactivations_total Plain dropped"], 1.0);
}

#[tokio::test]
async fn objects_whose_drop_panics_leave_the_gauge_too() {
    let observed = observed();
    for index in 0..1_000 {
        observed.node.create_object("Moody", &format!("{index} drop-panics")).await.unwrap();
    }
    assert_eq!(observed.reported()["objects_total Moody"], 1_000.0);
    let reported = observed.after_drop();
    assert_eq!(reported["objects_total Moody"], -1_000.0, "the change since it was last asked");
}
