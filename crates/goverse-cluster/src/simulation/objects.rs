//! The objects that simulated processes run: calls, turns, activations, saves.
//!
//! They keep to the chapters *A shard on a node*, *Store* and *Calls between nodes* of the protocol, as a server does.
//! Each shard has two objects. Number 0 may be slow, never end, or call a number 1 anywhere; number 1 is quick, so that
//! no two calls wait for each other but by a fault of the protocol.

use std::collections::VecDeque;

use goverse_core::ShardId;
use rand::Rng;

use super::Time;
use super::process::{Tenure, name};
use super::store::{Row, Save};
use super::world::{Happening, MS, ProcessId, SECOND, World};
use crate::machine::{Event, View};
use crate::tenure::{Epoch, Token};

mod saves;

/// An object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    pub(super) shard: ShardId,
    pub(super) number: u8,
}

/// An object in the memory of a process.
#[derive(Debug, Default)]
pub(super) struct Activation {
    pub(super) since: Epoch,
    pub(super) loaded: Option<Row>,
    is_loading: bool,
    /// The save under way may or may not have been accepted.
    pub(super) is_saving: bool,
    is_after_unknown: bool,
    turn: Option<usize>,
    queue: VecDeque<usize>,
}

/// A call, from a client or from a turn.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) object: Object,
    work: Work,
    deadline: Time,
    /// The process that looks for the owner.
    entry: ProcessId,
    /// The turns that wait for it, the first one first.
    pub(super) chain: Vec<usize>,
    tries: u32,
    pub(super) is_over: bool,
    /// Since when nothing but the protocol holds it up.
    pub(super) stuck_since: Option<Time>,
}

/// What a turn does before it saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Takes(Time),
    /// Answers from the state as it is, and saves nothing.
    Reads(Time),
    Never,
    Calls(Object),
}

/// A turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) process: ProcessId,
    pub(super) token: Token,
    pub(super) object: Object,
    call: usize,
    work: Work,
    pub(super) is_over: bool,
}

/// How long a turn may take, whatever becomes of its shard.
const TURN_MAX: Time = 20 * SECOND;
const CALL_MAX: Time = 10 * SECOND;

// === impl World ===

impl World {
    pub(super) fn call_by_client(&mut self) {
        let pause = SECOND / self.plan.calls_per_s.max(1);
        let pause = self.random.random_range(1..2 * pause);
        self.after(pause, Happening::ClientCall);
        let object = Object { shard: self.any_shard(), number: self.random.random_range(0..2) };
        let work = self.any_work(object);
        self.call(object, work);
    }

    fn any_shard(&mut self) -> ShardId {
        ShardId(self.random.random_range(0..self.plan.shards))
    }

    fn any_work(&mut self, object: Object) -> Work {
        if self.random.random_ratio(1, 4) {
            return Work::Reads(self.random.random_range(50..MS));
        }
        if object.number == 1 {
            return Work::Takes(self.random.random_range(50..2 * MS));
        }
        match self.random.random_range(0..100) {
            0..70 => Work::Takes(self.random.random_range(50..5 * MS)),
            70..82 => Work::Takes(self.random.random_range(100 * MS..3 * SECOND)),
            82..84 => Work::Never,
            _ => {
                let same = self.random.random();
                let shard = if same { object.shard } else { self.any_shard() };
                Work::Calls(Object { shard, number: 1 })
            }
        }
    }

    /// A client calls, at any process that lives.
    pub(super) fn call(&mut self, object: Object, work: Work) {
        let living: Vec<ProcessId> =
            (0..self.processes.len()).filter(|id| self.processes[*id].is_alive).collect();
        if living.is_empty() {
            return;
        }
        let entry = living[self.random.random_range(0..living.len())];
        self.put_call(object, work, entry, Vec::new());
    }

    fn put_call(&mut self, object: Object, work: Work, entry: ProcessId, chain: Vec<usize>) {
        let id = self.calls.len();
        let deadline = self.now + CALL_MAX;
        let (tries, is_over, stuck_since) = (0, false, None);
        let call = Call { object, work, deadline, entry, chain, tries, is_over, stuck_since };
        self.calls.push(call);
        self.route(id);
    }

