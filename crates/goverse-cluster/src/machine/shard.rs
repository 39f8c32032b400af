//! The shards of one node: which it may begin turns of.
//!
//! Chapter *A shard on a node* of the protocol: absent, waiting, serving, releasing. What the map says (`owned`) and what
//! the node still holds (`held`) are kept apart, for a node can be given a shard again while it releases it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use goverse_core::{ShardCount, ShardId};

use super::action::Action;
use super::event::Moment;
use super::settings::Settings;
use crate::records::Assignment;
use crate::tenure::{Epoch, Incarnation, Token};

/// What a node may do with a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardState {
    /// Nothing.
    Absent,
    /// It is the owner since that epoch, and others may still hold the shard. Calls queue.
    Waiting(Epoch),
    /// Turns may begin while the window is open.
    Serving(Epoch),
    /// Only turns of chains that run in a releasing shard of this node may begin.
    Releasing(Epoch),
}

/// The shards of one node.
#[derive(Debug)]
pub(super) struct Shards {
    incarnation: Incarnation,
    places: Vec<Place>,
    waiting: BTreeSet<ShardId>,
    releasing: BTreeSet<ShardId>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Since when the map gives the shard to this node, if it does.
    owned: Option<Epoch>,
    held: Held,
}

/// The tenure that the node still has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    Serving(Epoch),
    /// Until that time, then by force.
    Releasing(Epoch, Duration),
}

// === impl Shards ===

impl Shards {
    pub(super) fn new(incarnation: Incarnation, shards: ShardCount) -> Self {
        let place = Place { owned: None, held: Held::Nothing };
        let places = vec![place; shards.get() as usize];
        Self { incarnation, places, waiting: BTreeSet::new(), releasing: BTreeSet::new() }
    }

    pub(super) fn state(&self, shard: ShardId) -> ShardState {
        match self.places.get(shard.0 as usize) {
            None => ShardState::Absent,
            Some(Place { held: Held::Serving(since), .. }) => ShardState::Serving(*since),
            Some(Place { held: Held::Releasing(since, _), .. }) => ShardState::Releasing(*since),
            Some(Place { owned: Some(since), .. }) => ShardState::Waiting(*since),
            Some(_) => ShardState::Absent,
        }
    }

    /// The shards that the node holds and the map gives to others: the list of an acknowledgement.
    pub(super) fn releasing_for_others(&self) -> BTreeSet<ShardId> {
        let is_for_others = |shard: &&ShardId| self.places[shard.0 as usize].owned.is_none();
        self.releasing.iter().filter(is_for_others).copied().collect()
    }

    /// Whether it owns and holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.places.iter().all(|place| place.owned.is_none() && place.held == Held::Nothing)
    }

    /// Takes in a map; without one the node owns nothing.
    pub(super) fn apply(
        &mut self,
        assignment: Option<&Arc<Assignment>>,
        now: Moment,
        settings: &Settings,
        actions: &mut Vec<Action>,
    ) {
        let me = assignment.and_then(|assignment| assignment.node(self.incarnation));
        let until = now.boot + settings.turn_limit;
        for shard in (0..self.places.len() as u32).map(ShardId) {
            let owner = assignment.map(|assignment| assignment.owners[shard.0 as usize]);
            let owned = owner.filter(|owner| Some(owner.node) == me).map(|owner| owner.since);
            self.own(shard, owned, until, actions);
        }
    }

    fn own(
        &mut self,
        shard: ShardId,
        owned: Option<Epoch>,
        until: Duration,
        actions: &mut Vec<Action>,
    ) {
        let place = &mut self.places[shard.0 as usize];
        if place.owned == owned {
            return;
        }
        place.owned = owned;
        // Also if it is the owner again, with another epoch: others may have acted in between.
        if let Held::Serving(since) = place.held {
            place.held = Held::Releasing(since, until);
            self.releasing.insert(shard);
            actions.push(Action::Release(self.token(shard, since)));
        }
        match owned {
            Some(_) => self.waiting.insert(shard),
            None => self.waiting.remove(&shard),
        };
    }

    /// Serves what nobody else holds any more.
    pub(super) fn serve(
        &mut self,
        is_free: impl Fn(ShardId) -> bool,
        settings: &Settings,
        actions: &mut Vec<Action>,
    ) {
        let may_be_served = |shard: &ShardId| {
            let place = self.places[shard.0 as usize];
            place.held == Held::Nothing && (is_free(*shard) || left_out!(settings.rules, NoWaiting))
        };
        let served: Vec<ShardId> = self.waiting.iter().copied().filter(may_be_served).collect();
        for shard in served {
            self.waiting.remove(&shard);
            let place = &mut self.places[shard.0 as usize];
            let since = place.owned.expect("a shard that is waited for is owned");
            place.held = Held::Serving(since);
            actions.push(Action::Serve(self.token(shard, since)));
        }
    }

    /// A tenure is idle: it ends, if it is one that is released.
    pub(super) fn idle(&mut self, token: Token) {
        let Some(place) = self.places.get_mut(token.shard.0 as usize) else { return };
        let is_released = matches!(place.held, Held::Releasing(since, _) if since == token.since);
        if is_released && token.incarnation == self.incarnation {
            place.held = Held::Nothing;
            self.releasing.remove(&token.shard);
        }
    }

    /// Ends by force what has been releasing for too long.
    pub(super) fn force(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let mut revoked = Vec::new();
        for shard in &self.releasing {
            let place = &mut self.places[shard.0 as usize];
            if let Held::Releasing(since, until) = place.held
                && until <= now.boot
            {
                place.held = Held::Nothing;
                revoked.push(Token { incarnation: self.incarnation, shard: *shard, since });
            }
        }
        if !revoked.is_empty() {
            let places = &self.places;
            self.releasing.retain(|shard| places[shard.0 as usize].held != Held::Nothing);
            actions.push(Action::Revoke(revoked));
        }
    }

    /// Ends everything.
    pub(super) fn revoke_all(&mut self, actions: &mut Vec<Action>) {
        let mut revoked = Vec::new();
        for (shard, place) in (0..).map(ShardId).zip(&mut self.places) {
            if let Held::Serving(since) | Held::Releasing(since, _) = place.held {
                revoked.push(Token { incarnation: self.incarnation, shard, since });
            }
            *place = Place { owned: None, held: Held::Nothing };
        }
        self.waiting.clear();
        self.releasing.clear();
        if !revoked.is_empty() {
            actions.push(Action::Revoke(revoked));
        }
    }

    fn token(&self, shard: ShardId, since: Epoch) -> Token {
        Token { incarnation: self.incarnation, shard, since }
    }
}
