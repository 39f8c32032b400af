//! An object that does what it is told: each call brings a list of steps, and so do its hooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, join_all};
use goverse_node::{
    Addressed, Call, CallError, Caller, Ctx, DeactivationReason, HookError, Method, MethodEntry,
    Never, NoArguments, Node, Object, ObjectRef, Turn,
};
use serde::{Deserialize, Serialize};

use crate::world::{Doing, Hook, Span, World};

/// Has a number, and remembers nothing else.
pub(crate) struct Actor {
    world: Arc<World>,
    number: AtomicI64,
    /// Its deactivation hook ran: no turn may begin any more.
    ended: bool,
    /// From its activation hook to its drop.
    life: Option<Span>,
}

/// What a method or hook does, one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Adds to the number.
    Add(i64),
    /// Writes a note.
    Note(String),
    /// Awaits so often.
    Yield(u32),
    /// Waits until the test opens a gate.
    Pass(String),
    /// Waits until so many have come.
    Meet(String, usize),
    /// Calls an object, and fails as the call does.
    Call(Order),
    /// Calls an object, notes what became of it, and goes on.
    Try(Order),
    /// Calls objects at once, notes what became of each, and goes on.
    TryAll(Vec<Order>),
    /// Calls an object until the gate opens, and then forgets the call.
    CallUntil(Order, String),
    /// Waits until the caller waits no more.
    UntilLate,
    /// Notes whether a caller waits, and for no longer than so many ms.
    TimeLeft(u64),
    Fail,
    Panic,
    RollBack,
    Deactivate,
    /// Leaves something in the method whose drop panics.
    PanicOnDrop,
}

/// A call that an object is told to make.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) turn: Kind,
    pub(crate) steps: Vec<Step>,
    pub(crate) timeout_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// By [`Act`].
    Exclusive,
    /// By [`Look`].
    Shared,
}

/// What a call of `Act` or `Look` gives.
pub(crate) type Answer = Result<i64, CallError<String>>;

/// Writes the methods of an object: its name, kind of turn and body.
macro_rules! methods {
    ($object:ty: $($(#[$plain:ident])? $name:literal $method:ident($($arguments:ty)?)
        -> Result<$output:ty, $error:ty>, $turn:ident: |$this:ident, $object_arg:ident, $cx:ident| $body:expr;)*) => {$(
        impl Method for $method {
            type Object = $object;
            type Arguments = methods!(@arguments $($arguments)?);
            type Output = $output;
            type Error = $error;
            const NAME: &'static str = $name;
            const TURN: Turn = methods!(@turn $turn);
            const PLAIN: bool = methods!(@plain $($plain)?);

            fn from_arguments(arguments: Self::Arguments) -> Self {
                methods!(@from arguments $method $($arguments)?)
            }

            fn into_arguments(self) -> Self::Arguments {
                methods!(@into self $($arguments)?)
            }

            methods!(@run $turn ($output, $error) |$this, $object_arg: $object, $cx| $body);
        }
    )*};
    (@arguments) => { NoArguments };
    (@arguments $arguments:ty) => { $arguments };
    (@turn exclusive) => { Turn::Exclusive };
    (@turn shared) => { Turn::Shared };
    (@plain) => { false };
    (@plain plain) => { true };
    (@from $value:ident $method:ident) => {{ let NoArguments = $value; $method }};
    (@from $value:ident $method:ident $arguments:ty) => { $method($value) };
    (@into $this:ident) => {{ let _ = $this; NoArguments }};
    (@into $this:ident $arguments:ty) => { $this.0 };
    (@run exclusive ($output:ty, $error:ty) |$this:ident, $object_arg:ident: $object:ty, $cx:ident| $body:expr) => {
        async fn run_exclusive(self, $object_arg: &mut $object, $cx: &Ctx) -> Result<$output, $error> {
            let $this = self;
            $body
        }
    };
    (@run shared ($output:ty, $error:ty) |$this:ident, $object_arg:ident: $object:ty, $cx:ident| $body:expr) => {
        async fn run_shared(self, $object_arg: &$object, $cx: &Ctx) -> Result<$output, $error> {
            let $this = self;
            $body
        }
    };
}

pub(crate) use methods;

/// Steps in an exclusive turn.
pub(crate) struct Act(pub(crate) Vec<Step>);

/// Steps in a shared turn.
pub(crate) struct Look(pub(crate) Vec<Step>);

/// Adds to the number, without an await; panics if told to add the maximum.
pub(crate) struct Add(pub(crate) i64);

/// The number, without an await.
pub(crate) struct Get;

methods! {
    Actor:
    "act" Act(Vec<Step>) -> Result<i64, String>, exclusive: |act, actor, cx| {
        let _turn = actor.begin_turn(cx, Doing::ExclusiveTurn);
        actor.run(cx, act.0).await?;
        Ok(actor.number())
    };
    "look" Look(Vec<Step>) -> Result<i64, String>, shared: |look, actor, cx| {
        let _turn = actor.begin_turn(cx, Doing::SharedTurn);
        actor.run(cx, look.0).await?;
        Ok(actor.number())
    };
    #[plain] "add" Add(i64) -> Result<i64, Never>, exclusive: |add, actor, cx| {
        let _turn = actor.begin_turn(cx, Doing::ExclusiveTurn);
        if add.0 == i64::MAX {
            panic!("on purpose");
        }
        Ok(actor.number.fetch_add(add.0, Ordering::Relaxed) + add.0)
    };
    #[plain] "get" Get() -> Result<i64, Never>, shared: |_get, actor, cx| {
        let _turn = actor.begin_turn(cx, Doing::SharedTurn);
        Ok(actor.number())
    };
}

