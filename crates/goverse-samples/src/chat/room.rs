//! A room: who is in it, and what was said last.

use std::collections::VecDeque;

use goverse::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ChatClient, Message};

/// How many messages a room remembers.
const MESSAGES_MAX: usize = 100;

/// How many people hear what is said; in a room that is more crowded than that, the others read it.
const HEARERS_MAX: usize = 16;

/// A room that people talk in. It is there while somebody is in it.
#[derive(Debug, Default)]
pub struct ChatRoom {
    /// By when they came.
    people: Vec<String>,
    messages: VecDeque<Message>,
    last: u64,
}

/// The error of whoever talks in a room without being there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotInRoom {
    /// Who it was.
    pub who: String,
}

#[goverse::object]
impl ChatRoom {
    /// Lets somebody in; the number of the last message, after which theirs will be.
    pub fn join(&mut self, who: String) -> u64 {
        if !self.people.contains(&who) {
            self.people.push(who);
        }
        self.last
    }

    /// Lets somebody out. The last one turns off the light.
    pub fn leave(&mut self, cx: &Ctx, who: String) {
        self.people.retain(|other| *other != who);
        if self.people.is_empty() {
            cx.deactivate();
        }
    }

    /// Says something to those in the room; the number that the message gets.
    pub async fn say(&mut self, cx: &Ctx, who: String, text: String) -> Result<u64, NotInRoom> {
        if !self.people.contains(&who) {
            return Err(NotInRoom { who });
        }
        self.last += 1;
        let message = Message { number: self.last, from: who, text };
        let others = self.people.iter().rev().filter(|other| **other != message.from);
        for hearer in others.take(HEARERS_MAX) {
            // Whoever does not hear it can still read it.
            let _ = cx.object::<ChatClient>(hearer).deliver(message.clone()).await;
        }
        self.messages.push_back(message);
        if self.messages.len() > MESSAGES_MAX {
            self.messages.pop_front();
        }
        Ok(self.last)
    }

    /// What was said after the message `since`, as far as the room remembers.
    pub fn messages(&self, since: u64) -> Vec<Message> {
        let new = self.messages.iter().filter(|message| message.number > since);
        new.cloned().collect()
    }
}

impl std::fmt::Display for NotInRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not in the room", self.who)
    }
}

impl std::error::Error for NotInRoom {}
