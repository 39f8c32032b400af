//! What a node knows of the coordinator: the exact content of the prefix at one revision, read as records.
//!
//! Chapter *View* of the protocol: revisions are applied whole and in order. When one is read again is in `watching.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use goverse_core::{NodeAddress, ShardCount, ShardId};

use crate::coordinator::{Cell, Change, Content, LeaseId, Revision};
use crate::records::{
    ASSIGNMENT_KEY, Assignment, CONFIG_KEY, ClusterConfig, INTENT_KEY, Intent, LEADER_KEY,
    LeaderRecord, MEMBERS_PREFIX, MemberRecord, MemberState, RecordError, member_address,
};
use crate::tenure::{Epoch, Incarnation};

/// The content of the prefix at one revision, read as records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    shards: ShardCount,
    cluster: u64,
    revision: Revision,
    config: Option<Stored<ClusterConfig>>,
    members: BTreeMap<NodeAddress, Stored<MemberRecord>>,
    leader: Option<Stored<LeaderRecord>>,
    assignment: Option<Stored<Arc<Assignment>>>,
    intent: Option<Stored<Intent>>,
    unreadable: BTreeMap<String, RecordError>,
}

/// A record, or why it cannot be read, and when it came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// What the value says.
    pub record: Result<T, RecordError>,
    /// The revision that made the key.
    pub created: Revision,
    /// The revision of the last put.
    pub modified: Revision,
    /// The lease that it goes with.
    pub lease: Option<LeaseId>,
}

/// Where the objects of a shard are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// Who owns it.
    pub address: &'a NodeAddress,
    /// Which life of the owner.
    pub incarnation: Incarnation,
    /// From which epoch.
    pub since: Epoch,
    /// Whose release it may still wait for: in a chain that runs on one of them, that one is asked first.
    pub holders: Vec<&'a NodeAddress>,
}

// === impl View ===

impl View {
    /// Reads a content. Records that stand as they stood in `former` are not read again.
    pub(super) fn new(content: Content, shards: ShardCount, former: Option<&Self>) -> Self {
        let Content { cluster, revision, cells } = content;
        let mut view = Self {
            shards,
            cluster,
            revision,
            config: None,
            members: BTreeMap::new(),
            leader: None,
            assignment: None,
            intent: None,
            unreadable: BTreeMap::new(),
        };
        let former = former.and_then(|former| former.assignment.as_ref());
        for (key, cell) in cells {
            match former {
                Some(same) if key == ASSIGNMENT_KEY && same.modified == cell.modified => {
                    view.assignment = Some(same.clone());
                    view.note(key, same.record.as_ref().err().cloned());
                }
                _ => view.put(key, Some(cell)),
            }
        }
        view
    }

    /// Goes on to the next revision.
    pub(super) fn apply(&mut self, change: Change) {
        self.revision = self.revision.max(change.revision);
        for (key, cell) in change.cells {
            self.put(key, cell);
        }
    }

    /// Nothing has changed up to this revision.
    pub(super) fn advance(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
    }

    fn put(&mut self, key: String, cell: Option<Cell>) {
        let problem = match key.as_str() {
            CONFIG_KEY => set(&mut self.config, cell, ClusterConfig::decode),
            LEADER_KEY => set(&mut self.leader, cell, LeaderRecord::decode),
            INTENT_KEY => set(&mut self.intent, cell, Intent::decode),
            ASSIGNMENT_KEY => {
                let shards = self.shards;
                set(&mut self.assignment, cell, |value| {
                    Assignment::decode(value, shards).map(Arc::new)
                })
            }
            member if member.starts_with(MEMBERS_PREFIX) => self.put_member(&key, cell),
            // Somebody else's key below our prefix, or a later version's.
            _ => None,
        };
        self.note(key, problem);
    }

    fn put_member(&mut self, key: &str, cell: Option<Cell>) -> Option<RecordError> {
        let Some(address) = member_address(key) else {
            let problem = String::from("the key names no address such as 10.0.0.1:47000");
            return cell.map(|_| RecordError::Malformed(problem));
        };
        let mut member = None;
        let problem = set(&mut member, cell, MemberRecord::decode);
        match member {
            Some(member) => drop(self.members.insert(address, member)),
            None => drop(self.members.remove(&address)),
        }
        problem
    }

