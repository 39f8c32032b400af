//! ractor. Its mailbox cannot be bounded; spans are not carried along with messages, which spares it time.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::yield_now;

use super::competitor::{Counter, Peer, Workers};
use super::waits::wait_for_another_task;

pub(super) enum Message {
    Add(i64, RpcReplyPort<i64>),
    AddYielding(i64, RpcReplyPort<i64>),
    AddWaiting(i64, RpcReplyPort<i64>),
}

pub(super) struct Ractor;

struct CounterActor;

impl Actor for CounterActor {
    type Msg = Message;
    type State = Counter;
    type Arguments = ();

    async fn pre_start(
        &self,
        _myself: ActorRef<Message>,
        _arguments: (),
    ) -> Result<Counter, ActorProcessingErr> {
        Ok(Counter::default())
    }

    async fn handle(
        &self,
        _myself: ActorRef<Message>,
        message: Message,
        counter: &mut Counter,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(by, reply) => Ok(reply.send(counter.add(by))?),
            Message::AddYielding(by, reply) => {
                yield_now().await;
                Ok(reply.send(counter.add(by))?)
            }
            Message::AddWaiting(by, reply) => {
                wait_for_another_task().await;
                Ok(reply.send(counter.add(by))?)
            }
        }
    }
}

impl Peer for Ractor {
    const NAME: &'static str = "ractor";
    type Threads = Workers;
    type Reference = ActorRef<Message>;

    fn begin(_workers: &Workers) -> Self {
        Self
    }

    async fn activate(&self, _caller: usize) -> Self::Reference {
        let (object, _task) = spawn().await;
        object
    }

    async fn add(object: &Self::Reference, by: i64) -> i64 {
        let answer = object.call(|reply| Message::Add(by, reply), None).await;
        answer.expect("the object lives").expect("the object answers")
    }

    async fn add_yielding(object: &Self::Reference, by: i64) -> i64 {
        let answer = object.call(|reply| Message::AddYielding(by, reply), None).await;
        answer.expect("the object lives").expect("the object answers")
    }

    async fn add_waiting(object: &Self::Reference, by: i64) -> i64 {
        let answer = object.call(|reply| Message::AddWaiting(by, reply), None).await;
        answer.expect("the object lives").expect("the object answers")
    }

    async fn come_and_go() {
        let (object, task) = spawn().await;
        object.stop(None);
        task.await.expect("the object does not panic");
    }
}

async fn spawn() -> (ActorRef<Message>, ractor::concurrency::JoinHandle<()>) {
    Actor::spawn(None, CounterActor, ()).await.expect("the object starts")
}
