//! The protocol as a pure state machine: `(state, event) -> (state, actions)`.
//!
//! No clock, no socket and no randomness is in it; every event comes with the time at which it is told. Each file below
//! is one chapter of the protocol (`docs/protocol.md`).

mod acknowledgement;
mod action;
mod event;
mod holders;
mod leader;
mod membership;
mod settings;
mod shard;
mod transactions;
mod view;
mod watching;
mod window;

use std::time::Duration;

use goverse_core::ShardId;

pub use action::{Action, Loss, Refusal};
pub use event::{Event, Lease, Moment, Outcome};
pub use settings::Settings;
pub use shard::ShardState;
pub use view::{Route, Stored, View};

use crate::coordinator::{LeaseId, Revision};
use crate::tenure::{Epoch, Incarnation};
use holders::Departed;
use leader::Leading;
use membership::Membership;
use shard::Shards;
use transactions::{Topic, Transactions};
use watching::Watching;
use window::Window;

#[cfg(test)]
mod tests;

/// One incarnation of one node, from its lease to its end.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    incarnation: Incarnation,
    lease: LeaseId,
    /// The lease as it was granted, until the first event.
    granted: Option<Lease>,
    has_ended: bool,
    watching: Watching,
    window: Window,
    transactions: Transactions,
    membership: Membership,
    departed: Departed,
    shards: Shards,
    /// The highest epoch in which this node is to let go of a shard.
    release_asked: Epoch,
    /// The highest epoch there ever was in its view.
    epoch_seen: Epoch,
    leading: Leading,
    /// The revision of the assignment that the shards follow.
    map_applied: Option<Revision>,
    /// Whether the view has changed since the leader looked at the map.
    is_map_stale: bool,
    actions: Vec<Action>,
}

/// Whether what comes next may be done in this view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Wait,
}

// === impl Machine ===

impl Machine {
    /// The machine of a new incarnation, for which a lease was granted. Its first actions come with the first event.
    pub fn new(settings: Settings, incarnation: Incarnation, lease: Lease) -> Self {
        Self {
            incarnation,
            lease: lease.id,
            granted: Some(lease),
            has_ended: false,
            watching: Watching::new(lease.sent.boot),
            window: Window::new(lease, &settings),
            transactions: Transactions::new(),
            membership: Membership::default(),
            departed: Departed::default(),
            shards: Shards::new(incarnation, settings.shards),
            release_asked: Epoch(0),
            epoch_seen: Epoch(0),
            leading: Leading::default(),
            map_applied: None,
            is_map_stale: false,
            actions: Vec::new(),
            settings,
        }
    }

    /// Takes in what happened, and says what to do.
    pub fn step(&mut self, now: Moment, event: Event) -> Vec<Action> {
        if self.has_ended {
            return Vec::new();
        }
        if let Some(lease) = self.granted.take() {
            let renewal = (lease.sent, lease.ttl);
            self.window.renewed(now, renewal, &self.settings, &mut self.actions);
        }
        self.take_in(now, event);
        self.advance(now);
        std::mem::take(&mut self.actions)
    }

    fn take_in(&mut self, now: Moment, event: Event) {
        let Self { watching, window, settings, actions, .. } = self;
        match event {
            Event::Tick => {}
            Event::Alive => window.alive(now),
            Event::Ready => self.membership.is_ready = true,
            Event::Drain => self.membership.drain(now),
            Event::Idle(token) => self.shards.idle(token),
            Event::Read { sent, content } => {
                if let Err(loss) = watching.read(sent, content, settings) {
                    self.lose(loss);
                }
            }
            Event::ReadFailed => watching.read_failed(now, settings),
            Event::Watched(event) => watching.watched(now, event),
            Event::WatchEnded => watching.watch_ended(now, settings),
            Event::Confirmed { sent, modified } => {
                watching.confirm_answered(now, sent, modified.unwrap_or_default());
            }
            Event::ConfirmFailed => watching.confirm_failed(),
            Event::Renewed { sent, ttl } => window.renewed(now, (sent, ttl), settings, actions),
            Event::RenewFailed => window.renew_failed(),
            Event::LeaseGone => self.lose(Loss::LeaseGone),
            Event::TransactionDone { id, outcome } => self.transaction_done(id, outcome, now),
        }
    }

