//! A task with a bounded channel, and a oneshot for each reply: what one writes without a framework.

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};

use super::competitor::{Counter, MAILBOX_CAPACITY, Peer, Workers};
use super::waits::wait_for_another_task;

/// What waits in the mailbox.
pub(super) enum Message {
    Add { by: i64, reply: oneshot::Sender<i64> },
    AddYielding { by: i64, reply: oneshot::Sender<i64> },
    AddWaiting { by: i64, reply: oneshot::Sender<i64> },
}

pub(super) struct Mailbox;

impl Peer for Mailbox {
    const NAME: &'static str = "mailbox";
    type Threads = Workers;
    type Reference = mpsc::Sender<Message>;

    fn begin(_workers: &Workers) -> Self {
        Self
    }

    async fn activate(&self, _caller: usize) -> Self::Reference {
        spawn().0
    }

    async fn add(object: &Self::Reference, by: i64) -> i64 {
        let (reply, answer) = oneshot::channel();
        let sent = object.send(Message::Add { by, reply }).await;
        sent.expect("the object lives");
        answer.await.expect("the object answers")
    }

    async fn add_yielding(object: &Self::Reference, by: i64) -> i64 {
        let (reply, answer) = oneshot::channel();
        let sent = object.send(Message::AddYielding { by, reply }).await;
        sent.expect("the object lives");
        answer.await.expect("the object answers")
    }

    async fn add_waiting(object: &Self::Reference, by: i64) -> i64 {
        let (reply, answer) = oneshot::channel();
        let sent = object.send(Message::AddWaiting { by, reply }).await;
        sent.expect("the object lives");
        answer.await.expect("the object answers")
    }

    async fn come_and_go() {
        let (object, task) = spawn();
        drop(object);
        task.await.expect("the object does not panic");
    }
}

fn spawn() -> (mpsc::Sender<Message>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(MAILBOX_CAPACITY);
    (sender, tokio::spawn(run(Counter::default(), receiver)))
}

async fn run(mut counter: Counter, mut messages: mpsc::Receiver<Message>) {
    while let Some(message) = messages.recv().await {
        // A caller that has gone away wants no answer.
        let _ = match message {
            Message::Add { by, reply } => reply.send(counter.add(by)),
            Message::AddYielding { by, reply } => {
                yield_now().await;
                reply.send(counter.add(by))
            }
            Message::AddWaiting { by, reply } => {
                wait_for_another_task().await;
                reply.send(counter.add(by))
            }
        };
    }
}