// === impl Actor ===

impl Actor {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world, number: AtomicI64::new(0), ended: false, life: None }
    }

    fn number(&self) -> i64 {
        self.number.load(Ordering::Relaxed)
    }

    fn begin_turn(&self, cx: &Ctx, doing: Doing) -> Span {
        if self.ended || self.life.is_none() {
            self.world.violation(format!("{doing:?} of {} on a dead activation", cx.id()));
        }
        self.world.begin(cx.id().as_str(), doing)
    }

    async fn run(&self, cx: &Ctx, steps: Vec<Step>) -> Result<(), String> {
        let mut _left_behind = None;
        for step in steps {
            match step {
                Step::Add(by) => drop(self.number.fetch_add(by, Ordering::Relaxed)),
                Step::Note(note) => self.world.note(note),
                Step::Yield(times) => {
                    for _ in 0..times {
                        tokio::task::yield_now().await;
                    }
                }
                Step::Pass(gate) => self.world.pass(&gate).await,
                Step::Meet(meeting, size) => self.world.meet(&meeting, size).await,
                Step::Call(order) => {
                    let id = order.id.clone();
                    order.made_by(cx).await.map_err(|error| in_words_at(&id, error))?;
                }
                Step::Try(order) => self.try_all(cx, vec![order]).await,
                Step::TryAll(orders) => self.try_all(cx, orders).await,
                Step::CallUntil(order, gate) => {
                    tokio::select! {
                        biased;
                        _ = order.made_by(cx) => {}
                        () = self.world.pass(&gate) => {}
                    }
                }
                Step::UntilLate => {
                    while cx.time_left().is_none_or(|left| !left.is_zero()) {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
                Step::TimeLeft(ms) => {
                    let left = cx.time_left();
                    let is_right = left.is_some_and(|left| left <= Duration::from_millis(ms));
                    self.world.note(format!("{}:{is_right}", cx.id()));
                }
                Step::Fail => return Err("failed".to_owned()),
                Step::Panic => panic!("on purpose"),
                Step::RollBack => return Err(cx.rollback("rolled back".to_owned())),
                Step::Deactivate => cx.deactivate(),
                Step::PanicOnDrop => _left_behind = Some(PanicsOnDrop),
            }
        }
        Ok(())
    }

    async fn try_all(&self, cx: &Ctx, orders: Vec<Order>) {
        let calls = orders.into_iter().map(|order| async {
            let id = order.id.clone();
            let became = match order.made_by(cx).await {
                Ok(number) => number.to_string(),
                Err(error) => in_words(error),
            };
            self.world.note(format!("{}->{id}:{became}", cx.id()));
        });
        join_all(calls).await;
    }
}

impl Object for Actor {
    const TYPE: &'static str = "Actor";
    const METHODS: &'static [MethodEntry<Self>] = &[
        MethodEntry::of::<Act>(),
        MethodEntry::of::<Look>(),
        MethodEntry::of::<Add>(),
        MethodEntry::of::<Get>(),
    ];

    async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
        let id = cx.id().as_str();
        let _hook = self.world.begin(id, Doing::Hook(Hook::Activate));
        self.life = Some(self.world.begin(id, Doing::Living));
        let plan = self.world.next_plan(id, Hook::Activate);
        Ok(self.run(cx, plan).await?)
    }

    async fn on_deactivate(
        &mut self,
        cx: &Ctx,
        reason: DeactivationReason,
    ) -> Result<(), HookError> {
        let id = cx.id().as_str();
        let _hook = self.world.begin(id, Doing::Hook(Hook::Deactivate));
        self.ended = true;
        self.world.note(format!("{id}-{}", reason.as_str()));
        let plan = self.world.next_plan(id, Hook::Deactivate);
        Ok(self.run(cx, plan).await?)
    }
}