    fn transaction_done(&mut self, id: u64, outcome: Outcome, now: Moment) {
        let topic = self.transactions.done(id, outcome, now, &mut self.watching);
        if let (Some(Topic::OwnRecord), Outcome::Yes(revision)) = (topic, outcome) {
            self.membership.joined_at(revision);
        }
    }

    /// Does whatever is to be done in this state at this time.
    fn advance(&mut self, now: Moment) {
        if self.has_ended {
            return;
        }
        self.transactions.advance(now, &mut self.watching, &self.settings);
        // Put back below, so that the rules can read it beside the state that they change.
        if let Some(view) = self.watching.view.take() {
            let is_new = std::mem::take(&mut self.watching.is_new);
            self.act_on(&view, is_new, now);
            self.watching.view = Some(view);
        }
        if !self.has_ended {
            self.finish_drain(now);
        }
        if self.has_ended {
            return;
        }
        self.watching.advance(now, &self.settings, &mut self.actions);
        let confirmed = self.watching.confirmed();
        self.window.advance(now, confirmed, &self.settings, &mut self.actions);
    }

    fn act_on(&mut self, view: &View, is_new: bool, now: Moment) {
        if is_new {
            if let Some(loss) = self.loss(view) {
                return self.lose(loss);
            }
            self.apply(view, now);
        }
        self.shards.force(now, &mut self.actions);
        if self.agree(view) == Next::GoOn && self.join(view, now) == Next::GoOn {
            self.heed_intent(view, now);
            self.serve(view, now);
            self.keep_own_record(view);
            self.lead(view, now);
        }
    }

    /// Takes in a new view.
    fn apply(&mut self, view: &View, now: Moment) {
        self.departed.apply(view, now);
        self.leading.apply(view, now);
        self.is_map_stale = true;
        let applied = view.stored_assignment().map(|stored| stored.modified);
        if applied == self.map_applied {
            return;
        }
        self.map_applied = applied;
        self.shards.apply(view.assignment(), now, &self.settings, &mut self.actions);
        self.release_asked = acknowledgement::release_asked_of(view, self.incarnation);
        self.epoch_seen = self.epoch_seen.max(view.epoch());
    }

    fn serve(&mut self, view: &View, now: Moment) {
        let Some(assignment) = view.assignment() else { return };
        if !self.window.is_open(now) {
            return;
        }
        let Self { departed, shards, settings, actions, incarnation, .. } = self;
        let is_free =
            |shard| departed.is_free(view, assignment, shard, Some(*incarnation), (now, settings));
        shards.serve(is_free, settings, actions);
    }

    /// The incarnation is over: nothing of it has any effect from now on.
    fn lose(&mut self, loss: Loss) {
        self.end(Action::Lost(loss));
    }

    fn end(&mut self, last: Action) {
        self.window.close(&mut self.actions);
        self.shards.revoke_all(&mut self.actions);
        self.actions.push(last);
        self.has_ended = true;
    }

    /// What it was told before it began.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Which life of the node this is.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// What it knows of the coordinator; `None` until the first read.
    pub fn view(&self) -> Option<&View> {
        self.watching.view.as_ref()
    }

    /// What the node may do with a shard while its window is open.
    pub fn shard(&self, shard: ShardId) -> ShardState {
        self.shards.state(shard)
    }

    /// The boot time at which the window ends.
    pub fn window_end(&self) -> Duration {
        self.window.end()
    }

    /// When what has last confirmed the view was sent, by the boot clock.
    pub fn view_confirmed(&self) -> Duration {
        self.watching.confirmed()
    }

    /// Whether it leads, as far as its view tells.
    pub fn leads(&self) -> bool {
        self.view().is_some_and(|view| self.is_leader(view))
    }

    /// How many shards somebody other than their owner may still hold, as far as its view tells.
    pub fn shards_in_handoff(&self, now: Moment) -> usize {
        let Some(view) = self.view() else { return 0 };
        let Some(assignment) = view.assignment() else { return 0 };
        let is_in_handoff = |shard: &&ShardId| {
            let owner = assignment.owner(**shard).map(|(owner, _)| owner.incarnation);
            let at = (now, &self.settings);
            !self.departed.is_free(view, assignment, **shard, owner, at)
        };
        assignment.holders.keys().filter(is_in_handoff).count()
    }

    /// Whether it has said its last word: `Lost`, `Refuse` or `Leave`.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }
}
