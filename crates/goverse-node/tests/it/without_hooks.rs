//! Objects without hooks come and go as those with hooks do: the same table of tests for each kind.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use goverse_core::ErrorCode;
use goverse_node::{
    Addressed, Caller, Ctx, DeactivationReason, Drained, HookError, Method, MethodEntry, Never,
    NoArguments, Object, ObjectError, ObjectRef, Timer, TypeSettings,
};
use tokio::sync::{Barrier, Semaphore};

use crate::fixture::{Observed, observed_with, until};
use crate::stage::{quiet_about_panics_on_purpose, soon};

const PATIENT: Duration = Duration::from_secs(30);

/// What a test plans, and what objects tell it. It lives for ever, so that a reference to it is nothing to drop.
struct Plan {
    constructor_panics: AtomicBool,
    drop_panics: AtomicBool,
    made: AtomicU64,
    alive: AtomicI64,
    alive_max: AtomicI64,
    held: AtomicU64,
    go_on: Semaphore,
    timer: Mutex<Option<Timer>>,
    /// Blocks the thread of a constructor twice, if it is there.
    blocks: Option<std::sync::Barrier>,
}

/// A kind of object: how it is made of a plan.
trait Kind: Object + Addressed<Ref = ObjectRef<Self>> {
    /// Whether it tells when it goes.
    const IS_DROPPED: bool;

    fn new(plan: &'static Plan) -> Self;

    fn plan(&self) -> &'static Plan;
}

/// With hooks, which do nothing.
struct Hooked(&'static Plan);

/// Without hooks, and with a drop of its own.
struct Bare(&'static Plan);

/// Without hooks and without anything to drop.
struct Flat(&'static Plan);

/// Tells how many objects were made; a method that does not wait.
struct Count<K>(PhantomData<fn(K)>);

/// Waits until the test lets it go on.
struct Hold<K>(PhantomData<fn(K)>);

/// Sets a timer that calls `Count` every millisecond.
struct Tick<K>(PhantomData<fn(K)>);

macro_rules! kind {
    ($kind:ident, $name:literal, $is_dropped:literal, { $($more:item)* }) => {
        impl Object for $kind {
            const TYPE: &'static str = $name;
            const METHODS: &'static [MethodEntry<Self>] = &[
                MethodEntry::of::<Count<Self>>(),
                MethodEntry::of::<Hold<Self>>(),
                MethodEntry::of::<Tick<Self>>(),
            ];
            $($more)*
        }

        impl Kind for $kind {
            const IS_DROPPED: bool = $is_dropped;

            fn new(plan: &'static Plan) -> Self {
                plan.make();
                Self(plan)
            }

            fn plan(&self) -> &'static Plan {
                self.0
            }
        }

        impl Addressed for $kind {
            type Ref = ObjectRef<Self>;

            fn refer(caller: Caller<'_>, id: &str) -> ObjectRef<Self> {
                ObjectRef::new(caller, id)
            }
        }
    };
}

kind!(Hooked, "Hooked", true, {
    async fn on_activate(&mut self, _: &Ctx) -> Result<(), HookError> {
        Ok(())
    }
    async fn on_deactivate(&mut self, _: &Ctx, _: DeactivationReason) -> Result<(), HookError> {
        Ok(())
    }
});
kind!(Bare, "Bare", true, {
    const HAS_HOOKS: bool = false;
});
kind!(Flat, "Flat", false, {
    const HAS_HOOKS: bool = false;
});

impl Drop for Hooked {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.0.end();
    }
}

macro_rules! method {
    ($method:ident, $name:literal, $is_plain:literal, |$object:ident, $cx:ident| $run:expr) => {
        impl<K: Kind> Method for $method<K> {
            type Object = K;
            type Arguments = NoArguments;
            type Output = u64;
            type Error = Never;
            const NAME: &'static str = $name;
            const PLAIN: bool = $is_plain;

            fn from_arguments(_: NoArguments) -> Self {
                Self(PhantomData)
            }

            fn into_arguments(self) -> NoArguments {
                NoArguments
            }

            async fn run_exclusive(self, $object: &mut K, $cx: &Ctx) -> Result<u64, Never> {
                Ok($run)
            }
        }
    };
}

method!(Count, "count", true, |object, _cx| object.plan().made.load(SeqCst));
method!(Hold, "hold", false, |object, _cx| {
    object.plan().held.fetch_add(1, SeqCst);
    object.plan().go_on.acquire().await.unwrap().forget();
    0
});
method!(Tick, "tick", true, |object, cx| {
    let me = cx.this::<K>();
    let timer = cx.every(Duration::from_millis(1), move || me.call(Count(PhantomData)));
    *object.plan().timer.lock().unwrap() = Some(timer);
    0
});

// === impl Plan ===

impl Plan {
    fn new(blocks: Option<std::sync::Barrier>) -> &'static Self {
        Box::leak(Box::new(Self {
            constructor_panics: AtomicBool::new(false),
            drop_panics: AtomicBool::new(false),
            made: AtomicU64::new(0),
            alive: AtomicI64::new(0),
            alive_max: AtomicI64::new(0),
            held: AtomicU64::new(0),
            go_on: Semaphore::new(0),
            timer: Mutex::new(None),
            blocks,
        }))
    }

