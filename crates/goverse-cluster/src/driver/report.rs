//! What a life tells of itself in metrics, read off the machine after each step.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use goverse_core::ShardId;
use goverse_metrics::{ClusterMetrics, ClusterSummary, ShardMoveReason};

use crate::coordinator::Revision;
use crate::machine::{Action, Machine, Moment, ShardState, View};
use crate::records::{AssignedNode, Assignment, MemberState};
use crate::tenure::Token;

/// What was last told.
pub(super) struct Report {
    metrics: Arc<ClusterMetrics>,
    served: BTreeSet<Token>,
    /// Since when the shards that are waited for are ours.
    waiting: HashMap<ShardId, Duration>,
    revision: Option<Revision>,
    assignment: Option<Arc<Assignment>>,
    leads: bool,
    is_anything_in_handoff: bool,
    unreadable: usize,
}

// === impl Report ===

impl Report {
    pub(super) fn new(metrics: &Arc<ClusterMetrics>) -> Self {
        Self {
            metrics: Arc::clone(metrics),
            served: BTreeSet::new(),
            waiting: HashMap::new(),
            revision: None,
            assignment: None,
            leads: false,
            is_anything_in_handoff: false,
            unreadable: 0,
        }
    }

    /// Tells what a step has changed.
    pub(super) fn see(
        &mut self,
        machine: &Machine,
        actions: &[Action],
        now: Moment,
        window_left: Duration,
    ) {
        let view_age = now.boot.saturating_sub(machine.view_confirmed());
        self.metrics.times(window_left, view_age);
        for action in actions {
            self.see_action(action, now);
        }
        let Some(view) = machine.view() else { return };
        if self.revision != Some(view.revision()) {
            self.revision = Some(view.revision());
            self.see_view(machine, view, now);
            self.see_leader(machine, view, now);
        } else if self.is_anything_in_handoff {
            // A grace passes without a view.
            self.see_leader(machine, view, now);
        }
    }

    fn see_action(&mut self, action: &Action, now: Moment) {
        match action {
            Action::Serve(token) => {
                let since = self.waiting.remove(&token.shard).unwrap_or(now.boot);
                self.metrics.handed_over(now.boot.saturating_sub(since));
                self.served.insert(*token);
            }
            Action::Release(token) => {
                self.served.remove(token);
            }
            Action::Revoke(tokens) => {
                for token in tokens {
                    self.served.remove(token);
                }
            }
            _ => return,
        }
        self.metrics.shards_owned(self.served.len());
    }

    fn see_view(&mut self, machine: &Machine, view: &View, now: Moment) {
        self.see_unreadable(view);
        let assignment = view.assignment();
        let is_same = match (assignment, &self.assignment) {
            (Some(new), Some(known)) => Arc::ptr_eq(new, known),
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            self.see_assignment(machine, view, now);
            self.assignment = assignment.cloned();
        }
    }

    fn see_unreadable(&mut self, view: &View) {
        let unreadable = view.unreadable();
        if unreadable.len() > self.unreadable {
            for (key, error) in unreadable {
                tracing::warn!(key, %error, "a record of the cluster cannot be read");
            }
        }
        self.unreadable = unreadable.len();
        self.metrics.unreadable_records(self.unreadable);
    }

    fn see_assignment(&mut self, machine: &Machine, view: &View, now: Moment) {
        self.metrics.map_epoch(view.epoch().0);
        let Some(new) = view.assignment() else { return };
        for shard in (0..new.owners.len() as u32).map(ShardId) {
            match machine.shard(shard) {
                ShardState::Waiting(_) => drop(self.waiting.entry(shard).or_insert(now.boot)),
                _ => drop(self.waiting.remove(&shard)),
            }
        }
        if new.writer == machine.incarnation() {
            self.metrics.map_changed();
            for (reason, count) in moves(view, self.assignment.as_deref(), new) {
                self.metrics.shards_moved(reason, count);
            }
        }
    }

    fn see_leader(&mut self, machine: &Machine, view: &View, now: Moment) {
        let leads = machine.leads();
        if leads && !self.leads {
            self.metrics.became_leader();
        }
        self.leads = leads;
        self.is_anything_in_handoff = false;
        if leads {
            let summary = summary(machine, view, now);
            self.is_anything_in_handoff = summary.shards_in_handoff > 0;
            self.metrics.leads(&summary);
        } else {
            self.metrics.follows();
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.metrics.clear();
    }
}

fn summary(machine: &Machine, view: &View, now: Moment) -> ClusterSummary {
    let mut members = [0; 3];
    for (_, member) in view.readable_members() {
        members[metric_state(member.state) as usize] += 1;
    }
    ClusterSummary { members, shards_in_handoff: machine.shards_in_handoff(now) }
}

fn metric_state(state: MemberState) -> goverse_metrics::MemberState {
    match state {
        MemberState::Joining => goverse_metrics::MemberState::Joining,
        MemberState::Active => goverse_metrics::MemberState::Active,
        MemberState::Draining => goverse_metrics::MemberState::Draining,
    }
}

/// How many shards have another owner than before, by why.
fn moves(
    view: &View,
    former: Option<&Assignment>,
    new: &Assignment,
) -> HashMap<ShardMoveReason, u64> {
    let mut moves = HashMap::new();
    for shard in (0..new.owners.len() as u32).map(ShardId) {
        let Some((owner, _)) = new.owner(shard) else { continue };
        let before = former.and_then(|former| former.owner(shard)).map(|(before, _)| before);
        let reason = match before {
            None => ShardMoveReason::First,
            Some(before) if before.incarnation == owner.incarnation => continue,
            Some(before) => reason(view, shard, before),
        };
        *moves.entry(reason).or_default() += 1;
    }
    moves
}

/// Why a shard was taken from its owner, as far as the view tells.
fn reason(view: &View, shard: ShardId, before: &AssignedNode) -> ShardMoveReason {
    let member = view.members().get(&before.address);
    let member = member.and_then(|stored| stored.record.as_ref().ok());
    let is_wanted = view.intent().is_some_and(|intent| {
        intent.pins.contains_key(&shard) || intent.moves.contains_key(&shard)
    });
    match member.filter(|member| member.incarnation == before.incarnation) {
        None => ShardMoveReason::Failover,
        Some(member) if member.state == MemberState::Draining => ShardMoveReason::Drain,
        Some(_) if is_wanted => ShardMoveReason::Intent,
        Some(_) => ShardMoveReason::Balance,
    }
}
