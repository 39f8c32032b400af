//! What is moved where, as text: lines of a script on the left, who owns what after each on the right.

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::{Expect, expect};

use super::*;

/// A cluster in which every move is a handoff until the script says `done`.
#[derive(Default)]
struct World {
    names: Vec<String>,
    nodes: Vec<PlacedNode>,
    shards: Vec<PlacedShard>,
    /// By shard in handoff, who takes part in it.
    handoffs: BTreeMap<usize, Vec<u32>>,
    preferred: HashMap<ShardId, u32>,
    handoff_max: usize,
    epoch: u64,
}

fn check(script: &str, expected: Expect) {
    let mut world = World { handoff_max: 512, ..World::default() };
    let mut told = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let moved = world.run(&words);
        writeln!(told, "{line:<22}| {}{}", world.owners(), moved).unwrap();
    }
    expected.assert_eq(&told);
}

impl World {
    fn run(&mut self, words: &[&str]) -> String {
        match words {
            ["shards", count] => {
                self.names.push("-".into());
                self.nodes.push(node(Standing::Gone));
                let shard = PlacedShard { owner: 0, since: Epoch(0), in_handoff: false };
                self.shards = vec![shard; count.parse().unwrap()];
            }
            ["steps", count] => self.handoff_max = count.parse().unwrap(),
            ["nodes", names @ ..] => {
                names.iter().for_each(|name| self.join(name, Standing::Settled))
            }
            ["join", name] => self.join(name, Standing::Settling),
            ["settle", name] => self.set(name, Standing::Settled),
            ["kill", name] => self.set(name, Standing::Gone),
            ["drain", name] => self.set(name, Standing::Draining),
            ["unreadable", name] => self.set(name, Standing::Unknown),
            ["weight", name, weight] => {
                let node = self.node(name);
                self.nodes[node].weight = weight.parse().unwrap();
            }
            ["pin" | "move", shard, name] => {
                let node = self.node(name) as u32;
                self.preferred.insert(ShardId(shard.parse().unwrap()), node);
            }
            ["unpin", shard] => drop(self.preferred.remove(&ShardId(shard.parse().unwrap()))),
            ["done"] => self.done(),
            other => panic!("{other:?}"),
        }
        if self.nodes.len() > 1 { self.place() } else { String::new() }
    }

    fn join(&mut self, name: &str, standing: Standing) {
        self.names.push(name.into());
        self.nodes.push(node(standing));
    }

    fn node(&self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap()
    }

    fn set(&mut self, name: &str, standing: Standing) {
        let node = self.node(name);
        self.nodes[node].standing = standing;
    }

    fn done(&mut self) {
        self.handoffs.clear();
        self.nodes.iter_mut().for_each(|node| node.in_handoff = 0);
        self.shards.iter_mut().for_each(|shard| shard.in_handoff = false);
    }

    fn place(&mut self) -> String {
        self.epoch += 1;
        let moves = super::place(&Situation {
            nodes: self.nodes.clone(),
            shards: self.shards.clone(),
            preferred: self.preferred.clone(),
            handoff_max: self.handoff_max,
        });
        for Move { shard, to } in &moves {
            let place = &mut self.shards[shard.0 as usize];
            if self.nodes[place.owner as usize].standing != Standing::Gone {
                let handoff = self.handoffs.entry(shard.0 as usize).or_default();
                handoff.extend([place.owner, *to]);
                place.in_handoff = true;
            }
            (place.owner, place.since) = (*to, Epoch(self.epoch));
        }
        for (node, place) in (0..).zip(&mut self.nodes) {
            let is_in = |nodes: &&Vec<u32>| nodes.contains(&node);
            place.in_handoff = self.handoffs.values().filter(is_in).count();
        }
        if moves.is_empty() { String::new() } else { format!("; {} moved", moves.len()) }
    }

    fn owners(&self) -> String {
        let mut parts = Vec::new();
        for (node, name) in (0..).zip(&self.names) {
            let owned = (0..self.shards.len()).filter(|shard| self.shards[*shard].owner == node);
            let owned: Vec<String> = owned.map(|shard| shard.to_string()).collect();
            if !owned.is_empty() {
                parts.push(format!("{name}: {}", owned.join(" ")));
            }
        }
        parts.join(", ")
    }
}

fn node(standing: Standing) -> PlacedNode {
    PlacedNode { standing, weight: 100, in_handoff: 0 }
}