    fn make(&self) {
        if let Some(blocks) = &self.blocks {
            blocks.wait();
            blocks.wait();
        }
        if self.constructor_panics.load(SeqCst) {
            panic!("constructor on purpose");
        }
        self.made.fetch_add(1, SeqCst);
        let alive = self.alive.fetch_add(1, SeqCst) + 1;
        self.alive_max.fetch_max(alive, SeqCst);
    }

    fn end(&self) {
        self.alive.fetch_sub(1, SeqCst);
        if self.drop_panics.load(SeqCst) {
            panic!("drop on purpose");
        }
    }
}

fn observed<K: Kind>(plan: &'static Plan, settings: TypeSettings) -> Observed {
    quiet_about_panics_on_purpose();
    observed_with(|node| node.settings_of(K::TYPE, settings).object_with(move || K::new(plan)))
}

/// What a node reports of objects, with the type's name in place of `{}`.
#[track_caller]
fn check_reported<K: Kind>(observed: &Observed, expected: &[(&str, f64)]) {
    let reported = observed.reported();
    let of_objects = |(name, _): &(String, f64)| name.starts_with("object");
    let reported: Vec<_> = reported.into_iter().filter(of_objects).collect();
    let mut expected: Vec<_> =
        expected.iter().map(|(name, value)| (name.replace("{}", K::TYPE), *value)).collect();
    expected.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert_eq!(reported, expected);
}

fn code_of(result: Result<(), ObjectError>) -> Option<ErrorCode> {
    result.err().map(|error| error.code())
}

async fn creates_and_destroys_once<K: Kind>() {
    let observed = observed::<K>(Plan::new(None), TypeSettings::default());
    let node = &observed.node;
    assert_eq!(code_of(node.create_object(K::TYPE, "a").await), None);
    assert_eq!(code_of(node.create_object(K::TYPE, "a").await), Some(ErrorCode::AlreadyExists));
    assert!(node.find(K::TYPE, "a").is_some());
    check_reported::<K>(
        &observed,
        &[
            ("objects_total {}", 1.0),
            ("object_activations_total {}", 1.0),
            ("object_activation_seconds {}", 1.0),
        ],
    );
    assert_eq!(code_of(node.destroy_object(K::TYPE, "a").await), None);
    assert_eq!(code_of(node.destroy_object(K::TYPE, "a").await), Some(ErrorCode::NotFound));
    assert!(node.find(K::TYPE, "a").is_none());
    check_reported::<K>(
        &observed,
        &[
            ("objects_total {}", -1.0),
            ("object_deactivations_total {} destroyed", 1.0),
            ("object_lifetime_seconds {}", 1.0),
        ],
    );
    let error = node.create_object(K::TYPE, "").await;
    assert!(matches!(error, Err(ObjectError::InvalidId(_))), "{error:?}");
    let error = node.destroy_object(K::TYPE, "").await;
    assert!(matches!(error, Err(ObjectError::InvalidId(_))), "{error:?}");
}

async fn a_thousand_creators_make_one<K: Kind>() {
    let plan = Plan::new(None);
    let observed = observed::<K>(plan, TypeSettings::default());
    let start = Arc::new(Barrier::new(1_000));
    let creators = (0..1_000).map(|_| {
        let (node, start) = (observed.node.clone(), Arc::clone(&start));
        tokio::spawn(async move {
            start.wait().await;
            node.create_object(K::TYPE, "a").await.is_ok()
        })
    });
    let mut created = 0;
    for creator in creators.collect::<Vec<_>>() {
        created += u64::from(creator.await.unwrap());
    }
    assert_eq!((created, plan.made.load(SeqCst)), (1, 1));
}

