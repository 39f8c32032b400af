//! One simulated process: a machine, the driver's state beside it, and the objects that it runs.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use goverse_core::{NodeAddress, ShardCount, ShardId};
use rand::Rng;

use super::Time;
use super::objects::{Activation, Object};
use super::plan::{DRIFT_MAX, Lagging};
use super::requests::RequestKind;
use super::world::{Happening, MS, ProcessId, World};
use crate::coordinator::{Change, LeaseId};
use crate::machine::{Action, Event, Lease, Loss, Machine, Moment, Settings, View};
use crate::tenure::{Epoch, Incarnation, Token};

/// One process, dead or alive.
pub(super) struct Process {
    pub(super) node: usize,
    pub(super) is_alive: bool,
    pub(super) paused_until: Time,
    /// Which incarnation of it: replies for former ones are nobody's.
    pub(super) life: u32,
    pub(super) link: Link,
    pub(super) machine: Option<Machine>,
    pub(super) lease: LeaseId,
    /// The request of the renewal under way.
    pub(super) renewing: Option<usize>,
    pub(super) watch: Option<Watch>,
    pub(super) next_watch: u64,
    /// What every check compares with the clock.
    pub(super) window_end: Duration,
    pub(super) tenures: BTreeMap<ShardId, Tenure>,
    pub(super) activations: BTreeMap<Object, Activation>,
    pub(super) is_draining: bool,
    /// How much time its boot clock has missed.
    pub(super) slept: Time,
    /// The highest epoch that there was in its view.
    pub(super) epoch_seen: Epoch,
}

/// What lies between a process and the coordinator.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) cut_until: Time,
    pub(super) loses_replies_until: Time,
    pub(super) slow_until: Time,
    pub(super) delay_max: Time,
    pub(super) slow_replies_until: Time,
    pub(super) reply_delay_max: Time,
    pub(super) members_lag_until: Time,
    pub(super) assignment_lags_until: Time,
}

/// A watch: what it is still to say, by group of keys. It is one group but for a mutant.
pub(super) struct Watch {
    pub(super) id: u64,
    /// How much of the log has been put into the pending.
    pub(super) position: usize,
    pub(super) pending: Vec<VecDeque<Change>>,
    pub(super) last: Vec<Time>,
}

/// What the machine has said of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tenure {
    pub(super) since: Epoch,
    pub(super) is_releasing: bool,
}

/// The boot clock of every process starts here.
const BOOT: Time = 10_000_000_000;
/// The wall clock when a run begins, in ms since 1970.
const WALL_MS: u64 = 1_700_000_000_000;

// === impl Process ===

impl Process {
    pub(super) fn address(node: usize) -> NodeAddress {
        format!("node{node}:47000").parse().expect("a host and a port")
    }

    pub(super) fn view(&self) -> Option<&View> {
        self.machine.as_ref().and_then(Machine::view)
    }
}

// === impl World ===

impl World {
    /// The clocks of a process, which run too fast or too slow.
    pub(super) fn moment(&self, process: ProcessId) -> Moment {
        let Process { node, slept, .. } = self.processes[process];
        let drift = self.plan.drift.get(node).copied().unwrap_or_default();
        let now = i128::from(self.now);
        let local = (now + now * i128::from(drift) / 100_000) as Time;
        // Within the margin somebody keeps the wall clock right; beyond it, both run away.
        let wall = if drift.abs() <= DRIFT_MAX { self.now } else { local };
        Moment {
            boot: Duration::from_micros((BOOT + local).saturating_sub(slept)),
            wall: Duration::from_millis(WALL_MS) + Duration::from_micros(wall),
        }
    }

    fn settings(&self, node: usize) -> Settings {
        let mut settings = Settings::new(Process::address(node));
        settings.shards = ShardCount::new(self.plan.shards).expect("a plan has some shards");
        settings.ttl = Duration::from_millis(self.plan.ttl_ms);
        settings.turn_limit = Duration::from_secs(6);
        settings.drain_limit = Duration::from_secs(20);
        settings.settling = Duration::from_secs(1);
        settings.min_quorum = self.plan.min_quorum;
        settings.handoff_max = 3;
        settings.rules = self.rules;
        settings
    }

    /// How long the driver waits for an answer.
    pub(super) fn period(&self) -> Time {
        self.plan.ttl_ms * MS / 5
    }

    /// Starts a process at a node's address.
    pub(super) fn start(&mut self, node: usize) {
        let process = self.processes.len();
        self.processes.push(Process {
            node,
            is_alive: true,
            paused_until: 0,
            life: 0,
            link: Link::default(),
            machine: None,
            lease: LeaseId(0),
            renewing: None,
            watch: None,
            next_watch: 0,
            window_end: Duration::ZERO,
            tenures: BTreeMap::new(),
            activations: BTreeMap::new(),
            is_draining: false,
            slept: 0,
            epoch_seen: Epoch(0),
        });
        self.tell(None, || format!("{}: starts", name(process, node)));
        self.ask_for_lease(process);
        let jitter = self.random.random_range(0..100 * MS);
        self.after(jitter, Happening::Tick(process));
    }

    pub(super) fn ask_for_lease(&mut self, process: ProcessId) {
        self.request(process, RequestKind::Grant);
    }