impl Addressed for Actor {
    type Ref = ObjectRef<Actor>;

    fn refer(caller: Caller<'_>, id: &str) -> ObjectRef<Actor> {
        ObjectRef::new(caller, id)
    }
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("drop on purpose");
    }
}

// === impl Order ===

impl Order {
    pub(crate) fn new<const N: usize>(turn: Kind, id: &str, steps: [Step; N]) -> Self {
        Self { id: id.to_owned(), turn, steps: steps.into(), timeout_ms: None }
    }

    pub(crate) fn timeout_ms(self, timeout_ms: u64) -> Self {
        Self { timeout_ms: Some(timeout_ms), ..self }
    }

    fn made_by(self, cx: &Ctx) -> BoxFuture<'static, Answer> {
        self.made_through(&|id| cx.object::<Actor>(id))
    }

    /// Makes the call from outside of any turn.
    pub(crate) fn made_from(self, node: &Node) -> BoxFuture<'static, Answer> {
        self.made_through(&|id| node.object::<Actor>(id))
    }

    fn made_through(self, refer: &dyn Fn(&str) -> ObjectRef<Actor>) -> BoxFuture<'static, Answer> {
        let object = refer(&self.id);
        let timeout = self.timeout_ms.map(Duration::from_millis);
        match self.turn {
            Kind::Exclusive => with_timeout(object.call(Act(self.steps)), timeout).boxed(),
            Kind::Shared => with_timeout(object.call(Look(self.steps)), timeout).boxed(),
        }
    }
}

fn with_timeout<M: Method>(call: Call<M>, timeout: Option<Duration>) -> Call<M> {
    match timeout {
        Some(timeout) => call.timeout(timeout),
        None => call,
    }
}

/// An exclusive call.
pub(crate) fn act<const N: usize>(id: &str, steps: [Step; N]) -> Order {
    Order::new(Kind::Exclusive, id, steps)
}

/// A shared call.
pub(crate) fn look<const N: usize>(id: &str, steps: [Step; N]) -> Order {
    Order::new(Kind::Shared, id, steps)
}

pub(crate) fn note(note: &str) -> Step {
    Step::Note(note.to_owned())
}

pub(crate) fn pass(gate: &str) -> Step {
    Step::Pass(gate.to_owned())
}

/// What became of a call, in words: the number, the method's error, or the runtime's code and whether the method ran.
pub(crate) fn in_words(error: CallError<String>) -> String {
    match error {
        CallError::Method(error) => error,
        CallError::System(error) => format!("{} {}", error.code(), error.ran()),
    }
}

/// The same, with where it happened if it was the runtime.
fn in_words_at(id: &str, error: CallError<String>) -> String {
    match error {
        CallError::Method(error) => error,
        CallError::System(_) => format!("{} at {id}", in_words(error)),
    }
}
