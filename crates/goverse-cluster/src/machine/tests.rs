//! What a machine does next, where chance does not matter: one promise a test.

use std::time::Duration;

use goverse_core::{NodeAddress, ShardCount, ShardId};

use super::*;
use crate::coordinator::{Content, WatchEvent};
use crate::records::{
    ASSIGNMENT_KEY, CONFIG_KEY, ClusterConfig, INTENT_KEY, Intent, MoveRequest, member_key,
};
use crate::simulation::Lockstep;

mod bad_input;
mod handoff;
mod membership;
mod windows;

const SECOND: Duration = Duration::from_secs(1);

fn address(name: &str) -> NodeAddress {
    format!("{name}:47000").parse().unwrap()
}

fn settings(name: &str) -> Settings {
    let mut settings = Settings::new(address(name));
    settings.shards = ShardCount::new(8).unwrap();
    settings
}

/// A cluster of those nodes, settled.
fn cluster(names: &[&str]) -> Lockstep {
    let mut cluster = Lockstep::default();
    for name in names {
        cluster.start(settings(name));
    }
    cluster.pass(10 * SECOND);
    for name in names {
        cluster.said(&address(name));
    }
    cluster
}

/// The shards that a node serves, as text.
fn serves(cluster: &Lockstep, name: &str) -> String {
    let Some(machine) = cluster.machine(&address(name)) else { return String::from("gone") };
    let is_served = |shard: &u32| matches!(machine.shard(ShardId(*shard)), ShardState::Serving(_));
    (0..8).filter(is_served).map(|shard| shard.to_string()).collect::<Vec<_>>().join(" ")
}

fn epoch(cluster: &Lockstep, name: &str) -> Epoch {
    cluster.machine(&address(name)).and_then(Machine::view).map(View::epoch).unwrap_or_default()
}

fn last(cluster: &mut Lockstep, name: &str) -> Option<Action> {
    cluster.said(&address(name)).pop()
}
