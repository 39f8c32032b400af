//! kameo, without its tracing, which spares it time.

use std::convert::Infallible;

use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox::bounded;
use kameo::message::{Context, Message};
use tokio::task::yield_now;

use super::competitor::{Counter, MAILBOX_CAPACITY, Peer, Workers};
use super::waits::wait_for_another_task;

pub(super) struct Kameo;

/// The object.
pub(super) struct CounterActor(Counter);

struct Add(i64);

struct AddYielding(i64);

struct AddWaiting(i64);

impl kameo::Actor for CounterActor {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(object: Self, _reference: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(object)
    }
}

impl Message<Add> for CounterActor {
    type Reply = i64;

    async fn handle(&mut self, Add(by): Add, _context: &mut Context<Self, i64>) -> i64 {
        self.0.add(by)
    }
}

impl Message<AddYielding> for CounterActor {
    type Reply = i64;

    async fn handle(&mut self, message: AddYielding, _context: &mut Context<Self, i64>) -> i64 {
        yield_now().await;
        self.0.add(message.0)
    }
}

impl Message<AddWaiting> for CounterActor {
    type Reply = i64;

    async fn handle(&mut self, message: AddWaiting, _context: &mut Context<Self, i64>) -> i64 {
        wait_for_another_task().await;
        self.0.add(message.0)
    }
}

impl Peer for Kameo {
    const NAME: &'static str = "kameo";
    type Threads = Workers;
    type Reference = ActorRef<CounterActor>;

    fn begin(_workers: &Workers) -> Self {
        Self
    }

    async fn activate(&self, _caller: usize) -> Self::Reference {
        spawn()
    }

    async fn add(object: &Self::Reference, by: i64) -> i64 {
        object.ask(Add(by)).await.expect("the object answers")
    }

    async fn add_yielding(object: &Self::Reference, by: i64) -> i64 {
        object.ask(AddYielding(by)).await.expect("the object answers")
    }

    async fn add_waiting(object: &Self::Reference, by: i64) -> i64 {
        object.ask(AddWaiting(by)).await.expect("the object answers")
    }

    async fn come_and_go() {
        let object = spawn();
        object.stop_gracefully().await.expect("the object lives");
        object.wait_for_shutdown().await;
    }
}

fn spawn() -> ActorRef<CounterActor> {
    CounterActor::spawn_with_mailbox(CounterActor(Counter::default()), bounded(MAILBOX_CAPACITY))
}
