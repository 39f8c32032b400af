//! Machines around one coordinator that answers at once: no delays, no losses, no objects.
//!
//! For what chance does not matter to: what a cluster of a certain size costs, and what a machine does next.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use goverse_core::NodeAddress;

use super::Time;
use super::etcd::Etcd;
use crate::coordinator::{Change, Content, Effect, LeaseId, Transaction, Verdict, WatchEvent};
use crate::machine::{Action, Event, Lease, Machine, Moment, Outcome, Settings};
use crate::tenure::Incarnation;

/// A cluster whose coordinator answers at once.
pub struct Lockstep {
    now: Time,
    etcd: Etcd,
    members: BTreeMap<NodeAddress, Member>,
    incarnations: u128,
    /// What tells the time that steps take, if that is to be known.
    stopwatch: Option<fn() -> Duration>,
    costs: BTreeMap<&'static str, Cost>,
    commits: u64,
}

/// One machine, and what it has asked for or been told.
struct Member {
    machine: Machine,
    lease: LeaseId,
    /// How much of the coordinator's history it has been told, once it watches.
    told: Option<usize>,
    asked: VecDeque<Action>,
    /// What it has said to its node.
    said: Vec<Action>,
    /// Whether turns never end, so that no shard becomes idle.
    is_busy: bool,
}

/// What the steps for one kind of event have taken.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    times: Vec<Duration>,
}

/// In how many rounds of actions everybody must have come to rest.
const ROUNDS_MAX: u32 = 10_000;

/// When a run begins, by both clocks.
const BEGINNING: Duration = Duration::from_secs(1_700_000_000);

// === impl Lockstep ===

impl Default for Lockstep {
    fn default() -> Self {
        Self {
            now: 0,
            etcd: Etcd::new(),
            members: BTreeMap::new(),
            incarnations: 0,
            stopwatch: None,
            costs: BTreeMap::new(),
            commits: 0,
        }
    }
}

impl Lockstep {
    /// Measures what steps take from now on.
    pub fn measure(&mut self, stopwatch: fn() -> Duration) {
        self.costs.clear();
        self.stopwatch = Some(stopwatch);
    }

