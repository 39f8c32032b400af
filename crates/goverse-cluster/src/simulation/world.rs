//! One simulated cluster: its queue of what happens next, and everything that lives in it.

use std::collections::BTreeMap;
use std::fmt::Display;

use goverse_core::ShardId;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::etcd::Etcd;
use super::objects::{Call, Object, Turn};
use super::plan::Plan;
use super::process::Process;
use super::requests::Request;
use super::store::{Row, Save, Store};
use super::trace::Trace;
use super::{Failure, Invariant, Time};
use crate::mutant::{Mutant, Rules};
use crate::records::Intent;
use crate::tenure::Epoch;

/// One simulated cluster.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) rules: Rules,
    pub(super) now: Time,
    queue: BTreeMap<(Time, u64), Happening>,
    next_number: u64,
    pub(super) random: SmallRng,
    pub(super) etcd: Etcd,
    pub(super) store: Store,
    pub(super) store_is_slow_until: Time,
    pub(super) store_delay_max: Time,
    pub(super) processes: Vec<Process>,
    pub(super) requests: Vec<Request>,
    pub(super) calls: Vec<Call>,
    pub(super) turns: Vec<Turn>,
    pub(super) intent: Intent,
    pub(super) epoch_last: Epoch,
    /// By shard: since when nobody serves it and nobody's turn holds it up.
    pub(super) unserved: Vec<Option<Time>>,
    pub(super) trace: Trace,
    pub(super) failure: Option<Failure>,
    pub(super) steps: u64,
}

/// A process, by its place in the list; it is never used again.
pub(super) type ProcessId = usize;

/// What happens at some time.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    Fault(usize),
    Quiet,
    /// Operators move something about, when failures have stopped.
    Wish,
    Check,
    LeaseCheck,
    ClientCall,
    /// A request comes to the coordinator, its reply comes back, or it has taken too long.
    Arrive(usize),
    Reply(usize),
    TimeOut(usize),
    Tick(ProcessId),
    Start(usize),
    Grant(ProcessId),
    Ready(ProcessId),
    WatchNext {
        process: ProcessId,
        watch: u64,
        group: usize,
    },
    WatchEnded {
        process: ProcessId,
        watch: u64,
    },
    IdleCheck {
        process: ProcessId,
        shard: ShardId,
    },
    Route(usize),
    Request {
        call: usize,
        process: ProcessId,
    },
    CallOut(usize),
    TurnEnd(usize),
    SendSave(usize),
    Save {
        turn: usize,
        save: Save,
    },
    SaveReply {
        turn: usize,
        row: Option<Row>,
    },
    SaveTimeOut(usize),
    Load {
        process: ProcessId,
        object: Object,
        since: Epoch,
        is_after_unknown: bool,
    },
    LoadReply {
        process: ProcessId,
        object: Object,
        since: Epoch,
        row: Option<Row>,
    },
}

pub(super) const MS: Time = 1_000;
pub(super) const SECOND: Time = 1_000 * MS;

// === impl World ===

impl World {
    pub(super) fn new(plan: Plan, mutant: Option<Mutant>, is_traced: bool) -> Self {
        let rules = Rules { without: mutant };
        let mut world = Self {
            rules,
            now: 0,
            queue: BTreeMap::new(),
            next_number: 0,
            random: SmallRng::seed_from_u64(plan.seed),
            etcd: Etcd::new(),
            store: Store::new(rules),
            store_is_slow_until: 0,
            store_delay_max: 0,
            processes: Vec::new(),
            requests: Vec::new(),
            calls: Vec::new(),
            turns: Vec::new(),
            intent: Intent::default(),
            epoch_last: Epoch(0),
            unserved: vec![None; plan.shards as usize],
            trace: Trace::new(is_traced),
            failure: None,
            steps: 0,
            plan,
        };
        for node in 0..world.plan.nodes {
            let at = world.random.random_range(0..300 * MS);
            world.at(at, Happening::Start(node));
        }
        for (index, fault) in world.plan.faults.clone().iter().enumerate() {
            world.at(fault.at_ms * MS, Happening::Fault(index));
        }
        world.at(world.plan.quiet_ms * MS, Happening::Quiet);
        world.at(100 * MS, Happening::Check);
        world.at(50 * MS, Happening::ClientCall);
        world
    }

    /// Goes on until everything is over, or something is wrong.
    pub(super) fn run(&mut self) {
        let end = self.wishes_begin() + 14 * SECOND;
        while self.failure.is_none() {
            let Some(((time, _), happening)) = self.queue.pop_first() else { break };
            if time > end {
                break;
            }
            self.now = time;
            self.steps += 1;
            if let Some(happening) = self.unless_paused(happening) {
                self.happen(happening);
            }
        }
    }

