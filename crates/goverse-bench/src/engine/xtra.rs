//! xtra.

use tokio::task::{JoinHandle, yield_now};
use xtra::{Actor, Address, Context, Handler};

use super::competitor::{Counter, MAILBOX_CAPACITY, Peer, Workers};
use super::waits::wait_for_another_task;

pub(super) struct Xtra;

/// The object.
pub(super) struct CounterActor(Counter);

struct Add(i64);

struct AddYielding(i64);

struct AddWaiting(i64);

impl Actor for CounterActor {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Add> for CounterActor {
    type Return = i64;

    async fn handle(&mut self, Add(by): Add, _context: &mut Context<Self>) -> i64 {
        self.0.add(by)
    }
}

impl Handler<AddYielding> for CounterActor {
    type Return = i64;

    async fn handle(&mut self, AddYielding(by): AddYielding, _context: &mut Context<Self>) -> i64 {
        yield_now().await;
        self.0.add(by)
    }
}

impl Handler<AddWaiting> for CounterActor {
    type Return = i64;

    async fn handle(&mut self, AddWaiting(by): AddWaiting, _context: &mut Context<Self>) -> i64 {
        wait_for_another_task().await;
        self.0.add(by)
    }
}

impl Peer for Xtra {
    const NAME: &'static str = "xtra";
    type Threads = Workers;
    type Reference = Address<CounterActor>;

    fn begin(_workers: &Workers) -> Self {
        Self
    }

    async fn activate(&self, _caller: usize) -> Self::Reference {
        spawn().0
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

    async fn come_and_go() {
        let (object, task) = spawn();
        drop(object);
        task.await.expect("the object does not panic");
    }
}

fn spawn() -> (Address<CounterActor>, JoinHandle<()>) {
    let (address, mailbox) = xtra::Mailbox::bounded(MAILBOX_CAPACITY);
    (address, tokio::spawn(xtra::run(mailbox, CounterActor(Counter::default()))))
}
