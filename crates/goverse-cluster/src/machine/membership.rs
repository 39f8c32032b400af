//! How a node becomes a member, keeps its record, and leaves.
//!
//! Chapter *Transactions* of the protocol: first start, join, own record changed, leave. A node that finds its address
//! taken waits two ttl for that member to go; whose own record is gone or another's has lost its incarnation.

use std::time::Duration;

use super::acknowledgement;
use super::action::{Action, Loss, Refusal};
use super::event::Moment;
use super::transactions::Topic;
use super::view::{Stored, View};
use super::{Machine, Next};
use crate::coordinator::{Effect, Guard, Revision};
use crate::records::{CONFIG_KEY, ClusterConfig, MemberRecord, MemberState, member_key};
use crate::tenure::Epoch;

/// How far a node has come.
#[derive(Debug, Default)]
pub(super) struct Membership {
    /// From which revision on its record has been there, once it was.
    joined: Option<Revision>,
    /// Whether it listens.
    pub(super) is_ready: bool,
    /// Since when it drains.
    draining: Option<Duration>,
    /// Since when another has its address.
    taken: Option<Duration>,
}

// === impl Membership ===

impl Membership {
    pub(super) fn drain(&mut self, now: Moment) {
        self.draining.get_or_insert(now.boot);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.is_some()
    }

    /// The join took effect in this revision.
    pub(super) fn joined_at(&mut self, revision: Revision) {
        self.joined.get_or_insert(revision);
    }

    fn state(&self) -> MemberState {
        match (self.draining, self.is_ready) {
            (Some(_), _) => MemberState::Draining,
            (None, true) => MemberState::Active,
            (None, false) => MemberState::Joining,
        }
    }
}

// === impl Machine ===

impl Machine {
    /// Its own record, once it has joined.
    pub(super) fn own_record<'a>(&self, view: &'a View) -> Option<&'a Stored<MemberRecord>> {
        let own = view.members().get(&self.settings.address)?;
        let is_own = matches!(&own.record, Ok(record) if record.incarnation == self.incarnation);
        is_own.then_some(own)
    }

    /// How the view ends the incarnation, if it does.
    pub(super) fn loss(&mut self, view: &View) -> Option<Loss> {
        if let Some(own) = self.own_record(view) {
            self.membership.joined_at(own.created);
            return None;
        }
        let joined = self.membership.joined?;
        let is_gone = !view.members().contains_key(&self.settings.address);
        let loss = if is_gone { Loss::RecordGone } else { Loss::RecordTaken };
        (view.revision() >= joined).then_some(loss)
    }

    /// Founds the cluster if it is not there; refuses one that is another.
    ///
    /// A member goes on whatever is put there later, by hand: what it serves is no less its own.
    pub(super) fn agree(&mut self, view: &View) -> Next {
        let ours = ClusterConfig { shards: self.settings.shards };
        let Some(stored) = view.config() else {
            self.found(ours);
            return Next::Wait;
        };
        let refusal = match &stored.record {
            _ if self.membership.joined.is_some() => return Next::GoOn,
            Ok(theirs) if *theirs == ours => return Next::GoOn,
            Ok(theirs) => Refusal::ShardCount { ours: ours.shards, theirs: theirs.shards },
            Err(error) => Refusal::Config(error.clone()),
        };
        self.refuse(refusal);
        Next::Wait
    }

    fn found(&mut self, config: ClusterConfig) {
        if self.transactions.may_begin(Topic::Config) {
            let key = String::from(CONFIG_KEY);
            let guards = vec![Guard::Absent(key.clone())];
            let effect = Effect::Put { key, value: config.encode(), lease: None };
            self.transactions.begin(Topic::Config, guards, effect, &mut self.actions);
        }
    }

    /// Puts the node's record where nobody's is.
    pub(super) fn join(&mut self, view: &View, now: Moment) -> Next {
        if self.own_record(view).is_some() {
            return Next::GoOn;
        }
        let overwrites = left_out!(self.settings.rules, RestartOverwritesAddress);
        if let Some(other) = view.members().get(&self.settings.address)
            && !overwrites
        {
            let since = *self.membership.taken.get_or_insert(now.boot);
            if now.boot >= since + 2 * self.settings.ttl() {
                let address = self.settings.address.clone();
                let by = other.record.as_ref().ok().map(|record| record.incarnation);
                self.refuse(Refusal::AddressInUse { address, by });
            }
            return Next::Wait;
        }
        if self.membership.is_draining() {
            self.leave();
        } else if self.membership.joined.is_none() && self.transactions.may_begin(Topic::OwnRecord)
        {
            let key = member_key(&self.settings.address);
            let guards = if overwrites { vec![] } else { vec![Guard::Absent(key)] };
            self.put_own_record(guards, self.new_record(Epoch(0)));
        }
        Next::Wait
    }

    fn new_record(&self, acked: Epoch) -> MemberRecord {
        MemberRecord {
            incarnation: self.incarnation,
            state: self.membership.state(),
            facts: self.settings.facts.clone(),
            acked,
            releasing: Default::default(),
        }
    }

    fn put_own_record(&mut self, guards: Vec<Guard>, record: MemberRecord) {
        let key = member_key(&self.settings.address);
        let effect = Effect::Put { key, value: record.encode(), lease: Some(self.lease) };
        self.transactions.begin(Topic::OwnRecord, guards, effect, &mut self.actions);
    }

    /// Writes the node's record if something that others must know has changed.
    pub(super) fn keep_own_record(&mut self, view: &View) {
        let Some(stored) = self.own_record(view) else { return };
        let Ok(written) = &stored.record else { return };
        if !self.transactions.may_begin(Topic::OwnRecord) {
            return;
        }
        let asked = self.release_asked;
        let due = acknowledgement::due(written, view, asked, &self.shards, &self.settings);
        if due.is_none() && written.state == self.membership.state() {
            return;
        }
        let mut record = self.new_record(written.acked);
        match due {
            Some(due) => (record.acked, record.releasing) = (due.acked, due.releasing),
            None => record.releasing.clone_from(&written.releasing),
        }
        let key = member_key(&self.settings.address);
        self.put_own_record(vec![Guard::Modified(key, stored.modified)], record);
    }

    /// Whether an operator wants this node to drain.
    pub(super) fn heed_intent(&mut self, view: &View, now: Moment) {
        if view.intent().is_some_and(|intent| intent.drain.contains(&self.settings.address)) {
            self.membership.drain(now);
        }
    }

    /// Leaves when it owns and holds nothing, and has said so; or when the drain has taken too long.
    pub(super) fn finish_drain(&mut self, now: Moment) {
        let Some(since) = self.membership.draining else { return };
        if now.boot >= since + self.settings.drain_limit || self.is_drained() {
            self.leave();
        }
    }

    fn is_drained(&self) -> bool {
        let Some(view) = &self.watching.view else { return false };
        let Some(own) = self.own_record(view) else { return false };
        let has_said_so = own.record.as_ref().is_ok_and(|record| {
            record.state == MemberState::Draining
                && record.acked >= self.release_asked
                && record.releasing.is_empty()
        });
        has_said_so && self.shards.is_empty()
    }

    fn leave(&mut self) {
        self.end(Action::Leave);
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.end(Action::Refuse(refusal));
    }
}
