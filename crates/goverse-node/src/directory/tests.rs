//! A directory beside a plain map that does the same, through objects that come, settle, are called, and go.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::activation::Activation;
use crate::clock::{NEVER, after, now};
use crate::idle::IdleTimes;
use crate::node::Node;
use crate::object::Object;
use crate::settings::TypeSettings;

#[derive(Default)]
struct Thing;

impl Object for Thing {
    const TYPE: &'static str = "Thing";
    const HAS_HOOKS: bool = false;
}

/// Outside of any runtime, so that nobody but the test looks for idle objects.
struct Stage {
    node: Node,
    times: IdleTimes,
    /// When they were last called, and whether they are watched.
    expected: BTreeMap<String, (u64, bool)>,
    random: SmallRng,
}

impl Stage {
    fn new(seed: u64) -> Self {
        let node = Node::builder("localhost:47000".parse().unwrap()).object::<Thing>();
        let timeout = TypeSettings::default().idle_timeout.unwrap();
        Self {
            node: node.build().unwrap(),
            times: IdleTimes::new(timeout),
            expected: BTreeMap::new(),
            random: SmallRng::seed_from_u64(seed),
        }
    }

    fn get(&self, id: &str) -> Option<Arc<Activation<Thing>>> {
        self.node.object_type::<Thing>().unwrap().directory.get(id)
    }

    fn some_id(&mut self) -> Option<String> {
        let index = self.random.random_range(0..self.expected.len().max(1));
        self.expected.keys().nth(index).cloned()
    }

    fn create(&mut self, id: String) {
        let created = self.node.create_object("Thing", &id).now_or_never().unwrap();
        assert_eq!(created.is_ok(), !self.expected.contains_key(&id), "{created:?}");
        let used = self.get(&id).unwrap().last_used();
        self.expected.entry(id).or_insert((used, true));
    }

    fn destroy(&mut self, id: &str) {
        self.node.destroy_object("Thing", id).now_or_never().unwrap().unwrap();
        assert!(self.get(id).is_none());
        self.expected.remove(id);
    }

    /// As a call does.
    fn call(&mut self, id: &str, at: u64) {
        let activation = self.get(id).unwrap();
        if activation.last_used() < at {
            activation.used(at);
            self.expected.get_mut(id).unwrap().0 = at;
        }
    }

    /// Takes the idle ones. One half is destroyed, of the other one half stays.
    fn take_idle(&mut self, now: u64) {
        let directory = &self.node.object_type::<Thing>().unwrap().directory;
        let taken = directory.take_idle(now);
        for activation in &taken {
            let (used, watched) = self.expected.get_mut(activation.id().as_str()).unwrap();
            assert!(std::mem::take(watched), "{} was taken before", activation.id());
            assert!(self.times.are_over(*used, now), "{} was called since", activation.id());
        }
        let mut due = NEVER;
        for (id, (used, watched)) in &self.expected {
            let slot = self.times.slot(*used);
            assert!(!watched || slot > now, "{id} was idle and not taken");
            due = if *watched { due.min(slot) } else { due };
        }
        assert!(directory.next_look() <= due, "the next look is too late");
        for activation in taken {
            match self.random.random_range(0..4) {
                0 | 1 => self.destroy(activation.id().as_str()),
                2 => {
                    let directory = &self.node.object_type::<Thing>().unwrap().directory;
                    directory.stays(&activation, now);
                    self.call(activation.id().as_str(), now);
                    self.expected.get_mut(activation.id().as_str()).unwrap().1 = true;
                }
                _ => {}
            }
        }
    }

    /// Everything is as in the plain map.
    fn check(&self) {
        let directory = &self.node.object_type::<Thing>().unwrap().directory;
        assert_eq!(directory.len(), self.expected.len());
        let mut seen = Vec::new();
        directory.for_each(|activation| seen.push(activation.id().to_string()));
        seen.sort_unstable();
        assert!(seen.iter().eq(self.expected.keys()));
        assert!(
            self.expected.keys().all(|id| self.get(id).is_some_and(|it| directory.contains(&it)))
        );
        assert!(self.get("nobody").is_none());
    }
}

#[test]
fn a_directory_is_a_map_whose_idle_objects_are_found_in_time() {
    for seed in 0..8 {
        let mut stage = Stage::new(seed);
        let mut time = now();
        // From a few, which stand beside the locks, to many, which have settled.
        for room in [10, 300, 3_000, 600, 5] {
            for step in 0..4 * room.max(100) {
                let id = stage.some_id();
                match (stage.random.random_range(0..8), id) {
                    (0..3, _) if stage.expected.len() < room => {
                        stage.create(format!("{room}-{step}"))
                    }
                    (3, Some(id)) => stage.create(id),
                    (4, Some(id)) => stage.call(&id, time),
                    (_, Some(id)) if stage.expected.len() > room => stage.destroy(&id),
                    (5, Some(id)) if step % 2 == 0 => stage.destroy(&id),
                    _ => {}
                }
                if step % 64 == 0 {
                    time = after(
                        time,
                        std::time::Duration::from_secs(stage.random.random_range(0..60)),
                    );
                    stage.take_idle(time);
                }
            }
            stage.check();
        }
        while let Some(id) = stage.some_id() {
            stage.destroy(&id);
        }
        stage.check();
    }
}
