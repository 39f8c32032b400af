//! A chat: rooms that people talk in, and the clients that they are there with.

mod client;
mod crowd;
mod room;
#[cfg(test)]
mod tests;

use goverse::App;
use serde::{Deserialize, Serialize};

pub use client::{ChatClient, ChatClientRef};
pub use crowd::Crowd;
pub use room::{ChatRoom, ChatRoomRef, NotInRoom};

/// What somebody said in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The messages of a room are numbered from 1.
    pub number: u64,
    /// Who said it.
    pub from: String,
    /// What was said.
    pub text: String,
}

/// Registers the types of the chat.
pub fn register(app: App) -> App {
    app.object::<ChatRoom>().object::<ChatClient>()
}
