//! What people can expect of the chat.

use goverse::prelude::*;

use super::{ChatClient, ChatRoom, NotInRoom};

fn node() -> Node {
    let address = "localhost:47000".parse().expect("a host and a port");
    let node = Node::builder(address).object::<ChatRoom>().object::<ChatClient>();
    node.build().expect("the types have names of their own")
}

#[tokio::test]
async fn what_is_said_is_heard_by_the_others_and_can_be_read() {
    let node = node();
    let room = node.object::<ChatRoom>("lobby");
    for who in ["ann", "bob"] {
        assert_eq!(room.join(who.to_owned()).await, Ok(0));
    }
    assert_eq!(room.say("ann".to_owned(), "hello".to_owned()).await, Ok(1));
    assert_eq!(room.say("bob".to_owned(), "good day".to_owned()).await, Ok(2));
    let heard = node.object::<ChatClient>("bob").inbox().await.unwrap();
    assert_eq!(heard.iter().map(|message| &message.text).collect::<Vec<_>>(), ["hello"]);
    assert_eq!(node.object::<ChatClient>("bob").inbox().await, Ok(vec![]));
    let read = room.messages(1).await.unwrap();
    assert_eq!(read.iter().map(|message| message.number).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn only_who_is_in_a_room_talks_there() {
    let node = node();
    let said = node.object::<ChatRoom>("lobby").say("eve".to_owned(), "hello".to_owned()).await;
    assert_eq!(said, Err(CallError::Method(NotInRoom { who: "eve".to_owned() })));
}

#[tokio::test]
async fn a_room_is_there_while_somebody_is_in_it() {
    let node = node();
    let room = node.object::<ChatRoom>("lobby");
    for who in ["ann", "bob"] {
        room.join(who.to_owned()).await.unwrap();
    }
    room.leave("ann".to_owned()).await.unwrap();
    assert!(node.find("ChatRoom", "lobby").is_some());
    room.leave("bob".to_owned()).await.unwrap();
    // The call waits for the room that goes, and gets a new one.
    assert_eq!(room.messages(0).await, Ok(vec![]));
}
