//! Loads and saves of simulated objects: late, lost, refused, of unknown outcome.

use rand::Rng;

use super::super::Time;
use super::super::store::{Row, Save};
use super::super::world::{Happening, MS, ProcessId, SECOND, World};
use super::{Object, Turn, save_of};
use crate::tenure::Epoch;

/// How long the answer of the store is waited for.
const SAVE_MAX: Time = SECOND;

// === impl World ===

impl World {
    fn store_delay(&mut self) -> Time {
        let is_slow = self.now < self.store_is_slow_until;
        let extra = if is_slow { self.random.random_range(0..self.store_delay_max) } else { 0 };
        self.random.random_range(100..MS) + extra
    }

    pub(super) fn begin_load(&mut self, process: ProcessId, object: Object) {
        let Some(activation) = self.processes[process].activations.get_mut(&object) else { return };
        activation.is_loading = true;
        let (since, is_after_unknown) = (activation.since, activation.is_after_unknown);
        let delay = self.store_delay();
        self.after(delay, Happening::Load { process, object, since, is_after_unknown });
    }

    /// A load comes to the store.
    pub(in super::super) fn load(
        &mut self,
        process: ProcessId,
        object: Object,
        since: Epoch,
        is_after_unknown: bool,
    ) {
        let row = self.store.load(object, since, is_after_unknown);
        self.check_newest(object);
        let delay = self.store_delay();
        self.after(delay, Happening::LoadReply { process, object, since, row });
    }

    pub(in super::super) fn loaded(
        &mut self,
        process: ProcessId,
        object: Object,
        since: Epoch,
        row: Option<Row>,
    ) {
        let activation = self.processes[process].activations.get_mut(&object);
        let Some(activation) = activation.filter(|it| it.since == since && it.is_loading) else {
            return;
        };
        activation.is_loading = false;
        match row {
            Some(row) => {
                activation.is_after_unknown = false;
                activation.loaded = Some(row);
                self.check_newest(object);
                self.go_on(process, object);
            }
            None => {
                // Fenced: the activation is of no use.
                let queue = std::mem::take(&mut activation.queue);
                self.processes[process].activations.remove(&object);
                queue.into_iter().for_each(|call| self.route_again(call));
            }
        }
        self.after(50, Happening::IdleCheck { process, shard: object.shard });
    }

    pub(super) fn begin_save(&mut self, turn: usize) {
        let Turn { process, object, .. } = self.turns[turn];
        if let Some(activation) = self.processes[process].activations.get_mut(&object) {
            activation.is_saving = true;
        }
        // Between the check and the effect a process may be paused.
        let pause = self.random.random_range(0..200);
        self.after(pause, Happening::SendSave(turn));
    }

    pub(in super::super) fn send_save(&mut self, turn: usize) {
        let Turn { process, object, is_over, .. } = self.turns[turn];
        let activation = self.processes[process].activations.get(&object);
        // Revoked between the check and here: as if it had been sent and the answer lost.
        let loaded = activation.and_then(|it| it.loaded);
        let Some(loaded) = loaded.filter(|_| !is_over) else { return self.finish_turn(turn) };
        let mut save = save_of(&self.turns[turn], loaded);
        if left_out!(self.rules, SaveWithCurrentEpoch) {
            save.since = self.epoch(process);
        }
        let delay = self.store_delay();
        self.after(delay, Happening::Save { turn, save });
        self.after(SAVE_MAX, Happening::SaveTimeOut(turn));
    }

    /// A save comes to the store.
    pub(in super::super) fn save(&mut self, turn: usize, save: Save) {
        let row = self.store.save(save);
        if row.is_some() {
            self.check_newest(save.object);
        }
        let is_slow = self.now < self.store_is_slow_until;
        let is_lost = self.random.random_ratio(1, if is_slow { 4 } else { 300 });
        if !is_lost {
            let delay = self.store_delay();
            self.after(delay, Happening::SaveReply { turn, row });
        }
    }

    pub(in super::super) fn saved(&mut self, turn: usize, row: Option<Row>) {
        let Turn { process, object, is_over, .. } = self.turns[turn];
        let activation = self.processes[process].activations.get_mut(&object);
        let activation = activation.filter(|it| it.turn == Some(turn) && !is_over);
        if let Some(activation) = activation {
            activation.is_saving = false;
            activation.loaded = row;
        }
        if !is_over {
            self.finish_turn(turn);
        }
    }

    /// The store has not answered: the state in memory is not to be relied on any more.
    pub(in super::super) fn save_unknown(&mut self, turn: usize) {
        let Turn { process, object, is_over, .. } = self.turns[turn];
        if is_over {
            return;
        }
        let activation = self.processes[process].activations.get_mut(&object);
        if let Some(activation) = activation.filter(|it| it.turn == Some(turn)) {
            activation.is_saving = false;
            activation.is_after_unknown = true;
            activation.loaded = None;
            self.begin_load(process, object);
        }
        self.finish_turn(turn);
    }
}
