//! A client: what a person is in the chat with.

use std::collections::VecDeque;

use goverse::prelude::*;

use super::Message;

/// How many messages wait for a person who does not look.
const INBOX_MAX: usize = 100;

/// A person's connection: lives as long as the person stays.
#[derive(Debug, Default)]
pub struct ChatClient {
    inbox: VecDeque<Message>,
}

#[goverse::object]
impl ChatClient {
    async fn on_activate(&mut self, _cx: &Ctx) -> Result<(), HookError> {
        // Saying hello takes a moment, as a real connection would.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Brings a message; if too many wait, the oldest is lost.
    pub fn deliver(&mut self, message: Message) {
        if self.inbox.len() == INBOX_MAX {
            self.inbox.pop_front();
        }
        self.inbox.push_back(message);
    }

    /// Takes out the messages that have come.
    pub fn inbox(&mut self) -> Vec<Message> {
        self.inbox.drain(..).collect()
    }
}
