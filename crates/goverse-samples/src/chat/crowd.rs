//! People who enter and leave a chat: a seeded load whose size the caller chooses.

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use goverse::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{ChatClient, ChatRoom};

/// How long people stay in, and away, in seconds.
const CLIENT_IN: Range<f64> = 2.0..20.0;
const CLIENT_AWAY: Range<f64> = 0.5..8.0;
/// Rooms are opened for longer.
const ROOM_OPEN: Range<f64> = 15.0..90.0;
const ROOM_CLOSED: Range<f64> = 1.0..15.0;

/// A crowd: how many rooms and people there are, of which some are in at any moment.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// The nodes that rooms and people are spread over.
    pub nodes: Vec<Node>,
    /// How many people there are.
    pub clients: usize,
    /// How many rooms there are.
    pub rooms: usize,
    /// Two crowds of one seed make the same choices.
    pub seed: u64,
}

/// One room or person: comes and goes for ever.
struct Visitor {
    type_name: &'static str,
    id: String,
    stay: Range<f64>,
    away: Range<f64>,
    choices: SmallRng,
}

// === impl Crowd ===

impl Crowd {
    /// Lets people come and go until `stop` is done. Who is in then stays in.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let mut visitors = JoinSet::new();
        for visitor in self.visitors() {
            visitors.spawn(visitor.come_and_go(self.nodes.clone()));
        }
        stop.await;
        visitors.shutdown().await;
    }

    fn visitors(&self) -> impl Iterator<Item = Visitor> {
        let choices = |index: usize| SmallRng::seed_from_u64(self.seed.wrapping_add(index as u64));
        let rooms = (0..self.rooms).map(move |index| Visitor {
            type_name: ChatRoom::TYPE,
            id: format!("room-{index}"),
            stay: ROOM_OPEN,
            away: ROOM_CLOSED,
            choices: choices(index),
        });
        let clients = (0..self.clients).map(move |index| Visitor {
            type_name: ChatClient::TYPE,
            id: format!("client-{index}"),
            stay: CLIENT_IN,
            away: CLIENT_AWAY,
            choices: choices(self.rooms + index),
        });
        rooms.chain(clients)
    }
}

// === impl Visitor ===

impl Visitor {
    async fn come_and_go(mut self, nodes: Vec<Node>) {
        // Nobody arrives in the first instant together with all the others.
        let first = self.choices.random_range(0.0..1.0);
        sleep(Duration::from_secs_f64(first)).await;
        while !nodes.is_empty() {
            let node = &nodes[self.choices.random_range(0..nodes.len())];
            // A node that shuts down takes nobody; the visitor tries again later, elsewhere.
            if node.create_object(self.type_name, &self.id).await.is_ok() {
                self.wait(self.stay.clone()).await;
                let _ = node.destroy_object(self.type_name, &self.id).await;
            }
            self.wait(self.away.clone()).await;
        }
    }

    async fn wait(&mut self, seconds: Range<f64>) {
        sleep(Duration::from_secs_f64(self.choices.random_range(seconds))).await;
    }
}
