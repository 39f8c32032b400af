//! Methods that do not wait run in place, on the caller's thread: what they may hold up meanwhile, and what not.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use goverse_node::{Ctx, Method, MethodEntry, Never, Node, Object, Turn};

/// How long a thread waits for what is promised to come.
const LIMIT: Duration = Duration::from_secs(20);

/// Something that threads wait for, blocked.
#[derive(Default)]
struct Gate {
    arrived: Mutex<usize>,
    changed: Condvar,
}

struct Blocker(Arc<Gate>);

/// Arrives, and blocks its thread until so many have.
struct Meet(usize);

/// The same with `&self`.
struct MeetShared(usize);

impl Gate {
    /// Whether so many arrived in time.
    fn meet(&self, many: usize) -> bool {
        self.arrive();
        self.until(many)
    }

    fn arrive(&self) {
        *self.arrived.lock().unwrap() += 1;
        self.changed.notify_all();
    }

    fn until(&self, many: usize) -> bool {
        let arrived = self.arrived.lock().unwrap();
        let waited = self.changed.wait_timeout_while(arrived, LIMIT, |arrived| *arrived < many);
        !waited.unwrap().1.timed_out()
    }
}

impl Object for Blocker {
    const TYPE: &'static str = "Blocker";
    const METHODS: &'static [MethodEntry<Self>] =
        &[MethodEntry::of::<Meet>(), MethodEntry::of::<MeetShared>()];
}

impl Method for Meet {
    type Object = Blocker;
    type Arguments = usize;
    type Output = bool;
    type Error = Never;
    const NAME: &'static str = "meet";
    const PLAIN: bool = true;

    fn from_arguments(many: usize) -> Self {
        Self(many)
    }

    fn into_arguments(self) -> usize {
        self.0
    }

    async fn run_exclusive(self, object: &mut Blocker, _: &Ctx) -> Result<bool, Never> {
        Ok(object.0.meet(self.0))
    }
}

impl Method for MeetShared {
    type Object = Blocker;
    type Arguments = usize;
    type Output = bool;
    type Error = Never;
    const NAME: &'static str = "meet_shared";
    const TURN: Turn = Turn::Shared;
    const PLAIN: bool = true;

    fn from_arguments(many: usize) -> Self {
        Self(many)
    }

    fn into_arguments(self) -> usize {
        self.0
    }

    async fn run_shared(self, object: &Blocker, _: &Ctx) -> Result<bool, Never> {
        Ok(object.0.meet(self.0))
    }
}

async fn node() -> (Node, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let of_objects = Arc::clone(&gate);
    let make = move || Blocker(Arc::clone(&of_objects));
    let node = Node::builder("localhost:47000".parse().unwrap()).object_with(make).build().unwrap();
    node.create_object("Blocker", "a").await.unwrap();
    (node, gate)
}

fn call_elsewhere<M: Method<Object = Blocker, Output = bool>>(
    node: &Node,
    method: M,
) -> thread::JoinHandle<bool>
where
    M::Error: std::fmt::Debug,
{
    let call = node.reference::<Blocker>("a").call(method);
    let runtime = tokio::runtime::Handle::current();
    thread::spawn(move || runtime.block_on(call).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_turns_of_methods_that_do_not_wait_run_on_several_threads_at_once() {
    let (node, _gate) = node().await;
    let meeting = [(); 3].map(|()| call_elsewhere(&node, MeetShared(3)));
    assert_eq!(meeting.map(|thread| thread.join().unwrap()), [true; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_blocks_its_thread_blocks_no_other() {
    let (node, gate) = node().await;
    let blocked = call_elsewhere(&node, Meet(2));
    assert!(gate.until(1), "the method runs");
    // Each of these would block this thread for as long as the method does, which waits for this thread.
    let mut next = node.reference::<Blocker>("a").call(MeetShared(0));
    assert!((&mut next).now_or_never().is_none(), "the object is held");
    let left = node.reference::<Blocker>("a").call(Meet(0));
    assert!({ left }.now_or_never().is_none(), "the object is held");
    assert!(node.destroy_object("Blocker", "a").now_or_never().is_none(), "the object is held");
    gate.arrive();
    assert!(blocked.join().unwrap(), "it was let go in time");
    // It came before the object was to go.
    assert!(next.await.unwrap());
}