    /// When everything must have been put right after failures stopped.
    pub(super) fn wishes_begin(&self) -> Time {
        (self.plan.quiet_ms + 3 * self.plan.ttl_ms) * MS + 9 * SECOND
    }

    pub(super) fn at(&mut self, time: Time, happening: Happening) {
        self.next_number += 1;
        self.queue.insert((time.max(self.now), self.next_number), happening);
    }

    pub(super) fn after(&mut self, delay: Time, happening: Happening) {
        self.at(self.now + delay, happening);
    }

    /// What happens to a dead process does not happen, and who calls it finds no link; what happens to a paused one happens when it is resumed, in any
    /// order.
    fn unless_paused(&mut self, happening: Happening) -> Option<Happening> {
        let Some(process) = self.addressee(&happening) else { return Some(happening) };
        let Process { is_alive, paused_until, .. } = self.processes[process];
        if !is_alive {
            if let Happening::Request { call, .. } = happening {
                self.route_again(call);
            }
            return None;
        }
        if paused_until > self.now {
            let jitter = self.random.random_range(0..2 * MS);
            self.at(paused_until + jitter, happening);
            return None;
        }
        Some(happening)
    }

    fn addressee(&self, happening: &Happening) -> Option<ProcessId> {
        match happening {
            Happening::Fault(_)
            | Happening::Quiet
            | Happening::Wish
            | Happening::Check
            | Happening::LeaseCheck
            | Happening::ClientCall
            | Happening::Arrive(_)
            | Happening::Start(_)
            | Happening::Route(_)
            | Happening::Save { .. }
            | Happening::Load { .. } => None,
            Happening::Reply(request) | Happening::TimeOut(request) => {
                Some(self.requests[*request].process)
            }
            Happening::CallOut(turn)
            | Happening::TurnEnd(turn)
            | Happening::SendSave(turn)
            | Happening::SaveReply { turn, .. }
            | Happening::SaveTimeOut(turn) => Some(self.turns[*turn].process),
            Happening::Tick(process)
            | Happening::Grant(process)
            | Happening::Ready(process)
            | Happening::WatchNext { process, .. }
            | Happening::WatchEnded { process, .. }
            | Happening::IdleCheck { process, .. }
            | Happening::Request { process, .. }
            | Happening::LoadReply { process, .. } => Some(*process),
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Fault(index) => self.befall(index),
            Happening::Quiet => self.calm_down(),
            Happening::Wish => self.wish(),
            Happening::Check => self.check_liveness(),
            Happening::LeaseCheck => self.expire_leases(),
            Happening::ClientCall => self.call_by_client(),
            Happening::Arrive(request) => self.arrive(request),
            Happening::Reply(request) => self.reply(request),
            Happening::TimeOut(request) => self.time_out(request),
            Happening::Tick(process) => self.tick(process),
            Happening::Start(node) => self.start(node),
            Happening::Grant(process) => self.ask_for_lease(process),
            Happening::Ready(process) => self.ready(process),
            Happening::WatchNext { process, watch, group } => {
                self.watch_next(process, watch, group);
            }
            Happening::WatchEnded { process, watch } => self.watch_ended(process, watch),
            Happening::IdleCheck { process, shard } => self.check_idle(process, shard),
            Happening::Route(call) => self.route(call),
            Happening::Request { call, process } => self.receive(call, process),
            Happening::CallOut(turn) => self.call_out(turn),
            Happening::TurnEnd(turn) => self.end_turn(turn),
            Happening::SendSave(turn) => self.send_save(turn),
            Happening::Save { turn, save } => self.save(turn, save),
            Happening::SaveReply { turn, row } => self.saved(turn, row),
            Happening::SaveTimeOut(turn) => self.save_unknown(turn),
            Happening::Load { process, object, since, is_after_unknown } => {
                self.load(process, object, since, is_after_unknown);
            }
            Happening::LoadReply { process, object, since, row } => {
                self.loaded(process, object, since, row);
            }
        }
    }

    pub(super) fn fail(&mut self, invariant: Invariant, message: impl Display) {
        if self.failure.is_none() {
            let message = message.to_string();
            self.failure = Some(Failure { invariant, at: self.now, message });
        }
    }

    pub(super) fn tell(&mut self, shard: Option<ShardId>, message: impl FnOnce() -> String) {
        self.trace.tell(self.now, shard, message);
    }
}
