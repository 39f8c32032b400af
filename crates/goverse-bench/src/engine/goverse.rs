//! Ours, by methods that are written as `#[object]` writes them.
//!
//! It can be had with a real Prometheus recorder and all metrics on, as it is compared, and without one,
//! to see what the metrics cost. Beside the peers it is at a disadvantage that they have not: its
//! directory is the node itself, in which objects come and go.

use goverse_metrics::DeactivationReason;
use goverse_node::{Ctx, HookError, Method, MethodEntry, Never, Node, Object, ObjectRef};
use goverse_server::Recorder;
use tokio::task::yield_now;

use super::competitor::{Competitor, Counter, Workers};
use super::waits::wait_for_another_task;

/// A reference, and the node: without it there are no objects.
#[derive(Clone)]
pub(super) struct Reference(
    ObjectRef<CounterObject>,
    #[expect(dead_code, reason = "it is kept")] Node,
);

/// Ours, with a recorder or without.
pub(super) struct Goverse<const RECORDED: bool>(Node);

#[derive(Default)]
pub(super) struct CounterObject(Counter);

/// One with hooks, which do not wait.
#[derive(Default)]
struct Hooked(Counter);

struct Add(i64);

struct AddYielding(i64);

struct AddWaiting(i64);

impl Object for CounterObject {
    const TYPE: &'static str = "Counter";
    const METHODS: &'static [MethodEntry<Self>] = &[
        MethodEntry::of::<Add>(),
        MethodEntry::of::<AddYielding>(),
        MethodEntry::of::<AddWaiting>(),
    ];
    const HAS_HOOKS: bool = false;
}

impl Object for Hooked {
    const TYPE: &'static str = "Hooked";

    async fn on_activate(&mut self, _cx: &Ctx) -> Result<(), HookError> {
        self.0.add(1);
        Ok(())
    }

    async fn on_deactivate(
        &mut self,
        _cx: &Ctx,
        _reason: DeactivationReason,
    ) -> Result<(), HookError> {
        self.0.add(-1);
        Ok(())
    }
}

impl Method for Add {
    type Object = CounterObject;
    type Arguments = i64;
    type Output = i64;
    type Error = Never;
    const NAME: &'static str = "add";
    const PLAIN: bool = true;

    fn from_arguments(by: i64) -> Self {
        Self(by)
    }

    fn into_arguments(self) -> i64 {
        self.0
    }

    async fn run_exclusive(self, object: &mut CounterObject, _cx: &Ctx) -> Result<i64, Never> {
        Ok(object.0.add(self.0))
    }
}

impl Method for AddYielding {
    type Object = CounterObject;
    type Arguments = i64;
    type Output = i64;
    type Error = Never;
    const NAME: &'static str = "add_yielding";

    fn from_arguments(by: i64) -> Self {
        Self(by)
    }

    fn into_arguments(self) -> i64 {
        self.0
    }

    async fn run_exclusive(self, object: &mut CounterObject, _cx: &Ctx) -> Result<i64, Never> {
        yield_now().await;
        Ok(object.0.add(self.0))
    }
}

impl Method for AddWaiting {
    type Object = CounterObject;
    type Arguments = i64;
    type Output = i64;
    type Error = Never;
    const NAME: &'static str = "add_waiting";

    fn from_arguments(by: i64) -> Self {
        Self(by)
    }

    fn into_arguments(self) -> i64 {
        self.0
    }

    async fn run_exclusive(self, object: &mut CounterObject, _cx: &Ctx) -> Result<i64, Never> {
        wait_for_another_task().await;
        Ok(object.0.add(self.0))
    }
}

impl<const RECORDED: bool> Competitor for Goverse<RECORDED> {
    const NAME: &'static str = if RECORDED { "goverse" } else { "goverse without a recorder" };
    const LIVES_BY_REFERENCE: bool = false;
    type Threads = Workers;
    type Reference = Reference;
    type Directory = Node;

    fn begin(_workers: &Workers) -> Option<Self> {
        let address = "localhost:47000".parse().expect("this is an address");
        let build = || Node::builder(address).object::<CounterObject>().object::<Hooked>().build();
        let node = if RECORDED {
            let recorder = Recorder::builder().build().expect("it has no buckets of its own");
            metrics::with_local_recorder(&recorder, build)
        } else {
            build()
        };
        Some(Self(node.expect("the type has a name")))
    }

    async fn activate(&self, _caller: usize, id: &str) -> Reference {
        self.0.create_object(CounterObject::TYPE, id).await.expect("the object is new");
        Reference(self.0.reference(id), self.0.clone())
    }

    async fn directory(&self, ids: &[String]) -> Node {
        for id in ids {
            self.0.create_object(CounterObject::TYPE, id).await.expect("the object is new");
        }
        self.0.clone()
    }

    async fn add(object: &Reference, by: i64) -> i64 {
        object.0.call(Add(by)).await.expect("the object answers")
    }

    async fn add_yielding(object: &Reference, by: i64) -> i64 {
        object.0.call(AddYielding(by)).await.expect("the object answers")
    }

    async fn add_waiting(object: &Reference, by: i64) -> i64 {
        object.0.call(AddWaiting(by)).await.expect("the object answers")
    }

    async fn add_by_id(node: &Node, id: &str, by: i64) -> i64 {
        node.reference::<CounterObject>(id).call(Add(by)).await.expect("the object answers")
    }

    async fn come_and_go(&self, id: &str) {
        self.0.create_object(CounterObject::TYPE, id).await.expect("the object is new");
        self.0.destroy_object(CounterObject::TYPE, id).await.expect("the object is there");
    }

    async fn come_and_go_with_hooks(&self, id: &str) {
        self.0.create_object(Hooked::TYPE, id).await.expect("the object is new");
        self.0.destroy_object(Hooked::TYPE, id).await.expect("the object is there");
    }
}
