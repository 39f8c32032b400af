//! Objects that come and go, a second: 64 tasks, each of which makes one, stops it, and waits for its end.

use std::sync::Arc;

use super::callers::{Bell, per_second};
use super::competitor::Competitor;
use super::contest::{Beside, Quantity, Scenario};
use super::many_objects::CALLERS;

/// Ids that a task goes round.
const IDS: usize = 256;

/// By what runs at an object's ends.
#[derive(Clone, Copy)]
pub(super) enum SpawnStop {
    Nothing,
    Hooks,
}

impl Scenario for SpawnStop {
    type Outcome = f64;

    fn quantities(&self) -> Vec<Quantity<f64>> {
        let beside = Beside::MostOfFrameworks;
        let name = match self {
            Self::Nothing => "spawn_stop",
            Self::Hooks => "spawn_stop with hooks",
        };
        vec![Quantity { name, unit: "/s", value: |objects| *objects, beside }]
    }

    fn measure<C: Competitor>(&self, competitor: Arc<C>, threads: &C::Threads) -> f64 {
        let hooks = *self;
        per_second(threads, CALLERS, |task, bell| {
            let ids = (0..IDS).map(|number| format!("counter-{task}-{number}")).collect();
            come_and_go(Arc::clone(&competitor), hooks, ids, bell)
        })
    }
}

async fn come_and_go<C: Competitor>(
    competitor: Arc<C>,
    hooks: SpawnStop,
    ids: Vec<String>,
    bell: Bell,
) -> u64 {
    let mut ids = ids.iter().cycle();
    let mut objects = 0;
    while let (false, Some(id)) = (bell.rings(), ids.next()) {
        match hooks {
            SpawnStop::Nothing => competitor.come_and_go(id).await,
            SpawnStop::Hooks => competitor.come_and_go_with_hooks(id).await,
        }
        objects += 1;
    }
    objects
}
