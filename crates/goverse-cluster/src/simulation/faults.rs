//! What befalls a simulated cluster, and how failures stop.

use std::collections::BTreeSet;

use goverse_core::ShardId;
use rand::Rng;

use super::objects::{Object, Work};
use super::plan::{FaultKind, Lagging};
use super::process::{Link, Process};
use super::world::{Happening, MS, ProcessId, SECOND, World};
use crate::coordinator::{Effect, Transaction};
use crate::machine::Event;
use crate::records::{ASSIGNMENT_KEY, INTENT_KEY, MoveRequest};

// === impl World ===

impl World {
    pub(super) fn befall(&mut self, index: usize) {
        let kind = self.plan.faults[index].kind.clone();
        self.tell(None, || format!("*** {kind}"));
        match kind {
            FaultKind::Outage { ms } => self.outage(ms, false),
            FaultKind::Wipe => self.outage(1_000, true),
            FaultKind::Compact => self.etcd.compact(),
            FaultKind::Spoil => self.put_by_hand(ASSIGNMENT_KEY, b"nonsense".to_vec()),
            FaultKind::Delete => {
                self.change_by_hand(Effect::Delete { key: ASSIGNMENT_KEY.into() });
            }
            FaultKind::SlowStore { ms, delay_ms } => {
                self.store_is_slow_until = self.now + ms * MS;
                self.store_delay_max = delay_ms * MS;
            }
            FaultKind::Move { shard, node } => self.wish_move(ShardId(shard), node),
            FaultKind::Pin { shard, node } => {
                self.intent.pins.insert(ShardId(shard), Process::address(node));
                self.put_intent();
            }
            FaultKind::SlowTurn { shard, ms } => {
                let object = Object { shard: ShardId(shard), number: 0 };
                self.call(object, Work::Takes(ms * MS));
            }
            FaultKind::Start { node } => {
                if self.living(node).is_none() {
                    self.start(node);
                }
            }
            FaultKind::Twin { node } => self.start(node),
            FaultKind::Pause { node, .. }
            | FaultKind::Suspend { node, .. }
            | FaultKind::Crash { node }
            | FaultKind::Cut { node, .. }
            | FaultKind::LoseReplies { node, .. }
            | FaultKind::Slow { node, .. }
            | FaultKind::SlowReplies { node, .. }
            | FaultKind::BreakWatch { node }
            | FaultKind::StallWatch { node }
            | FaultKind::Lag { node, .. }
            | FaultKind::Drain { node } => {
                if let Some(process) = self.living(node) {
                    self.befall_process(process, kind);
                }
            }
        }
    }

    fn befall_process(&mut self, process: ProcessId, kind: FaultKind) {
        let now = self.now;
        let link = &mut self.processes[process].link;
        match kind {
            FaultKind::Pause { ms, .. } => self.processes[process].paused_until = now + ms * MS,
            FaultKind::Suspend { ms, .. } => {
                self.processes[process].paused_until = now + ms * MS;
                self.processes[process].slept += ms * MS;
            }
            FaultKind::Crash { .. } => self.end(process),
            FaultKind::Cut { ms, .. } => link.cut_until = now + ms * MS,
            FaultKind::LoseReplies { ms, .. } => link.loses_replies_until = now + ms * MS,
            FaultKind::Slow { ms, delay_ms, .. } => {
                (link.slow_until, link.delay_max) = (now + ms * MS, delay_ms * MS);
            }
            FaultKind::SlowReplies { ms, delay_ms, .. } => {
                (link.slow_replies_until, link.reply_delay_max) = (now + ms * MS, delay_ms * MS);
            }
            FaultKind::Lag { what: Lagging::Members, ms, .. } => {
                link.members_lag_until = now + ms * MS;
            }
            FaultKind::Lag { what: Lagging::Assignment, ms, .. } => {
                link.assignment_lags_until = now + ms * MS;
            }
            FaultKind::BreakWatch { .. } => self.break_watch(process),
            FaultKind::StallWatch { .. } => self.stall_watch(process),
            FaultKind::Drain { .. } => self.drain(process),
            _ => {}
        }
    }

    fn drain(&mut self, process: ProcessId) {
        self.processes[process].is_draining = true;
        self.step(process, Event::Drain);
    }

    fn outage(&mut self, ms: u64, is_wiped: bool) {
        let until = self.now + ms * MS;
        self.etcd.go_down(until);
        if is_wiped {
            self.etcd.wipe();
        }
        (0..self.processes.len()).for_each(|process| self.break_watch(process));
        self.at(until + self.plan.ttl_ms * MS, Happening::LeaseCheck);
    }

    /// Failures stop, and there is somebody who can go on.
    pub(super) fn calm_down(&mut self) {
        self.tell(None, || String::from("*** failures stop"));
        self.etcd.down_until = self.etcd.down_until.min(self.now);
        self.store_is_slow_until = 0;
        for process in &mut self.processes {
            process.link = Link::default();
            process.paused_until = process.paused_until.min(self.now);
        }
        for node in self.staying().len()..self.plan.min_quorum {
            self.start(100 + node);
        }
        self.at(self.wishes_begin(), Happening::Wish);
    }

    /// An operator moves a shard, or drains a node that can be spared.
    pub(super) fn wish(&mut self) {
        if self.now < self.wishes_begin() + 8 * SECOND {
            self.after(700 * MS, Happening::Wish);
        }
        let staying: Vec<usize> = self.staying().into_iter().collect();
        if staying.is_empty() {
            return;
        }
        let node = staying[self.random.random_range(0..staying.len())];
        let can_be_spared = staying.len() > self.plan.min_quorum.max(1);
        if can_be_spared && self.random.random_ratio(1, 8) {
            let process = self.living(node).expect("a node that stays has a process");
            return self.drain(process);
        }
        let shard = ShardId(self.random.random_range(0..self.plan.shards));
        self.wish_move(shard, node);
    }

    /// The nodes with a process that lives and does not drain. Two at one address cannot both be members.
    fn staying(&self) -> BTreeSet<usize> {
        let stays = |process: &&Process| process.is_alive && !process.is_draining;
        self.processes.iter().filter(stays).map(|process| process.node).collect()
    }

    fn wish_move(&mut self, shard: ShardId, node: usize) {
        let to = Process::address(node);
        let wish = MoveRequest { to, epoch: self.epoch_last };
        self.intent.moves.insert(shard, wish);
        self.put_intent();
    }

    fn put_intent(&mut self) {
        let value = self.intent.encode();
        self.put_by_hand(INTENT_KEY, value);
    }

    fn put_by_hand(&mut self, key: &str, value: Vec<u8>) {
        self.change_by_hand(Effect::Put { key: key.into(), value, lease: None });
    }

    fn change_by_hand(&mut self, effect: Effect) {
        if self.etcd.is_up(self.now) {
            self.etcd.transact(&Transaction { guards: vec![], effects: vec![effect] });
            self.publish();
        }
    }
}
