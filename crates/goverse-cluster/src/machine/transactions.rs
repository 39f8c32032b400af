//! Transactions that have been asked for, one in flight for each thing that they are about.
//!
//! Chapter *Transactions* of the protocol: the next one is made from a view that contains the outcome of the one before.
//! After an unknown outcome that is a view that was read afterwards; a late effect then fails its guard or ours.

use std::time::Duration;

use super::action::Action;
use super::event::{Moment, Outcome};
use super::settings::Settings;
use super::watching::Watching;
use crate::coordinator::{Effect, Guard, Revision, Transaction};

/// What a transaction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Config,
    OwnRecord,
    Leader,
    Assignment,
}

/// Whether the next transaction about a topic may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Free,
    InFlight(u64),
    /// The view is to come to this revision; waited for since then.
    Until(Revision, Duration),
    /// The read with this number is to be done.
    UntilRead(u64),
}

/// All transactions of a machine.
#[derive(Debug)]
pub(super) struct Transactions {
    slots: [Slot; 4],
    next_id: u64,
}

// === impl Transactions ===

impl Transactions {
    pub(super) fn new() -> Self {
        Self { slots: [Slot::Free; 4], next_id: 1 }
    }

    pub(super) fn may_begin(&self, topic: Topic) -> bool {
        self.slots[topic as usize] == Slot::Free
    }

    pub(super) fn begin(
        &mut self,
        topic: Topic,
        guards: Vec<Guard>,
        effect: Effect,
        actions: &mut Vec<Action>,
    ) {
        let id = self.next_id;
        self.next_id += 1;
        self.slots[topic as usize] = Slot::InFlight(id);
        let transaction = Transaction { guards, effects: vec![effect] };
        actions.push(Action::Transact { id, transaction });
    }

    /// Takes in an outcome; what it was about.
    pub(super) fn done(
        &mut self,
        id: u64,
        outcome: Outcome,
        now: Moment,
        watching: &mut Watching,
    ) -> Option<Topic> {
        let topics = [Topic::Config, Topic::OwnRecord, Topic::Leader, Topic::Assignment];
        let topic =
            topics.into_iter().find(|topic| self.slots[*topic as usize] == Slot::InFlight(id))?;
        self.slots[topic as usize] = match outcome {
            Outcome::Yes(revision) | Outcome::No(revision) => Slot::Until(revision, now.boot),
            Outcome::Unknown => Slot::UntilRead(watching.want_read()),
        };
        Some(topic)
    }

    /// Frees what the view has come up with. What it does not come up with for a period is read.
    pub(super) fn advance(&mut self, now: Moment, watching: &mut Watching, settings: &Settings) {
        let Some(revision) = watching.view.as_ref().map(|view| view.revision()) else { return };
        for slot in &mut self.slots {
            match *slot {
                Slot::Until(wanted, _) if wanted <= revision => *slot = Slot::Free,
                Slot::Until(_, since) if now.boot >= since + settings.period() => {
                    *slot = Slot::UntilRead(watching.want_read());
                }
                Slot::UntilRead(number) if number <= watching.reads_done() => *slot = Slot::Free,
                _ => {}
            }
        }
    }
}