async fn creators_destroyers_and_callers_lose_nothing<K: Kind>() {
    let plan = Plan::new(None);
    let observed = observed::<K>(plan, TypeSettings::default());
    let tasks = (0..6).map(|task| {
        let node = observed.node.clone();
        tokio::spawn(async move {
            let mut destroyed = 0;
            for _ in 0..2_000 {
                match task % 3 {
                    0 => drop(node.create_object(K::TYPE, "a").await),
                    1 => destroyed += u64::from(node.destroy_object(K::TYPE, "a").await.is_ok()),
                    _ => drop(node.reference::<K>("a").call(Count(PhantomData)).await.unwrap()),
                }
            }
            destroyed
        })
    });
    let mut destroyed = 0;
    for task in tasks.collect::<Vec<_>>() {
        destroyed += soon("everyone is answered", task).await.unwrap();
    }
    let _ = observed.node.destroy_object(K::TYPE, "a").await.map(|()| destroyed += 1);
    let made = plan.made.load(SeqCst);
    assert_eq!(destroyed, made);
    if K::IS_DROPPED {
        assert_eq!((plan.alive.load(SeqCst), plan.alive_max.load(SeqCst)), (0, 1));
    }
    let made = made as f64;
    check_reported::<K>(
        &observed,
        &[
            ("object_activations_total {}", made),
            ("object_activation_seconds {}", made),
            ("object_deactivations_total {} destroyed", made),
            ("object_lifetime_seconds {}", made),
        ],
    );
}

async fn a_constructor_that_panics_leaves_the_id_free<K: Kind>() {
    let plan = Plan::new(None);
    let observed = observed::<K>(plan, TypeSettings::default());
    plan.constructor_panics.store(true, SeqCst);
    let created = observed.node.create_object(K::TYPE, "a").await;
    assert_eq!(code_of(created), Some(ErrorCode::ActivationPanicked));
    let error = observed.node.reference::<K>("a").call(Count(PhantomData)).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::ActivationPanicked);
    check_reported::<K>(
        &observed,
        &[("object_activation_failures_total {} activation_panicked", 2.0)],
    );
    plan.constructor_panics.store(false, SeqCst);
    assert_eq!(code_of(observed.node.create_object(K::TYPE, "a").await), None);
}

async fn a_drop_that_panics_is_told_and_the_object_is_gone<K: Kind>() {
    if !K::IS_DROPPED {
        return;
    }
    let plan = Plan::new(None);
    let observed = observed::<K>(plan, TypeSettings::default());
    plan.drop_panics.store(true, SeqCst);
    for _ in 0..2 {
        assert_eq!(code_of(observed.node.create_object(K::TYPE, "a").await), None);
        let destroyed = observed.node.destroy_object(K::TYPE, "a").await;
        assert_eq!(code_of(destroyed), Some(ErrorCode::DeactivationPanicked));
    }
    check_reported::<K>(
        &observed,
        &[
            ("object_activations_total {}", 2.0),
            ("object_activation_seconds {}", 2.0),
            ("object_deactivations_total {} destroyed", 2.0),
            ("object_deactivation_failures_total {} deactivation_panicked", 2.0),
            ("object_lifetime_seconds {}", 2.0),
        ],
    );
}

async fn a_shutdown_ends_all<K: Kind>() {
    let observed = observed::<K>(Plan::new(None), TypeSettings::default());
    for index in 0..500 {
        assert_eq!(code_of(observed.node.create_object(K::TYPE, &index.to_string()).await), None);
    }
    let drained = observed.node.shutdown(PATIENT).await;
    assert_eq!(drained, Drained { deactivated: 500, cut_off: 0, left: 0 });
    let late = observed.node.create_object(K::TYPE, "late").await;
    assert_eq!(code_of(late), Some(ErrorCode::ShuttingDown));
    check_reported::<K>(
        &observed,
        &[
            ("object_activations_total {}", 500.0),
            ("object_activation_seconds {}", 500.0),
            ("object_activation_failures_total {} shutting_down", 1.0),
            ("object_deactivations_total {} shutdown", 500.0),
            ("object_lifetime_seconds {}", 500.0),
        ],
    );
}

async fn at_its_limit_a_shutdown_cuts_off_who_is_left<K: Kind>() {
    let observed = observed::<K>(Plan::new(None), TypeSettings::default());
    for index in 0..500 {
        assert_eq!(code_of(observed.node.create_object(K::TYPE, &index.to_string()).await), None);
    }
    observed.node.cut_off();
    let drained = soon("it ends at once", observed.node.shutdown(PATIENT)).await;
    assert_eq!(drained, Drained { deactivated: 0, cut_off: 500, left: 0 });
    let failures = format!("object_deactivation_failures_total {} deactivation_timed_out", K::TYPE);
    assert_eq!(observed.reported().get(&failures), Some(&500.0));
}

