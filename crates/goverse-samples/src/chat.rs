//! A chat: rooms, and the clients that come and go.

mod crowd;

use goverse::App;
use goverse::prelude::*;

pub use crowd::Crowd;

/// A room that people talk in.
#[derive(Debug, Default)]
pub struct ChatRoom;

/// A person's connection: lives as long as the person stays.
#[derive(Debug, Default)]
pub struct ChatClient;

impl Object for ChatRoom {
    const TYPE: &'static str = "ChatRoom";
}

impl Object for ChatClient {
    const TYPE: &'static str = "ChatClient";

    async fn on_activate(&mut self, _cx: &Ctx) -> Result<(), HookError> {
        // Saying hello takes a moment, as a real connection would.
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// Registers the types of the chat.
pub fn register(app: App) -> App {
    app.object::<ChatRoom>().object::<ChatClient>()
}
