//! What is refused says so by type, code and text, and leaves every count as it was.

use std::collections::BTreeMap;

use goverse_core::ErrorCode;
use goverse_node::{BuildError, Node, ObjectError};

use crate::fixture::{Plain, observed, observed_with, until};

type Reported<'a> = &'a [(&'a str, f64)];

async fn check(
    type_name: &str,
    id: &str,
    expected: ErrorCode,
    message: &str,
    reported: Reported<'_>,
) {
    let observed = observed();
    let error = observed.node.create_object(type_name, id).await.expect_err(id);
    assert_eq!(error.code(), expected, "{id:?}");
    assert!(error.to_string().contains(message), "{error}");
    let expected: BTreeMap<String, f64> =
        reported.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    assert_eq!(observed.reported(), expected, "{id:?}");
    assert_eq!(observed.node.count_by_type().values().sum::<usize>(), 0);
}

#[tokio::test]
async fn a_refused_creation_says_why_and_counts_nothing_else() {
    const FAILURES: &str = "object_activation_failures_total";
    let unknown = format!("{FAILURES} other unknown_type");
    let failed = format!("{FAILURES} Moody activation_failed");
    let panicked = format!("{FAILURES} Moody activation_panicked");
    let unborn = format!("{FAILURES} Unborn activation_panicked");
    check("Nope", "a", ErrorCode::UnknownType, "it has: Moody, Plain, Unborn", &[(&unknown, 1.0)])
        .await;
    check(&"x".repeat(1 << 20), "a", ErrorCode::UnknownType, "xxx", &[(&unknown, 1.0)]).await;
    check("Plain", "", ErrorCode::InvalidId, "object id is empty", &[]).await;
    check("Plain", &"x".repeat(1 << 20), ErrorCode::InvalidId, "at most 512", &[]).await;
    check("Plain", "a\nb", ErrorCode::InvalidId, "'\\n'", &[]).await;
    check("Moody", "start-fails", ErrorCode::ActivationFailed, "Moody failed", &[(&failed, 1.0)])
        .await;
    check(
        "Moody",
        "start-waits start-fails",
        ErrorCode::ActivationFailed,
        "failed",
        &[(&failed, 1.0)],
    )
    .await;
    check(
        "Moody",
        "start-panics",
        ErrorCode::ActivationPanicked,
        "on purpose",
        &[(&panicked, 1.0), ("panics_total Moody activation", 1.0)],
    )
    .await;
    check(
        "Unborn",
        "a",
        ErrorCode::ActivationPanicked,
        "never born",
        &[(&unborn, 1.0), ("panics_total Unborn activation", 1.0)],
    )
    .await;
}

#[tokio::test]
async fn an_id_is_taken_once() {
    let observed = observed();
    observed.node.create_object("Plain", "a").await.unwrap();
    let error = observed.node.create_object("Plain", "a").await.unwrap_err();
    assert!(matches!(error, ObjectError::AlreadyExists { .. }), "{error}");
    observed.node.create_object("Moody", "a").await.unwrap();
    assert_eq!(observed.gauge_and_listing("Plain"), (1.0, 1));
}

#[tokio::test]
async fn a_failed_activation_leaves_its_id_free() {
    let observed = observed();
    for _ in 0..2 {
        let error = observed.node.create_object("Moody", "start-fails").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ActivationFailed);
    }
}

#[tokio::test]
async fn an_object_that_ends_badly_is_gone_all_the_same() {
    let cases = [
        ("end-fails", ErrorCode::DeactivationFailed),
        ("end-waits end-panics", ErrorCode::DeactivationPanicked),
        ("drop-panics", ErrorCode::DeactivationPanicked),
    ];
    for (id, expected) in cases {
        let observed = observed();
        observed.node.create_object("Moody", id).await.unwrap();
        let error = observed.node.destroy_object("Moody", id).await.expect_err(id);
        assert_eq!(error.code(), expected, "{id}");
        let reported = observed.reported();
        let code = format!("object_deactivation_failures_total Moody {expected}");
        assert_eq!(reported.get(&code), Some(&1.0), "{reported:?}");
        assert_eq!(reported.get("object_deactivations_total Moody destroyed"), Some(&1.0));
        assert_eq!(reported.get("objects_total Moody"), None, "{reported:?}");
        assert!(observed.node.find("Moody", id).is_none());
        let error = observed.node.destroy_object("Moody", id).await.expect_err(id);
        assert_eq!(error.code(), ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn an_activation_goes_on_without_its_caller() {
    let observed = observed();
    let create = observed.node.create_object("Moody", "start-waits");
    let gone = tokio::time::timeout(std::time::Duration::ZERO, create).await;
    assert!(gone.is_err(), "the hook waits longer than that");
    until("the object is there", || observed.node.find("Moody", "start-waits").is_some()).await;
    assert_eq!(observed.gauge_and_listing("Moody"), (1.0, 1));
}

#[test]
fn a_node_needs_names_that_are_valid_and_differ() {
    let builder = || Node::builder("localhost:47000".parse().unwrap());
    let error = builder().object::<Plain>().object::<Plain>().build().unwrap_err();
    assert!(matches!(error, BuildError::DuplicateType(_)), "{error}");

    struct Misnamed;
    impl goverse_node::Object for Misnamed {
        const TYPE: &'static str = "no spaces";
    }
    let error = builder().object_with(|| Misnamed).build().unwrap_err();
    assert!(error.to_string().contains("\"no spaces\" has the character ' '"), "{error}");
}

#[tokio::test]
async fn a_hook_that_panics_before_it_waits_is_caught_too() {
    #[derive(Default)]
    struct Sudden;
    impl goverse_node::Object for Sudden {
        const TYPE: &'static str = "Sudden";

        #[allow(clippy::manual_async_fn, reason = "it panics before there is a future")]
        fn on_deactivate(
            &mut self,
            _: &goverse_node::Ctx,
            _: goverse_node::DeactivationReason,
        ) -> impl Future<Output = Result<(), goverse_node::HookError>> + Send {
            if self.is_sudden() {
                panic!("at once");
            }
            async { Ok(()) }
        }
    }
    impl Sudden {
        fn is_sudden(&self) -> bool {
            true
        }
    }

    let observed = observed_with(|node| node.object::<Sudden>());
    observed.node.create_object("Sudden", "a").await.unwrap();
    let error = observed.node.destroy_object("Sudden", "a").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DeactivationPanicked);
    let panicked = "object_deactivation_failures_total Sudden deactivation_panicked";
    assert_eq!(observed.reported()[panicked], 1.0);
}

#[tokio::test]
async fn destroying_an_unknown_type_is_no_failed_activation() {
    let observed = observed();
    let error = observed.node.destroy_object("Nope", "a").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnknownType);
    assert_eq!(observed.reported(), BTreeMap::new());
}