    /// Looks for whom to ask: a holder on which the chain runs, then the owner.
    pub(super) fn route(&mut self, id: usize) {
        let Call { ref object, deadline, entry, ref chain, tries, is_over, .. } = self.calls[id];
        if is_over {
            return;
        }
        if self.now >= deadline || !self.processes[entry].is_alive {
            return self.end_call(id);
        }
        let target = self.processes[entry].view().and_then(|view| {
            let route = view.route(object.shard)?;
            let mut asked = Vec::new();
            if !left_out!(self.rules, NoChainRule) {
                let runs = |process: ProcessId| self.runs_at(process, &route.holders);
                let on_holder = chain.iter().map(|turn| self.turns[*turn].process);
                asked.extend(on_holder.filter(|process| runs(*process)));
            }
            asked.extend(self.process_of(route.address, route.incarnation));
            asked.get(tries as usize % asked.len().max(1)).copied()
        });
        self.calls[id].tries += 1;
        match target {
            Some(process) => {
                let delay = self.random.random_range(100..2 * MS);
                self.after(delay, Happening::Request { call: id, process });
            }
            None => self.route_again(id),
        }
    }

    fn runs_at(&self, process: ProcessId, holders: &[&goverse_core::NodeAddress]) -> bool {
        let it = &self.processes[process];
        it.is_alive
            && it.machine.as_ref().is_some_and(|machine| {
                holders.iter().any(|holder| **holder == machine.settings().address)
            })
    }

    fn process_of(
        &self,
        address: &goverse_core::NodeAddress,
        incarnation: crate::tenure::Incarnation,
    ) -> Option<ProcessId> {
        (0..self.processes.len()).find(|process| {
            self.processes[*process].machine.as_ref().is_some_and(|machine| {
                machine.incarnation() == incarnation && machine.settings().address == *address
            })
        })
    }

    pub(super) fn route_again(&mut self, id: usize) {
        let backoff = Time::from(self.calls[id].tries.min(20)) * 5 * MS;
        let jitter = self.random.random_range(0..MS);
        self.after(backoff + jitter, Happening::Route(id));
    }

    /// A call comes to a process: it begins, waits its turn, or is told to look elsewhere.
    pub(super) fn receive(&mut self, id: usize, process: ProcessId) {
        let Call { object, is_over, .. } = self.calls[id];
        if is_over {
            return;
        }
        if !self.admits(process, id) {
            return self.route_again(id);
        }
        let since = self.processes[process].tenures[&object.shard].since;
        let activation = self.processes[process].activations.entry(object).or_default();
        if activation.since != since {
            *activation = Activation { since, ..Activation::default() };
        }
        activation.queue.push_back(id);
        self.go_on(process, object);
    }

    /// Whether turns of that call may begin at a process now.
    fn admits(&self, process: ProcessId, id: usize) -> bool {
        let Call { ref object, ref chain, .. } = self.calls[id];
        let it = &self.processes[process];
        let Some(tenure) = it.tenures.get(&object.shard) else { return false };
        if !self.is_window_open(process) && !left_out!(self.rules, NoWindow) {
            return false;
        }
        let runs_here = |turn: &usize| {
            let turn = &self.turns[*turn];
            let tenure = it.tenures.get(&turn.object.shard);
            turn.process == process
                && !turn.is_over
                && tenure.is_some_and(|its| its.is_releasing && its.since == turn.token.since)
        };
        let chain_rule = !left_out!(self.rules, NoChainRule);
        !tenure.is_releasing || (chain_rule && chain.iter().any(runs_here))
    }

    pub(super) fn is_window_open(&self, process: ProcessId) -> bool {
        self.moment(process).boot < self.processes[process].window_end
    }