async fn a_constructor_that_blocks_past_the_limit_makes_nothing<K: Kind>() {
    let plan = Plan::new(Some(std::sync::Barrier::new(2)));
    let observed = observed::<K>(plan, TypeSettings::default());
    let node = observed.node.clone();
    let creating = tokio::spawn(async move { node.create_object(K::TYPE, "a").await });
    let pass = || plan.blocks.as_ref().map(std::sync::Barrier::wait);
    tokio::task::spawn_blocking(pass).await.unwrap();
    let drained = observed.node.shutdown(Duration::from_millis(20)).await;
    assert_eq!(drained, Drained { deactivated: 0, cut_off: 0, left: 1 });
    tokio::task::spawn_blocking(pass).await.unwrap();
    assert_eq!(code_of(creating.await.unwrap()), Some(ErrorCode::ShuttingDown));
    check_reported::<K>(&observed, &[("object_activation_failures_total {} shutting_down", 1.0)]);
    assert_eq!(observed.node.count_by_type().values().sum::<usize>(), 0);
}

async fn who_is_idle_leaves<K: Kind>() {
    let mut settings = TypeSettings::default();
    settings.idle_timeout = Some(Duration::from_millis(5));
    let plan = Plan::new(None);
    let observed = observed::<K>(plan, settings);
    assert_eq!(code_of(observed.node.create_object(K::TYPE, "a").await), None);
    let held = observed.node.clone();
    let held =
        tokio::spawn(async move { held.reference::<K>("held").call(Hold(PhantomData)).await });
    until("it is idle", || observed.node.find(K::TYPE, "a").is_none()).await;
    until("the other is busy", || plan.held.load(SeqCst) == 1).await;
    assert!(observed.node.find(K::TYPE, "held").is_some());
    plan.go_on.add_permits(1);
    held.await.unwrap().unwrap();
    until("it is idle too", || observed.node.find(K::TYPE, "held").is_none()).await;
    check_reported::<K>(
        &observed,
        &[
            ("object_activations_total {}", 2.0),
            ("object_activation_seconds {}", 2.0),
            ("object_deactivations_total {} idle", 2.0),
            ("object_lifetime_seconds {}", 2.0),
        ],
    );
}

async fn a_destruction_waits_for_the_turns_before_it<K: Kind>() {
    let plan = Plan::new(None);
    let observed = observed::<K>(plan, TypeSettings::default());
    let node = observed.node.clone();
    let call = tokio::spawn(async move { node.reference::<K>("a").call(Hold(PhantomData)).await });
    until("the turn runs", || plan.held.load(SeqCst) == 1).await;
    let node = observed.node.clone();
    let mut destroying = Box::pin(async move { node.destroy_object(K::TYPE, "a").await });
    assert!(futures_util::FutureExt::now_or_never(&mut destroying).is_none());
    plan.go_on.add_permits(1);
    assert_eq!(call.await.unwrap(), Ok(0));
    assert_eq!(code_of(soon("it is destroyed", destroying).await), None);
    assert_eq!(plan.made.load(SeqCst), 1);
}

async fn timers_end_with_their_object<K: Kind>() {
    let plan = Plan::new(None);
    let observed = observed::<K>(plan, TypeSettings::default());
    for end in ["destroyed", "shutdown"] {
        assert_eq!(observed.node.reference::<K>("a").call(Tick(PhantomData)).await, Ok(0));
        let timer = plan.timer.lock().unwrap().take().unwrap();
        assert!(!timer.is_finished());
        match end {
            "destroyed" => observed.node.destroy_object(K::TYPE, "a").await.unwrap(),
            _ => drop(observed.node.shutdown(PATIENT).await),
        }
        assert!(timer.is_finished(), "{end}");
    }
    assert_eq!(plan.made.load(SeqCst), 2);
}

macro_rules! of_each_kind {
    ($($test:ident)*) => {
        mod hooked {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() { super::$test::<super::Hooked>().await; })*
        }
        mod bare {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() { super::$test::<super::Bare>().await; })*
        }
        mod flat {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() { super::$test::<super::Flat>().await; })*
        }
    };
}

of_each_kind! {
    creates_and_destroys_once
    a_thousand_creators_make_one
    creators_destroyers_and_callers_lose_nothing
    a_constructor_that_panics_leaves_the_id_free
    a_drop_that_panics_is_told_and_the_object_is_gone
    a_shutdown_ends_all
    at_its_limit_a_shutdown_cuts_off_who_is_left
    a_constructor_that_blocks_past_the_limit_makes_nothing
    who_is_idle_leaves
    a_destruction_waits_for_the_turns_before_it
    timers_end_with_their_object
}

/// Says that it has no hooks, and has one all the same.
#[derive(Default)]
struct Contradictory;

impl Object for Contradictory {
    const TYPE: &'static str = "Contradictory";
    const HAS_HOOKS: bool = false;

    async fn on_activate(&mut self, _: &Ctx) -> Result<(), HookError> {
        panic!("it is never called");
    }
}

#[tokio::test]
async fn hooks_of_a_type_that_says_it_has_none_are_not_called() {
    let observed = observed_with(|node| node.object::<Contradictory>());
    observed.node.create_object("Contradictory", "a").await.unwrap();
}
