//! Whether somebody may still hold a shard.
//!
//! Chapter *A shard on a node* of the protocol: a holder `(h, r)` is cleared when the record at h's address is absent or
//! another's, and has been so for the grace, or when it has acknowledged r and does not list the shard as being released.

use std::collections::HashMap;
use std::time::Duration;

use goverse_core::ShardId;

use super::event::Moment;
use super::settings::{GRACE, Settings};
use super::view::View;
use crate::records::{AssignedNode, Assignment};
use crate::tenure::{Epoch, Incarnation};

/// The nodes of the assignment that are members no longer, and since when this node knows.
#[derive(Debug, Default)]
pub(super) struct Departed(HashMap<Incarnation, Duration>);

// === impl Departed ===

impl Departed {
    /// Takes in a view.
    pub(super) fn apply(&mut self, view: &View, now: Moment) {
        let Some(assignment) = view.assignment() else { return self.0.clear() };
        let mut known = std::mem::take(&mut self.0);
        for node in &assignment.nodes {
            if let Some(None) = view.member(&node.address, node.incarnation) {
                let since = known.remove(&node.incarnation).unwrap_or(now.boot);
                self.0.insert(node.incarnation, since);
            }
        }
    }

    /// Whether that incarnation is gone, and has been for the grace.
    pub(super) fn is_past_grace(&self, incarnation: Incarnation, now: Moment) -> bool {
        self.0.get(&incarnation).is_some_and(|since| now.boot >= *since + GRACE)
    }

    /// Whether somebody's grace is still to pass.
    pub(super) fn is_any_in_grace(&self, now: Moment) -> bool {
        self.0.values().any(|since| now.boot < *since + GRACE)
    }

    /// Whether `holder` can no longer act for the shard by a tenure that it was to release in `release`.
    pub(super) fn is_cleared(
        &self,
        view: &View,
        shard: ShardId,
        (holder, release): (&AssignedNode, Epoch),
        (now, settings): (Moment, &Settings),
    ) -> bool {
        match view.member(&holder.address, holder.incarnation) {
            // A record that nobody can read may be the holder's own.
            None => false,
            Some(None) => self.is_past_grace(holder.incarnation, now),
            Some(Some(member)) => {
                let lets_go = !member.releasing.contains(&shard)
                    || left_out!(settings.rules, ReleasingListIgnored);
                member.acked >= release && lets_go
            }
        }
    }

    /// Whether nobody but `except` can still act for a shard.
    pub(super) fn is_free(
        &self,
        view: &View,
        assignment: &Assignment,
        shard: ShardId,
        except: Option<Incarnation>,
        at: (Moment, &Settings),
    ) -> bool {
        assignment
            .holders(shard)
            .filter(|(holder, _)| Some(holder.incarnation) != except)
            .all(|holder| self.is_cleared(view, shard, holder, at))
    }
}