    /// Begins the next turn of an object, or loads it first.
    fn go_on(&mut self, process: ProcessId, object: Object) {
        loop {
            let Some(activation) = self.processes[process].activations.get_mut(&object) else {
                return;
            };
            if activation.turn.is_some() || activation.is_loading || activation.is_saving {
                return;
            }
            let Some(call) = activation.queue.front().copied() else { return };
            if activation.loaded.is_none() {
                return self.begin_load(process, object);
            }
            activation.queue.pop_front();
            let is_over = self.calls[call].is_over || self.calls[call].deadline <= self.now;
            if is_over {
                self.end_call(call);
            } else if self.admits(process, call) {
                return self.begin_turn(process, object, call);
            } else {
                self.route_again(call);
            }
        }
    }

    fn begin_turn(&mut self, process: ProcessId, object: Object, call: usize) {
        let id = self.turns.len();
        let it = &mut self.processes[process];
        let Some(machine) = &it.machine else { return };
        let incarnation = machine.incarnation();
        let Some(activation) = it.activations.get_mut(&object) else { return };
        activation.turn = Some(id);
        let token = Token { incarnation, shard: object.shard, since: activation.since };
        let work = self.calls[call].work;
        self.turns.push(Turn { process, token, object, call, work, is_over: false });
        self.act(id, "begins a turn");
        match work {
            Work::Takes(time) | Work::Reads(time) => self.after(time, Happening::TurnEnd(id)),
            Work::Never => self.after(TURN_MAX, Happening::TurnEnd(id)),
            Work::Calls(_) => self.after(300, Happening::CallOut(id)),
        }
    }

    /// Whether the tenure of a turn still is; then nothing of it has been revoked.
    pub(super) fn has_token(&self, turn: usize) -> bool {
        let Turn { process, token, .. } = self.turns[turn];
        let it = &self.processes[process];
        let is_life = it.machine.as_ref().is_some_and(|m| m.incarnation() == token.incarnation);
        is_life && it.tenures.get(&token.shard).is_some_and(|its| its.since == token.since)
    }

    pub(super) fn call_out(&mut self, id: usize) {
        let Turn { process, call, work, is_over, .. } = self.turns[id];
        let Work::Calls(object) = work else { return };
        if is_over {
            return;
        }
        if !self.has_token(id) {
            return self.end_without_effect(id);
        }
        if !self.is_window_open(process) && !left_out!(self.rules, NoWindow) {
            return self.after(50 * MS, Happening::CallOut(id));
        }
        self.act(id, "calls out");
        let mut chain = self.calls[call].chain.clone();
        chain.push(id);
        let work = self.any_work(object);
        self.put_call(object, work, process, chain);
    }

    /// A turn has run: it saves or answers, if nobody else can have begun.
    pub(super) fn end_turn(&mut self, id: usize) {
        let Turn { process, work, is_over, .. } = self.turns[id];
        if is_over {
            return;
        }
        let checks = !left_out!(self.rules, NoCheckAfterTurn);
        if work == Work::Never || (checks && !self.has_token(id)) {
            return self.end_without_effect(id);
        }
        let checks_window = checks && !left_out!(self.rules, NoWindow);
        if checks_window && !self.is_window_open(process) {
            return self.after(50 * MS, Happening::TurnEnd(id));
        }
        self.act(id, "has an effect");
        match work {
            Work::Reads(_) => self.finish_turn(id),
            _ => self.begin_save(id),
        }
    }

    /// Nothing of the turn is to be seen.
    fn end_without_effect(&mut self, id: usize) {
        let Turn { process, object, .. } = self.turns[id];
        let activation = self.processes[process].activations.get_mut(&object);
        if let Some(activation) = activation.filter(|activation| activation.turn == Some(id)) {
            activation.loaded = None;
        }
        self.finish_turn(id);
    }

    fn finish_turn(&mut self, id: usize) {
        let Turn { process, object, call, .. } = self.turns[id];
        self.turns[id].is_over = true;
        self.end_call(call);
        let activation = self.processes[process].activations.get_mut(&object);
        if let Some(activation) = activation.filter(|activation| activation.turn == Some(id)) {
            activation.turn = None;
            self.go_on(process, object);
        }
        self.after(50, Happening::IdleCheck { process, shard: object.shard });
    }