    fn note(&mut self, key: String, problem: Option<RecordError>) {
        match problem {
            Some(problem) => drop(self.unreadable.insert(key, problem)),
            None => drop(self.unreadable.remove(&key)),
        }
    }

    /// Which coordinator said so.
    pub fn cluster(&self) -> u64 {
        self.cluster
    }

    /// When it was so.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What the cluster is.
    pub fn config(&self) -> Option<&Stored<ClusterConfig>> {
        self.config.as_ref()
    }

    /// Who takes part, also those whose record cannot be read.
    pub fn members(&self) -> &BTreeMap<NodeAddress, Stored<MemberRecord>> {
        &self.members
    }

    /// The members that can be read.
    pub fn readable_members(&self) -> impl Iterator<Item = (&NodeAddress, &MemberRecord)> {
        self.members
            .iter()
            .filter_map(|(address, stored)| Some((address, stored.record.as_ref().ok()?)))
    }

    /// Who leads.
    pub fn leader(&self) -> Option<&Stored<LeaderRecord>> {
        self.leader.as_ref()
    }

    /// The assignment as it is stored, which may be unreadable.
    pub fn stored_assignment(&self) -> Option<&Stored<Arc<Assignment>>> {
        self.assignment.as_ref()
    }

    /// The assignment, if there is one that can be read.
    pub fn assignment(&self) -> Option<&Arc<Assignment>> {
        self.assignment.as_ref().and_then(|stored| stored.record.as_ref().ok())
    }

    /// The epoch of the assignment; 0 without one.
    pub fn epoch(&self) -> Epoch {
        self.assignment().map_or(Epoch(0), |assignment| assignment.epoch)
    }

    /// What operators want, as far as it can be read.
    pub fn intent(&self) -> Option<&Intent> {
        self.intent.as_ref().and_then(|stored| stored.record.as_ref().ok())
    }

    /// The values that cannot be read, by their keys.
    pub fn unreadable(&self) -> &BTreeMap<String, RecordError> {
        &self.unreadable
    }

    /// Where the objects of a shard are.
    pub fn route(&self, shard: ShardId) -> Option<Route<'_>> {
        let assignment = self.assignment()?;
        let (owner, since) = assignment.owner(shard)?;
        let holders = assignment.holders(shard).map(|(holder, _)| &holder.address).collect();
        Some(Route { address: &owner.address, incarnation: owner.incarnation, since, holders })
    }

    /// Who is the member at an address, and the fence of the objects that are fixed to it: the first epoch that spoke of
    /// it. `None` if there is no such member, or the map does not know it yet.
    pub fn route_to_member(&self, address: &NodeAddress) -> Option<(Incarnation, Epoch)> {
        let incarnation = self.members.get(address)?.record.as_ref().ok()?.incarnation;
        let assignment = self.assignment()?;
        let node = assignment.node(incarnation)?;
        Some((incarnation, assignment.nodes[node as usize].since))
    }

    /// Whether that incarnation takes part; `None` if the record at its address cannot be read.
    pub(super) fn member(
        &self,
        address: &NodeAddress,
        incarnation: Incarnation,
    ) -> Option<Option<&MemberRecord>> {
        let Some(stored) = self.members.get(address) else { return Some(None) };
        let record = stored.record.as_ref().ok()?;
        Some((record.incarnation == incarnation).then_some(record))
    }

    /// Whether anybody but `except` is active.
    pub(super) fn is_anybody_active(&self, except: Incarnation) -> bool {
        self.readable_members()
            .any(|(_, member)| member.state == MemberState::Active && member.incarnation != except)
    }
}

/// Puts what a cell says where it belongs, and tells what is wrong with it.
fn set<T>(
    place: &mut Option<Stored<T>>,
    cell: Option<Cell>,
    decode: impl FnOnce(&[u8]) -> Result<T, RecordError>,
) -> Option<RecordError> {
    *place = cell.map(|Cell { value, created, modified, lease }| Stored {
        record: decode(&value),
        created,
        modified,
        lease,
    });
    place.as_ref().and_then(|stored| stored.record.as_ref().err().cloned())
}
