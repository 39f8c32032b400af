//! The protocol as a pure state machine: `(state, event) -> (state, actions)`.
//!
//! No clock, no socket and no randomness is in it; every event comes with the time at which it is told. Each file below
//! is one chapter of the protocol (`docs/protocol.md`).

mod action;
mod event;
mod settings;

pub use action::{Action, Loss, Refusal};
pub use event::{Event, Lease, Moment, Outcome};
pub use settings::Settings;

use crate::tenure::Incarnation;

/// One incarnation of one node, from its lease to its end.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    incarnation: Incarnation,
    lease: Lease,
}

// === impl Machine ===

impl Machine {
    /// The machine of a new incarnation, for which a lease was granted. Its first actions come with the first event.
    pub fn new(settings: Settings, incarnation: Incarnation, lease: Lease) -> Self {
        Self { settings, incarnation, lease }
    }

    /// Takes in what happened, and says what to do.
    pub fn step(&mut self, now: Moment, event: Event) -> Vec<Action> {
        let _ = (now, event, &self.settings, self.incarnation, self.lease);
        Vec::new()
    }
}
