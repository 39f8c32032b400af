//! People who come, talk and go: a seeded load whose size the caller chooses.

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use goverse::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{ChatClient, ChatRoom};

/// How long people stay in, and away, in seconds.
const IN: Range<f64> = 2.0..20.0;
const AWAY: Range<f64> = 0.5..8.0;
/// How long they think before they say something, in seconds.
const THINKING: Range<f64> = 0.2..4.0;

/// A crowd: how many people and rooms there are. At any moment a part of the people is in, and of the rooms those are
/// open that somebody is in; without rooms nobody comes.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// The nodes that the rooms are spread over, and the people with them.
    pub nodes: Vec<Node>,
    /// How many people there are.
    pub clients: usize,
    /// How many rooms there are.
    pub rooms: usize,
    /// Two crowds of one seed make the same choices.
    pub seed: u64,
}

/// One person: comes and goes for ever.
struct Person {
    name: String,
    choices: SmallRng,
}

// === impl Crowd ===

impl Crowd {
    /// Lets people come and go until `stop` is done. Who is in then stays in.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let mut people = JoinSet::new();
        for index in 0..self.clients {
            let choices = SmallRng::seed_from_u64(self.seed.wrapping_add(index as u64));
            let person = Person { name: format!("client-{index}"), choices };
            people.spawn(person.come_and_go(self.clone()));
        }
        stop.await;
        people.shutdown().await;
    }

    /// A room and its node: the first rooms are the most popular.
    fn choose_room(&self, choices: &mut SmallRng) -> Option<(&Node, String)> {
        let popularity: f64 = choices.random_range(0.0..1.0);
        let room = (popularity.powi(2) * self.rooms as f64) as usize;
        // Nodes do not know each other yet, so each room has a place that everybody knows.
        let node = self.nodes.get(room % self.nodes.len().max(1))?;
        (room < self.rooms).then(|| (node, format!("room-{room}")))
    }
}

// === impl Person ===

impl Person {
    async fn come_and_go(mut self, crowd: Crowd) {
        // Nobody arrives in the first instant together with all the others.
        self.wait(0.0..1.0).await;
        while let Some((node, room)) = crowd.choose_room(&mut self.choices) {
            // A node that shuts down takes nobody; the person tries again later, elsewhere.
            if node.create_object(ChatClient::TYPE, &self.name).await.is_ok() {
                let _ = self.visit(node, &room).await;
                let _ = node.destroy_object(ChatClient::TYPE, &self.name).await;
            }
            self.wait(AWAY).await;
        }
    }

    /// Talks in a room for a while.
    async fn visit(&mut self, node: &Node, room: &str) -> Result<(), Box<dyn std::error::Error>> {
        let room = node.object::<ChatRoom>(room);
        let client = node.object::<ChatClient>(&self.name);
        let mut seen = room.join(self.name.clone()).await?;
        let until = Instant::now() + self.time(IN);
        while Instant::now() < until {
            self.wait(THINKING).await;
            let heard = client.inbox().await?.len();
            // In a crowded room not everybody hears everything.
            let read = room.messages(seen).await?.len();
            let text = format!("I heard {heard} of {read} things");
            seen = room.say(self.name.clone(), text).await?;
        }
        Ok(room.leave(self.name.clone()).await?)
    }

    fn time(&mut self, seconds: Range<f64>) -> Duration {
        Duration::from_secs_f64(self.choices.random_range(seconds))
    }

    async fn wait(&mut self, seconds: Range<f64>) {
        sleep(self.time(seconds)).await;
    }
}
