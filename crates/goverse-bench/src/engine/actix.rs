//! actix. Its objects live on arbiters, each of them a thread, and their callers beside them.
//!
//! With two arbiters half of the calls by id go from one to the other. With one none does, and the other
//! core has nothing to do.

use std::future::Future;

use actix::{
    Actor, ActorFutureExt, Addr, Arbiter, ArbiterHandle, AtomicResponse, Context, Handler, Message,
    System, SystemRunner, WrapFuture,
};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::competitor::{Counter, MAILBOX_CAPACITY, Peer, Threads};
use super::waits::wait_for_another_task;

pub(super) struct Actix<const ARBITERS: usize>([ArbiterHandle; ARBITERS]);

/// So many arbiters; callers and objects take turns in being given to them.
pub(super) struct Arbiters<const ARBITERS: usize> {
    arbiters: Option<[Arbiter; ARBITERS]>,
    /// An arbiter must belong to one.
    _system: SystemRunner,
}

/// The object.
#[derive(Default)]
pub(super) struct CounterActor(Counter);

/// An object whose end can be waited for.
struct Mortal {
    _counter: Counter,
    /// Dropped with the object, which whoever waits for it sees.
    _end: oneshot::Sender<()>,
}

struct Add(i64);

struct AddYielding(i64);

struct AddWaiting(i64);

impl Message for Add {
    type Result = i64;
}

impl Message for AddYielding {
    type Result = i64;
}

impl Message for AddWaiting {
    type Result = i64;
}

impl Actor for CounterActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_CAPACITY);
    }
}

impl Actor for Mortal {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_CAPACITY);
    }
}

impl Handler<Add> for CounterActor {
    type Result = i64;

    fn handle(&mut self, Add(by): Add, _context: &mut Self::Context) -> i64 {
        self.0.add(by)
    }
}

impl Handler<AddYielding> for CounterActor {
    /// Atomic: no other message is handled meanwhile.
    type Result = AtomicResponse<Self, i64>;

    fn handle(&mut self, AddYielding(by): AddYielding, _: &mut Self::Context) -> Self::Result {
        let yielding = yield_now().into_actor(self);
        AtomicResponse::new(Box::pin(yielding.map(move |(), object, _context| object.0.add(by))))
    }
}

impl Handler<AddWaiting> for CounterActor {
    /// Atomic: no other message is handled meanwhile.
    type Result = AtomicResponse<Self, i64>;

    fn handle(&mut self, AddWaiting(by): AddWaiting, _: &mut Self::Context) -> Self::Result {
        let waiting = wait_for_another_task().into_actor(self);
        AtomicResponse::new(Box::pin(waiting.map(move |(), object, _context| object.0.add(by))))
    }
}

impl<const ARBITERS: usize> Peer for Actix<ARBITERS> {
    const NAME: &'static str = if ARBITERS == 1 { "actix-1-arbiter" } else { "actix" };
    type Threads = Arbiters<ARBITERS>;
    type Reference = Addr<CounterActor>;

    fn begin(threads: &Self::Threads) -> Self {
        Self(threads.arbiters().each_ref().map(Arbiter::handle))
    }

    async fn activate(&self, caller: usize) -> Self::Reference {
        let arbiter = &self.0[caller % ARBITERS];
        CounterActor::start_in_arbiter(arbiter, |_context| CounterActor::default())
    }

    async fn add(object: &Self::Reference, by: i64) -> i64 {
        object.send(Add(by)).await.expect("the object answers")
    }

    async fn add_yielding(object: &Self::Reference, by: i64) -> i64 {
        object.send(AddYielding(by)).await.expect("the object answers")
    }

    async fn add_waiting(object: &Self::Reference, by: i64) -> i64 {
        object.send(AddWaiting(by)).await.expect("the object answers")
    }

    /// On the arbiter of who calls this.
    async fn come_and_go() {
        let (sender, end) = oneshot::channel();
        let object = Mortal { _counter: Counter::default(), _end: sender }.start();
        // With its last address the object ends, and its sender with it: that is the error.
        drop(object);
        end.await.expect_err("nothing is ever sent");
    }
}

// === impl Arbiters ===

impl<const ARBITERS: usize> Arbiters<ARBITERS> {
    fn arbiters(&self) -> &[Arbiter; ARBITERS] {
        self.arbiters.as_ref().expect("they are there until the end")
    }
}

impl<const ARBITERS: usize> Threads for Arbiters<ARBITERS> {
    fn begin() -> Self {
        let system = System::new();
        Self { arbiters: Some([(); ARBITERS].map(|()| Arbiter::new())), _system: system }
    }

    fn spawn(&self, caller: usize, future: impl Future<Output = ()> + Send + 'static) {
        let spawned = self.arbiters()[caller % ARBITERS].spawn(future);
        assert!(spawned, "the arbiter has ended");
    }
}

impl<const ARBITERS: usize> Drop for Arbiters<ARBITERS> {
    fn drop(&mut self) {
        for arbiter in self.arbiters.take().into_iter().flatten() {
            arbiter.stop();
            arbiter.join().expect("the arbiter does not panic");
        }
    }
}