    /// A lease was granted: an incarnation begins.
    pub(super) fn granted(&mut self, process: ProcessId, lease: Lease) {
        let incarnation = Incarnation(self.random.random());
        let node = self.processes[process].node;
        let machine = Machine::new(self.settings(node), incarnation, lease);
        let it = &mut self.processes[process];
        it.machine = Some(machine);
        it.lease = lease.id;
        it.epoch_seen = Epoch(0);
        let delay = self.random.random_range(0..50 * MS);
        self.after(delay, Happening::Ready(process));
        self.step(process, Event::Tick);
    }

    pub(super) fn ready(&mut self, process: ProcessId) {
        self.step(process, Event::Ready);
        if self.processes[process].is_draining {
            self.step(process, Event::Drain);
        }
    }

    pub(super) fn tick(&mut self, process: ProcessId) {
        self.after(100 * MS, Happening::Tick(process));
        self.step(process, Event::Alive);
    }

    /// Feeds the machine of a process, does what it asks for, and looks whether it may ask for that.
    pub(super) fn step(&mut self, process: ProcessId, event: Event) {
        let now = self.moment(process);
        let Some(machine) = &mut self.processes[process].machine else { return };
        let before = machine.view().map(|view| (view.revision(), view.epoch()));
        let actions = machine.step(now, event);
        let after = machine.view().map(|view| (view.revision(), view.epoch()));
        self.check_view(process, before, after);
        for action in actions {
            self.perform(process, action);
        }
    }

    fn perform(&mut self, process: ProcessId, action: Action) {
        self.tell_action(process, &action);
        match action {
            Action::Renew => self.request(process, RequestKind::Renew),
            Action::Transact { id, transaction } => {
                self.check_record(process, &transaction);
                self.request(process, RequestKind::Transact(id, transaction));
            }
            Action::Read => self.request(process, RequestKind::Read),
            Action::Confirm => self.request(process, RequestKind::Confirm),
            Action::SetWindow(end) => {
                self.processes[process].window_end = end;
                self.check_owners_of(process);
            }
            Action::Serve(Token { shard, since, .. }) => {
                let tenure = Tenure { since, is_releasing: false };
                self.processes[process].tenures.insert(shard, tenure);
                self.check_owners(process, shard, "serves");
            }
            Action::Release(token) => self.release(process, token),
            Action::Revoke(tokens) => {
                for Token { shard, .. } in tokens {
                    self.revoke(process, shard);
                }
            }
            Action::Lost(loss) => self.lost(process, loss),
            Action::Refuse(_) => {
                let node = self.processes[process].node;
                self.end(process);
                self.after(1_000 * MS, Happening::Start(node));
            }
            Action::Leave => {
                self.request(process, RequestKind::Revoke);
                self.end(process);
            }
        }
    }

    fn tell_action(&mut self, process: ProcessId, action: &Action) {
        let node = self.processes[process].node;
        let shard = match action {
            Action::Serve(token) | Action::Release(token) => Some(token.shard),
            _ => None,
        };
        let is_routine = matches!(action, Action::Renew | Action::Confirm | Action::SetWindow(_));
        if !is_routine {
            self.tell(shard, || format!("{}: {}", name(process, node), told(action)));
        }
    }

    fn lost(&mut self, process: ProcessId, _loss: Loss) {
        let it = &mut self.processes[process];
        it.life += 1;
        it.machine = None;
        it.watch = None;
        it.renewing = None;
        let delay = self.random.random_range(0..20 * MS);
        self.after(delay, Happening::Grant(process));
    }

    /// The process is no more.
    pub(super) fn end(&mut self, process: ProcessId) {
        let it = &mut self.processes[process];
        it.is_alive = false;
        it.machine = None;
        it.watch = None;
        it.tenures.clear();
        self.abandon(process);
    }

    /// The last process of a node that lives.
    pub(super) fn living(&self, node: usize) -> Option<ProcessId> {
        (0..self.processes.len()).rev().find(|process| {
            self.processes[*process].node == node && self.processes[*process].is_alive
        })
    }

    /// How late a watch of those keys is.
    pub(super) fn lag(&self, process: ProcessId, what: Lagging) -> Time {
        let link = self.processes[process].link;
        let until = match what {
            Lagging::Members => link.members_lag_until,
            Lagging::Assignment => link.assignment_lags_until,
        };
        until.saturating_sub(self.now)
    }
}

/// What a process is called in traces: its number, and that of its node.
pub(super) fn name(process: ProcessId, node: usize) -> String {
    format!("p{process}@{node}")
}

/// An action, as a trace tells it.
fn told(action: &Action) -> String {
    use crate::coordinator::Effect;
    match action {
        Action::Transact { id, transaction } => {
            let effects = transaction.effects.iter().map(|effect| match effect {
                Effect::Put { key, value, .. } => {
                    let value = String::from_utf8_lossy(value).replace('\n', " | ");
                    format!("puts {key} = {value}")
                }
                Effect::Delete { key } => format!("deletes {key}"),
            });
            let effects: Vec<String> = effects.collect();
            format!("({id}) {} if {:?}", effects.join(", "), transaction.guards)
        }
        Action::Serve(token) => format!("serves {} since {}", token.shard, token.since),
        Action::Release(token) => format!("releases {} since {}", token.shard, token.since),
        other => format!("{other:?}"),
    }
}
