//! What a timer cannot be: that is said at once, or ends the activation.

use std::time::Duration;

use futures_util::FutureExt;
use goverse_core::ErrorCode;
use goverse_node::{
    Addressed, Caller, Ctx, Method, MethodEntry, Never, NoArguments, Object, ObjectRef, Timer,
};
use tokio::time::sleep;

use super::{SECOND, in_turn, scripted};
use crate::fixture::{observed_with, until};
use crate::log_lines;
use crate::scripted::{Log, Scripted, plain};

#[derive(Default)]
struct Other;

struct Nothing;

impl Object for Other {
    const TYPE: &'static str = "Other";
    const METHODS: &'static [MethodEntry<Self>] = &[MethodEntry::of::<Nothing>()];
}

impl Addressed for Other {
    type Ref = ObjectRef<Self>;

    fn refer(caller: Caller<'_>, id: &str) -> ObjectRef<Self> {
        ObjectRef::new(caller, id)
    }
}

impl Method for Nothing {
    type Object = Other;
    type Arguments = NoArguments;
    type Output = ();
    type Error = Never;
    const NAME: &'static str = "nothing";

    fn from_arguments(_: NoArguments) -> Self {
        Self
    }

    fn into_arguments(self) -> NoArguments {
        NoArguments
    }

    async fn run_exclusive(self, _: &mut Other, _: &Ctx) -> Result<(), Never> {
        Ok(())
    }
}

/// The turn that sets the timer panics, so it ends with its activation.
async fn check(set: impl Fn(&Ctx) -> Timer + Send + Sync + 'static, expected: &str) {
    let observed = observed_with(|node| node.object::<Scripted>().object::<Other>());
    let error = in_turn(&observed.node, "a", set).await.unwrap_err();
    assert_eq!(error.system().unwrap().code(), ErrorCode::Panicked);
    assert!(error.to_string().contains(expected), "{error}");
    assert!(observed.node.find("Scripted", "a").is_none());
}

#[tokio::test]
async fn what_is_no_timer_is_a_panic_of_the_turn_that_sets_it() {
    let zero = |cx: &Ctx| {
        let me = cx.this::<Scripted>();
        cx.every(Duration::ZERO, move || me.call(plain(|_| {})))
    };
    check(zero, "the period of a timer must not be zero").await;

    let foreign = "a timer of Scripted \"a\" must call that object itself, by a reference of Ctx::this; \
         it was given a call of";
    let other_id = |cx: &Ctx| cx.after(SECOND, cx.object::<Scripted>("b").call(plain(|_| {})));
    check(other_id, &format!("{foreign} Scripted \"b\"")).await;
    let other_type = |cx: &Ctx| cx.after(SECOND, cx.object::<Other>("a").call(Nothing));
    check(other_type, &format!("{foreign} Other")).await;
    let again = |cx: &Ctx| {
        let other = cx.object::<Scripted>("b");
        cx.every(SECOND, move || other.call(plain(|_| {})))
    };
    check(again, &format!("{foreign} Scripted \"b\"")).await;
    for is_there in [true, false] {
        let elsewhere = move |cx: &Ctx| {
            let node = scripted().node;
            if is_there {
                node.create_object("Scripted", "a").now_or_never().unwrap().unwrap();
            }
            cx.after(SECOND, node.reference::<Scripted>("a").call(plain(|_| {})))
        };
        check(elsewhere, &format!("{foreign} Scripted \"a\"")).await;
    }

    let polled = |cx: &Ctx| {
        let mut call = cx.this::<Scripted>().call(plain(|_| {}));
        let waker = std::task::Waker::noop();
        let polled =
            Future::poll(std::pin::pin!(&mut call), &mut std::task::Context::from_waker(waker));
        assert!(polled.is_pending());
        cx.after(SECOND, call)
    };
    check(polled, "a timer needs a call that has not been polled").await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_turns_bad_later_ends_the_activation_as_a_panic_does() {
    for expected in ["on purpose", "must call that object itself"] {
        let (observed, log) = (scripted(), Log::default());
        let ticks = log.clone();
        let set = move |cx: &Ctx| {
            let (me, other, ticks) =
                (cx.this::<Scripted>(), cx.object::<Scripted>("b"), ticks.clone());
            let mut made = 0;
            cx.every(SECOND, move || {
                made += 1;
                let ticks = ticks.clone();
                let tick = plain(move |_| ticks.push(()));
                match (made, expected) {
                    (3, "on purpose") => panic!("on purpose"),
                    (3, _) => other.call(tick),
                    _ => me.call(tick),
                }
            })
        };
        log_lines::keep();
        let timer = in_turn(&observed.node, "a", set).await.unwrap();
        sleep(SECOND * 7 / 2).await;
        assert_eq!(log.len(), 2, "{expected}");
        assert!(timer.is_finished());
        assert_eq!(log_lines::count(expected), 1, "it is logged once");
        until("it is gone", || observed.node.find("Scripted", "a").is_none()).await;
        let reported = observed.reported();
        assert_eq!(reported["method_calls_total Scripted plain panicked"], 1.0);
        assert_eq!(reported["object_deactivations_total Scripted panicked"], 1.0);
        assert_eq!(reported["object_activations_total Scripted"], 1.0);
    }
}