    /// A call has an answer, of whatever kind; the turn that waits for it goes on.
    fn end_call(&mut self, id: usize) {
        if std::mem::replace(&mut self.calls[id].is_over, true) {
            return;
        }
        if let Some(turn) = self.calls[id].chain.last().copied() {
            self.after(200, Happening::TurnEnd(turn));
        }
    }

    /// No turns begin any more; what waits looks for the new owner.
    pub(super) fn release(&mut self, process: ProcessId, token: Token) {
        let it = &mut self.processes[process];
        if let Some(tenure) = it.tenures.get_mut(&token.shard) {
            tenure.is_releasing = true;
        }
        for object in objects_of(token.shard) {
            let activation = self.processes[process].activations.get_mut(&object);
            let waiting = activation.map(|it| std::mem::take(&mut it.queue)).unwrap_or_default();
            waiting.into_iter().for_each(|call| self.route_again(call));
        }
        self.after(50, Happening::IdleCheck { process, shard: token.shard });
    }

    /// Nothing of a tenure has any effect from now on.
    pub(super) fn revoke(&mut self, process: ProcessId, shard: ShardId) {
        self.processes[process].tenures.remove(&shard);
        for object in objects_of(shard) {
            let Some(activation) = self.processes[process].activations.remove(&object) else {
                continue;
            };
            activation.queue.into_iter().for_each(|call| self.route_again(call));
            // Its code may go on; that nothing comes of it, the check after the turn sees to.
        }
    }

    /// The process is dead: whoever waits for its turns has no answer.
    pub(super) fn abandon(&mut self, process: ProcessId) {
        let activations = std::mem::take(&mut self.processes[process].activations);
        let waiting = activations.into_values().flat_map(|activation| activation.queue);
        waiting.for_each(|call| self.route_again(call));
        for turn in 0..self.turns.len() {
            if self.turns[turn].process == process && !self.turns[turn].is_over {
                self.turns[turn].is_over = true;
                self.end_call(self.turns[turn].call);
            }
        }
    }

    /// Whether a released tenure is idle; then it ends.
    pub(super) fn check_idle(&mut self, process: ProcessId, shard: ShardId) {
        let it = &mut self.processes[process];
        let Some(Tenure { since, is_releasing: true }) = it.tenures.get(&shard).copied() else {
            return;
        };
        let is_busy = |activation: &Activation| {
            activation.turn.is_some()
                || activation.is_saving
                || activation.is_loading
                || activation.is_after_unknown
        };
        if objects_of(shard).iter().any(|object| it.activations.get(object).is_some_and(is_busy)) {
            return;
        }
        let Some(machine) = &it.machine else { return };
        let token = Token { incarnation: machine.incarnation(), shard, since };
        self.revoke(process, shard);
        let node = self.processes[process].node;
        self.tell(Some(shard), || format!("{}: shard {shard} is idle", name(process, node)));
        self.step(process, Event::Idle(token));
    }

    /// Whether a turn of that shard runs at a living process that holds it.
    pub(super) fn is_turn_running(&self, shard: ShardId, except: &[usize]) -> bool {
        objects_of(shard).iter().any(|object| {
            self.processes.iter().filter_map(|it| it.activations.get(object)).any(|activation| {
                activation.turn.is_some_and(|turn| !except.contains(&turn)) || activation.is_saving
            })
        })
    }

    /// The epoch of a process's view.
    fn epoch(&self, process: ProcessId) -> Epoch {
        self.processes[process].view().map(View::epoch).unwrap_or_default()
    }
}

pub(super) fn objects_of(shard: ShardId) -> [Object; 2] {
    [0, 1].map(|number| Object { shard, number })
}

/// What a save of a turn says.
fn save_of(turn: &Turn, loaded: Row) -> Save {
    Save {
        object: turn.object,
        since: turn.token.since,
        expected: loaded.version,
        value: loaded.value + 1,
    }
}
