//! The leader: how a member becomes it, and what it writes.
//!
//! Chapter *Leader* of the protocol, and the rows *campaign*, *resign* and *leader, new assignment* of its transactions.
//! It reads only its view; the guard on the revision of `assignment` is what makes a stale one harmless. Where shards go is
//! decided in `placement.rs`; here is who may still hold them.

use std::collections::HashMap;
use std::time::Duration;

use super::Machine;
use super::event::Moment;
use super::transactions::Topic;
use super::view::View;
use crate::coordinator::{Effect, Guard};
use crate::records::{
    ASSIGNMENT_KEY, Assignment, LEADER_KEY, LeaderRecord, MemberState, RecordError, member_key,
};
use crate::tenure::Incarnation;

mod reassign;
mod situation;

/// What a leader remembers beside its view. A new leader begins without it.
#[derive(Debug, Default)]
pub(super) struct Leading {
    /// Since when members have been active, as far as this node knows.
    active: HashMap<Incarnation, Duration>,
    /// When the map is to be looked at again although no view came.
    look_again: Option<Duration>,
}

/// How often the map is looked at while something only needs time.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

// === impl Machine ===

impl Machine {
    /// Whether this node leads, as far as the view tells.
    pub(super) fn is_leader(&self, view: &View) -> bool {
        let leader = view.leader().and_then(|stored| stored.record.as_ref().ok());
        leader.is_some_and(|leader| leader.incarnation == self.incarnation)
    }

    /// Campaigns, resigns, writes.
    pub(super) fn lead(&mut self, view: &View, now: Moment) {
        if !self.is_leader(view) {
            self.campaign(view);
        } else if self.membership.is_draining() && view.is_anybody_active(self.incarnation) {
            self.resign(view);
        } else if self.transactions.may_begin(Topic::Assignment) && self.is_map_due(now) {
            self.write_assignment(view, now);
        }
    }

    /// Whether there is a reason to look at the map: a new view, or time for somebody's settling or grace.
    fn is_map_due(&mut self, now: Moment) -> bool {
        let is_time = self.leading.look_again.is_some_and(|time| time <= now.boot);
        if !self.is_map_stale && !is_time {
            return false;
        }
        self.is_map_stale = false;
        let is_waiting = self.departed.is_any_in_grace(now)
            || self.leading.is_anybody_settling(now, self.settings.settling);
        self.leading.look_again = is_waiting.then_some(now.boot + LOOK_AGAIN);
        true
    }

    fn campaign(&mut self, view: &View) {
        let is_draining = self.membership.is_draining();
        let may_lead =
            self.membership.is_ready && (!is_draining || !view.is_anybody_active(self.incarnation));
        let Some(own) = self.own_record(view) else { return };
        if view.leader().is_some() || !may_lead || !self.transactions.may_begin(Topic::Leader) {
            return;
        }
        let address = self.settings.address.clone();
        let own_key = member_key(&address);
        let guards = vec![Guard::Absent(LEADER_KEY.into()), Guard::Created(own_key, own.created)];
        let value = LeaderRecord { incarnation: self.incarnation, address }.encode();
        let effect = Effect::Put { key: LEADER_KEY.into(), value, lease: Some(self.lease) };
        self.transactions.begin(Topic::Leader, guards, effect, &mut self.actions);
    }

    fn resign(&mut self, view: &View) {
        let Some(leader) = view.leader() else { return };
        if self.transactions.may_begin(Topic::Leader) {
            let guards = vec![Guard::Created(LEADER_KEY.into(), leader.created)];
            let effect = Effect::Delete { key: LEADER_KEY.into() };
            self.transactions.begin(Topic::Leader, guards, effect, &mut self.actions);
        }
    }

    fn write_assignment(&mut self, view: &View, now: Moment) {
        if quorum(view) < self.settings.min_quorum {
            return;
        }
        let unix_ms = u64::try_from(now.wall.as_millis()).unwrap_or(u64::MAX);
        // Above what anybody has acknowledged, also if the map that said it is gone.
        let acked = view.readable_members().map(|(_, member)| member.acked).max();
        let epoch = self.epoch_seen.max(acked.unwrap_or_default()).next(unix_ms);
        let next = match view.stored_assignment().map(|stored| &stored.record) {
            Some(Err(RecordError::Newer(_))) => None,
            Some(Ok(former)) => self.reassign(view, former, epoch, now),
            None | Some(Err(RecordError::Malformed(_))) => self.assign_anew(view, epoch),
        };
        if let Some(next) = next {
            self.put_assignment(view, &next);
        }
    }

    fn put_assignment(&mut self, view: &View, next: &Assignment) {
        let Some(leader) = view.leader() else { return };
        let key = String::from(ASSIGNMENT_KEY);
        let mut guards = vec![Guard::Created(LEADER_KEY.into(), leader.created)];
        guards.push(match view.stored_assignment() {
            None => Guard::Absent(key.clone()),
            Some(former) => Guard::Modified(key.clone(), former.modified),
        });
        if left_out!(self.settings.rules, LeaderGuardOnly) {
            guards.pop();
        }
        if left_out!(self.settings.rules, UnguardedLeader) {
            guards.clear();
        }
        let effect = Effect::Put { key, value: next.encode(), lease: None };
        self.transactions.begin(Topic::Assignment, guards, effect, &mut self.actions);
    }
}

/// How many members there are that can have shards, or have them still.
fn quorum(view: &View) -> usize {
    view.readable_members().filter(|(_, member)| member.state != MemberState::Joining).count()
}

// === impl Leading ===

impl Leading {
    /// Takes in a view.
    pub(super) fn apply(&mut self, view: &View, now: Moment) {
        let mut known = std::mem::take(&mut self.active);
        for (_, member) in view.readable_members() {
            if member.state == MemberState::Active {
                let since = known.remove(&member.incarnation).unwrap_or(now.boot);
                self.active.insert(member.incarnation, since);
            }
        }
    }

    fn is_anybody_settling(&self, now: Moment, settling: Duration) -> bool {
        self.active.values().any(|since| now.boot < *since + settling)
    }

    /// Whether a member has been active for so long.
    fn is_settled(&self, incarnation: Incarnation, now: Moment, settling: Duration) -> bool {
        self.active.get(&incarnation).is_some_and(|since| now.boot >= *since + settling)
    }
}