    /// What steps have taken, by kind of event.
    pub fn costs(&self) -> &BTreeMap<&'static str, Cost> {
        &self.costs
    }

    /// How many times the coordinator has written.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// How often a key has been put.
    pub fn puts_of(&self, key: &str) -> u64 {
        let is_put = |change: &&Change| change.cells.get(key).is_some_and(Option::is_some);
        self.etcd.log.iter().filter(is_put).count() as u64
    }

    /// What the coordinator has.
    pub fn content(&self) -> Content {
        self.etcd.read()
    }

    /// Starts a node that is ready at once, without letting anybody do anything yet.
    pub fn start(&mut self, settings: Settings) {
        self.incarnations += 1;
        let address = settings.address.clone();
        let grant = self.etcd.grant(self.now, settings.ttl());
        let lease = Lease { id: grant.lease, sent: self.moment(), ttl: grant.ttl };
        let machine = Machine::new(settings, Incarnation(self.incarnations), lease);
        let (asked, said) = (VecDeque::new(), Vec::new());
        let (told, lease) = (None, grant.lease);
        let member = Member { machine, lease, told, asked, said, is_busy: false };
        self.members.insert(address.clone(), member);
        self.step(&address, Event::Ready);
    }

    /// Ends a node without a word; its lease goes on.
    pub fn kill(&mut self, address: &NodeAddress) {
        self.members.remove(address);
    }

    /// Ends a node's lease as if its time were over.
    pub fn end_lease(&mut self, address: &NodeAddress) {
        if let Some(member) = self.members.get(address) {
            self.etcd.revoke(member.lease);
        }
    }

    /// Lets the turns of a node never end, so that no shard becomes idle.
    pub fn keep_busy(&mut self, address: &NodeAddress) {
        if let Some(member) = self.members.get_mut(address) {
            member.is_busy = true;
        }
    }

    /// Tells one machine something.
    pub fn step(&mut self, address: &NodeAddress, event: Event) {
        let now = self.moment();
        let Some(member) = self.members.get_mut(address) else { return };
        let kind = kind(&event);
        let begun = self.stopwatch.map(|stopwatch| stopwatch());
        let actions = member.machine.step(now, event);
        if let (Some(stopwatch), Some(begun)) = (self.stopwatch, begun) {
            self.costs.entry(kind).or_default().times.push(stopwatch().saturating_sub(begun));
        }
        member.asked.extend(actions);
    }

    /// Lets time pass in ticks, and everybody do all that they can after each.
    pub fn pass(&mut self, time: Duration) {
        const TICK: Time = 100_000;
        let end = self.now + time.as_micros() as Time;
        while self.now < end {
            self.now = (self.now + TICK).min(end);
            self.etcd.expire(self.now);
            for address in self.addresses() {
                self.step(&address, Event::Alive);
            }
            self.settle();
        }
    }

    /// Lets everybody do all that they can now.
    ///
    /// # Panics
    /// When they do not come to rest.
    pub fn settle(&mut self) {
        for round in 0.. {
            assert!(round < ROUNDS_MAX, "no rest at {:#?}", self.etcd.log.last());
            let mut is_done = true;
            for address in self.addresses() {
                while let Some(action) = self.next_action(&address) {
                    is_done = false;
                    self.perform(&address, action);
                }
                is_done &= !self.tell_news(&address);
            }
            if is_done {
                return;
            }
        }
    }

    /// Puts or deletes a key by hand.
    pub fn change(&mut self, key: &str, value: Option<&[u8]>) {
        let key = String::from(key);
        let effect = match value {
            Some(value) => Effect::Put { key, value: value.to_vec(), lease: None },
            None => Effect::Delete { key },
        };
        self.etcd.transact(&Transaction { guards: vec![], effects: vec![effect] });
    }

    /// Who lives.
    pub fn addresses(&self) -> Vec<NodeAddress> {
        self.members.keys().cloned().collect()
    }

    /// The machine of a node that lives.
    pub fn machine(&self, address: &NodeAddress) -> Option<&Machine> {
        self.members.get(address).map(|member| &member.machine)
    }

    /// What a node's machine has asked for since this was asked, but for renewals, reads and transactions.
    pub fn said(&mut self, address: &NodeAddress) -> Vec<Action> {
        self.members.get_mut(address).map(|it| std::mem::take(&mut it.said)).unwrap_or_default()
    }

    fn moment(&self) -> Moment {
        let now = BEGINNING + Duration::from_micros(self.now);
        Moment { boot: now, wall: now }
    }

    fn next_action(&mut self, address: &NodeAddress) -> Option<Action> {
        self.members.get_mut(address)?.asked.pop_front()
    }

    /// Tells a machine the next revision that it does not know; false if there is none.
    fn tell_news(&mut self, address: &NodeAddress) -> bool {
        let Some(member) = self.members.get_mut(address) else { return false };
        let Some(told) = &mut member.told else { return false };
        let Some(change) = self.etcd.log.get(*told).cloned() else { return false };
        *told += 1;
        self.step(address, Event::Watched(WatchEvent::Changed(change)));
        true
    }

    fn perform(&mut self, address: &NodeAddress, action: Action) {
        let Some(member) = self.members.get_mut(address) else { return };
        let sent = self.now;
        let sent = Moment {
            boot: BEGINNING + Duration::from_micros(sent),
            wall: BEGINNING + Duration::from_micros(sent),
        };
        let event = match action {
            Action::Renew => match self.etcd.renew(self.now, member.lease) {
                Some(ttl) => Event::Renewed { sent, ttl },
                None => Event::LeaseGone,
            },
            Action::Transact { id, transaction } => {
                let outcome = match self.etcd.transact(&transaction) {
                    Verdict::Yes(revision) => Outcome::Yes(revision),
                    Verdict::No(revision) => Outcome::No(revision),
                };
                self.commits += u64::from(matches!(outcome, Outcome::Yes(_)));
                Event::TransactionDone { id, outcome }
            }
            Action::Read => {
                member.told = Some(self.etcd.log.len());
                Event::Read { sent, content: self.etcd.read() }
            }
            Action::Confirm => {
                let modified =
                    self.etcd.get(crate::records::ASSIGNMENT_KEY).map(|cell| cell.modified);
                Event::Confirmed { sent, modified }
            }
            Action::Release(token) => {
                member.said.push(Action::Release(token));
                if member.is_busy {
                    return;
                }
                Event::Idle(token)
            }
            Action::Leave => {
                self.etcd.revoke(member.lease);
                return member.said.push(Action::Leave);
            }
            other => return member.said.push(other),
        };
        self.step(address, event);
    }
}

/// What the cost of an event is counted as.
fn kind(event: &Event) -> &'static str {
    let Event::Watched(WatchEvent::Changed(change)) = event else {
        return match event {
            Event::Alive | Event::Tick => "tick",
            Event::Read { .. } => "read of everything",
            Event::Idle(_) => "a shard is idle",
            _ => "other answers",
        };
    };
    match change.cells.contains_key(crate::records::ASSIGNMENT_KEY) {
        true => "watch: assignment",
        false => "watch: other keys",
    }
}

// === impl Cost ===

impl Cost {
    /// How many there were.
    pub fn steps(&self) -> usize {
        self.times.len()
    }

    /// What that share of them did not exceed: 0.5 for the median.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let last = times.len().saturating_sub(1);
        times.get((last as f64 * share) as usize).copied().unwrap_or_default()
    }
}
