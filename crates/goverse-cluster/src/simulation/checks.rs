//! The invariants of the protocol, looked at after every step.
//!
//! Whether two nodes may act can only change for the worse when one serves a shard or its window grows; whether a state is
//! the newest, when a row changes, one is loaded, or a node acts. So these are the moments at which they are looked at.

use goverse_core::ShardId;

use super::objects::{Object, Turn};
use super::process::name;
use super::world::{Happening, MS, ProcessId, SECOND, World};
use super::{Invariant, Time};
use crate::coordinator::{Effect, Revision, Transaction};
use crate::records::{MEMBERS_PREFIX, MemberRecord};
use crate::tenure::Epoch;

/// How long a shard may be unserved, or a call held up, when failures have stopped and no turn holds it up.
const PATIENCE: Time = 4 * SECOND;

// === impl World ===

impl World {
    fn describe(&self, process: ProcessId) -> String {
        name(process, self.processes[process].node)
    }

    /// Whether a process may act for a shard: now, or as soon as it is resumed.
    fn may_act(&self, process: ProcessId, shard: ShardId) -> bool {
        let it = &self.processes[process];
        it.is_alive && it.tenures.contains_key(&shard) && self.is_window_open(process)
    }

    /// I1, at the moments when it can cease to hold.
    pub(super) fn check_owners(&mut self, process: ProcessId, shard: ShardId, does: &str) {
        // Of clocks beyond the margin nothing is promised but what the store's fence does.
        if self.plan.is_beyond {
            return;
        }
        let other = (0..self.processes.len())
            .find(|other| *other != process && self.may_act(*other, shard));
        if let Some(other) = other {
            let (one, other) = (self.describe(process), self.describe(other));
            let message = format!("{one} {does} in shard {shard}, for which {other} may act");
            self.fail(Invariant::OneActor(shard), message);
        }
    }

    pub(super) fn check_owners_of(&mut self, process: ProcessId) {
        let shards: Vec<ShardId> = self.processes[process].tenures.keys().copied().collect();
        for shard in shards {
            if self.may_act(process, shard) {
                self.check_owners(process, shard, "extends its window");
            }
        }
    }

    /// I1 and I2 of a turn that begins or has an effect.
    pub(super) fn act(&mut self, turn: usize, does: &str) {
        let Turn { process, object, token, .. } = self.turns[turn];
        let node = self.processes[process].node;
        self.tell(Some(object.shard), || {
            format!("{}: object {object:?} {does} since {}", name(process, node), token.since)
        });
        self.check_owners(process, object.shard, does);
        let loaded = self.processes[process].activations.get(&object).and_then(|it| it.loaded);
        let newest = self.store.row(object).version;
        let is_old = loaded.is_some_and(|row| row.version != newest);
        if is_old && !self.is_fenced(token.since, object.shard) {
            let message =
                format!("{} {does} of {object:?} with an old state", self.describe(process));
            self.fail(Invariant::NewestState(object.shard), message);
        }
    }

    /// Whether a tenure is one that the store refuses, in a run where more than that is not promised.
    fn is_fenced(&self, since: Epoch, shard: ShardId) -> bool {
        self.plan.is_beyond && since < self.store.fence(shard)
    }

    /// I2 of every activation of an object.
    pub(super) fn check_newest(&mut self, object: Object) {
        let newest = self.store.row(object);
        for process in 0..self.processes.len() {
            let Some(activation) = self.processes[process].activations.get(&object) else {
                continue;
            };
            let is_old = activation.loaded.is_some_and(|row| row.version != newest.version);
            if !is_old || activation.is_saving || self.is_fenced(activation.since, object.shard) {
                continue;
            }
            if self.may_act(process, object.shard) {
                let process = self.describe(process);
                let message = format!("{process} may act for {object:?} with an old state");
                return self.fail(Invariant::NewestState(object.shard), message);
            }
        }
    }

    /// I3 of a view.
    pub(super) fn check_view(
        &mut self,
        process: ProcessId,
        before: Option<(Revision, Epoch)>,
        after: Option<(Revision, Epoch)>,
    ) {
        let (Some(before), Some(after)) = (before, after) else { return };
        let seen = &mut self.processes[process].epoch_seen;
        *seen = after.1.max(*seen);
        // Without an assignment that can be read there is no epoch.
        let is_lower = after.1 < before.1 && after.1 > Epoch(0);
        if after.0 < before.0 || is_lower {
            let process = self.describe(process);
            let message = format!("the view of {process} goes back, from {before:?} to {after:?}");
            self.fail(Invariant::NeverBack, message);
        }
    }

    /// I3 of a member's own record: it acknowledges nothing that it has not seen.
    pub(super) fn check_record(&mut self, process: ProcessId, transaction: &Transaction) {
        let seen = self.processes[process].epoch_seen;
        for effect in &transaction.effects {
            let Effect::Put { key, value, .. } = effect else { continue };
            let record =
                MemberRecord::decode(value).ok().filter(|_| key.starts_with(MEMBERS_PREFIX));
            if record.is_some_and(|record| record.acked > seen) {
                let message =
                    format!("{} acknowledges what it has not seen", self.describe(process));
                self.fail(Invariant::NeverBack, message);
            }
        }
    }

    /// I3 of the assignment: its epochs rise.
    pub(super) fn check_epoch(&mut self) {
        let Some(assignment) = self.stored_assignment() else { return };
        let (last, next) = (self.epoch_last, assignment.epoch);
        if next < last {
            self.fail(Invariant::NeverBack, format!("the epoch goes back, from {last} to {next}"));
        }
        self.epoch_last = last.max(next);
    }

    /// I4: when failures have stopped, every shard is served, and no call is held up by the protocol.
    pub(super) fn check_liveness(&mut self) {
        self.after(100 * MS, Happening::Check);
        if self.now < self.wishes_begin() {
            return;
        }
        for shard in (0..self.plan.shards).map(ShardId) {
            let is_held_up = !self.is_served(shard) && !self.is_turn_running(shard, &[]);
            let since = self.unserved[shard.0 as usize].get_or_insert(self.now);
            if !is_held_up {
                self.unserved[shard.0 as usize] = None;
            } else if self.now - *since > PATIENCE {
                let message = format!("shard {shard} is not served, although no turn holds it up");
                self.fail(Invariant::Served(shard), message);
            }
        }
        self.check_calls();
    }

    fn is_served(&self, shard: ShardId) -> bool {
        (0..self.processes.len()).any(|process| {
            let tenure = self.processes[process].tenures.get(&shard);
            tenure.is_some_and(|tenure| !tenure.is_releasing) && self.is_window_open(process)
        })
    }

    /// A call of a turn waits for turns of others, but not for its own chain.
    fn check_calls(&mut self) {
        for id in 0..self.calls.len() {
            let call = &self.calls[id];
            let waits = call.chain.last().is_some_and(|turn| !self.turns[*turn].is_over);
            if call.is_over || !waits {
                continue;
            }
            let shard = call.object.shard;
            let is_held_up = !self.is_turn_running(shard, &call.chain);
            let since = *self.calls[id].stuck_since.get_or_insert(self.now);
            if !is_held_up {
                self.calls[id].stuck_since = None;
            } else if self.now - since > PATIENCE {
                let message =
                    format!("a call into shard {shard} waits for the turn that waits for it");
                self.fail(Invariant::Served(shard), message);
            }
        }
    }
}