#[test]
fn a_dead_nodes_shards_are_spread_at_once_and_no_other_moves() {
    check(
        "shards 12
         steps 1
         nodes a b c
         kill b
         kill c
         kill a",
        expect![[r#"
            shards 12             | -: 0 1 2 3 4 5 6 7 8 9 10 11
            steps 1               | -: 0 1 2 3 4 5 6 7 8 9 10 11
            nodes a b c           | a: 0 1 2 3, b: 4 5 6 7, c: 8 9 10 11; 12 moved
            kill b                | a: 0 1 2 3 4 5, c: 6 7 8 9 10 11; 4 moved
            kill c                | a: 0 1 2 3 4 5 6 7 8 9 10 11; 6 moved
            kill a                | a: 0 1 2 3 4 5 6 7 8 9 10 11
        "#]],
    );
}

#[test]
fn a_joiner_gets_its_share_once_it_has_settled_in_steps() {
    check(
        "shards 9
         nodes a b
         steps 2
         join c
         settle c
         done
         done",
        expect![[r#"
            shards 9              | -: 0 1 2 3 4 5 6 7 8
            nodes a b             | a: 0 1 2 3 4, b: 5 6 7 8; 9 moved
            steps 2               | a: 0 1 2 3 4, b: 5 6 7 8
            join c                | a: 0 1 2 3 4, b: 5 6 7 8
            settle c              | a: 0 1 2, b: 5 6 7 8, c: 3 4; 2 moved
            done                  | a: 0 1 2, b: 5 6 7, c: 3 4 8; 1 moved
            done                  | a: 0 1 2, b: 5 6 7, c: 3 4 8
        "#]],
    );
}

#[test]
fn a_draining_node_gives_what_it_has_in_steps() {
    check(
        "shards 9
         nodes a b c
         steps 2
         drain b
         done
         done
         drain a
         drain c",
        expect![[r#"
            shards 9              | -: 0 1 2 3 4 5 6 7 8
            nodes a b c           | a: 0 1 2, b: 3 4 5, c: 6 7 8; 9 moved
            steps 2               | a: 0 1 2, b: 3 4 5, c: 6 7 8
            drain b               | a: 0 1 2 3 4, b: 5, c: 6 7 8; 2 moved
            done                  | a: 0 1 2 3 4, c: 5 6 7 8; 1 moved
            done                  | a: 0 1 2 3 4, c: 5 6 7 8
            drain a               | a: 2 3 4, c: 0 1 5 6 7 8; 2 moved
            drain c               | a: 2 3 4, c: 0 1 5 6 7 8
        "#]],
    );
}

#[test]
fn a_pin_is_a_preference_with_failover() {
    check(
        "shards 6
         nodes a b c
         pin 0 c
         done
         kill c
         join c2
         pin 0 c2
         settle c2
         done
         unpin 0",
        expect![[r#"
            shards 6              | -: 0 1 2 3 4 5
            nodes a b c           | a: 0 1, b: 2 3, c: 4 5; 6 moved
            pin 0 c               | a: 1 5, b: 2 3, c: 0 4; 2 moved
            done                  | a: 1 5, b: 2 3, c: 0 4
            kill c                | a: 0 1 5, b: 2 3 4; 2 moved
            join c2               | a: 0 1 5, b: 2 3 4
            pin 0 c2              | a: 0 1 5, b: 2 3 4
            settle c2             | a: 1 5, b: 2 4, c2: 0 3; 2 moved
            done                  | a: 1 5, b: 2 4, c2: 0 3
            unpin 0               | a: 1 5, b: 2 4, c2: 0 3
        "#]],
    );
}

#[test]
fn more_pins_than_a_share_are_kept_and_the_rest_is_divided() {
    check(
        "shards 8
         nodes a b c
         pin 3 a
         done
         pin 4 a
         done
         pin 7 a",
        expect![[r#"
            shards 8              | -: 0 1 2 3 4 5 6 7
            nodes a b c           | a: 0 1 2, b: 3 4 5, c: 6 7; 8 moved
            pin 3 a               | a: 0 1 3, b: 2 4 5, c: 6 7; 2 moved
            done                  | a: 0 1 3, b: 2 4 5, c: 6 7
            pin 4 a               | a: 0 3 4, b: 1 2 5, c: 6 7; 2 moved
            done                  | a: 0 3 4, b: 1 2 5, c: 6 7
            pin 7 a               | a: 3 4 7, b: 1 2 5, c: 0 6; 2 moved
        "#]],
    );
}

#[test]
fn a_moved_shard_stays_and_another_goes_back() {
    check(
        "shards 6
         nodes a b
         move 0 b
         unpin 0
         done",
        expect![[r#"
            shards 6              | -: 0 1 2 3 4 5
            nodes a b             | a: 0 1 2, b: 3 4 5; 6 moved
            move 0 b              | a: 1 2 5, b: 0 3 4; 2 moved
            unpin 0               | a: 1 2 5, b: 0 3 4
            done                  | a: 1 2 5, b: 0 3 4
        "#]],
    );
}

#[test]
fn weights_divide() {
    check(
        "shards 8
         nodes a b
         weight a 300
         done
         weight b 0",
        expect![[r#"
            shards 8              | -: 0 1 2 3 4 5 6 7
            nodes a b             | a: 0 1 2 3, b: 4 5 6 7; 8 moved
            weight a 300          | a: 0 1 2 3 6 7, b: 4 5; 2 moved
            done                  | a: 0 1 2 3 6 7, b: 4 5
            weight b 0            | a: 0 1 2 3 4 5 6 7; 2 moved
        "#]],
    );
}

#[test]
fn whoever_cannot_be_read_keeps_what_it_has() {
    check(
        "shards 9
         nodes a b c
         unreadable a
         kill b",
        expect![[r#"
            shards 9              | -: 0 1 2 3 4 5 6 7 8
            nodes a b c           | a: 0 1 2, b: 3 4 5, c: 6 7 8; 9 moved
            unreadable a          | a: 0 1 2, b: 3 4 5, c: 6 7 8
            kill b                | a: 0 1 2, c: 3 4 5 6 7 8; 3 moved
        "#]],
    );
}

#[test]
fn where_nobody_has_settled_those_who_settle_take_all() {
    check(
        "shards 4
         join a
         join b
         kill a",
        expect![[r#"
            shards 4              | -: 0 1 2 3
            join a                | a: 0 1 2 3; 4 moved
            join b                | a: 0 1 2 3
            kill a                | b: 0 1 2 3; 4 moved
        "#]],
    );
}

#[test]
fn a_shard_in_handoff_moves_again_only_if_its_owner_goes() {
    check(
        "shards 6
         nodes a b
         pin 0 b
         pin 0 a
         drain b",
        expect![[r#"
            shards 6              | -: 0 1 2 3 4 5
            nodes a b             | a: 0 1 2, b: 3 4 5; 6 moved
            pin 0 b               | a: 1 2 5, b: 0 3 4; 2 moved
            pin 0 a               | a: 1 2 5, b: 0 3 4
            drain b               | a: 0 1 2 3 4 5; 3 moved
        "#]],
    );
}

/// Whatever happens: balanced within one in the end, and no more moved than must be.
#[test]
fn random_changes_end_in_balance_with_least_moves() {
    use rand::{Rng, SeedableRng};
    for seed in 0..200 {
        let mut random = rand::rngs::SmallRng::seed_from_u64(seed);
        let mut world = World { handoff_max: 512, ..World::default() };
        let count = random.random_range(1..60);
        world.run(&["shards", &format!("{count}")]);
        world.run(&["nodes", "a", "b"]);
        for change in 0..10 {
            let before: Vec<u32> = world.shards.iter().map(|shard| shard.owner).collect();
            let settled: Vec<String> = (0..world.nodes.len())
                .filter(|node| world.nodes[*node].standing == Standing::Settled)
                .map(|node| world.names[node].clone())
                .collect();
            if settled.len() > 1 && random.random() {
                let victim = &settled[random.random_range(0..settled.len())];
                let end = if random.random() { "kill" } else { "drain" };
                world.run(&[end, victim]);
            } else {
                world.run(&["nodes", &format!("n{change}")]);
            }
            world.run(&["done"]);
            check_balance(&world, seed);
            let lost = |owner: &&u32| world.nodes[**owner as usize].standing != Standing::Settled;
            let must = before.iter().filter(lost).count();
            let moved = before.iter().zip(&world.shards).filter(|(b, s)| **b != s.owner).count();
            let nodes = world.nodes.iter().filter(|n| n.standing == Standing::Settled).count();
            let most = if must > 0 { must } else { count / nodes };
            assert!(moved <= most, "seed {seed}: {moved} moved where {most} would do");
        }
    }
}

fn check_balance(world: &World, seed: u64) {
    let settled = (0..world.nodes.len())
        .filter(|node| world.nodes[*node].standing == Standing::Settled)
        .map(|node| world.shards.iter().filter(|shard| shard.owner as usize == node).count());
    let counts: Vec<usize> = settled.collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(most - least <= 1, "seed {seed}: {counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), world.shards.len(), "seed {seed}");
}
