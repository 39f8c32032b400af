//! A coordinator as etcd is one: revisions, guarded transactions, leases, compaction, outages that prolong leases.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::coordinator::{
    Cell, Change, Content, Effect, Grant, Guard, LeaseId, Revision, Transaction, Verdict,
};

use super::Time;

/// The coordinator of one simulated cluster.
pub(super) struct Etcd {
    cluster: u64,
    revision: Revision,
    cells: BTreeMap<String, Cell>,
    leases: BTreeMap<LeaseId, Lease>,
    next_lease: i64,
    /// Every change since the last wipe, in order.
    pub(super) log: Vec<Change>,
    /// Changes up to this one are no longer told.
    pub(super) compacted: Revision,
    /// Out of reach until then. Nothing ends meanwhile.
    pub(super) down_until: Time,
}

struct Lease {
    ttl: Time,
    ends: Time,
}

// === impl Etcd ===

impl Etcd {
    pub(super) fn new() -> Self {
        Self {
            cluster: 1,
            revision: Revision(1),
            cells: BTreeMap::new(),
            leases: BTreeMap::new(),
            next_lease: 1,
            log: Vec::new(),
            compacted: Revision(0),
            down_until: 0,
        }
    }

    pub(super) fn is_up(&self, now: Time) -> bool {
        now >= self.down_until
    }

    /// Is gone for a while; afterwards every lease has its whole time again.
    pub(super) fn go_down(&mut self, until: Time) {
        self.down_until = self.down_until.max(until);
        for lease in self.leases.values_mut() {
            lease.ends = self.down_until + lease.ttl;
        }
    }

    /// Loses everything, as if it had been set up anew.
    pub(super) fn wipe(&mut self) {
        self.cluster += 1;
        self.revision = Revision(1);
        self.compacted = Revision(0);
        self.cells.clear();
        self.leases.clear();
        self.log.clear();
    }

    pub(super) fn compact(&mut self) {
        self.compacted = self.revision;
    }

    pub(super) fn grant(&mut self, now: Time, ttl: Duration) -> Grant {
        let lease = LeaseId(self.next_lease);
        self.next_lease += 1;
        let micros = ttl.as_micros() as Time;
        self.leases.insert(lease, Lease { ttl: micros, ends: now + micros });
        Grant { lease, ttl }
    }

    /// Renews a lease; `None` if it is gone.
    pub(super) fn renew(&mut self, now: Time, id: LeaseId) -> Option<Duration> {
        let lease = self.leases.get_mut(&id)?;
        lease.ends = now + lease.ttl;
        Some(Duration::from_micros(lease.ttl))
    }

    pub(super) fn ends(&self, id: LeaseId) -> Option<Time> {
        self.leases.get(&id).map(|lease| lease.ends)
    }

    pub(super) fn revoke(&mut self, id: LeaseId) {
        if self.leases.remove(&id).is_none() {
            return;
        }
        let its = self.cells.iter().filter(|(_, cell)| cell.lease == Some(id));
        let keys: Vec<String> = its.map(|(key, _)| key.clone()).collect();
        if !keys.is_empty() {
            let effects = keys.into_iter().map(|key| Effect::Delete { key }).collect();
            self.commit(effects);
        }
    }

    /// Ends the leases whose time is over; those that have ended.
    pub(super) fn expire(&mut self, now: Time) -> Vec<LeaseId> {
        if !self.is_up(now) {
            return Vec::new();
        }
        let over = self.leases.iter().filter(|(_, lease)| lease.ends <= now);
        let over: Vec<LeaseId> = over.map(|(id, _)| *id).collect();
        over.iter().for_each(|id| self.revoke(*id));
        over
    }

    pub(super) fn read(&self) -> Content {
        Content { cluster: self.cluster, revision: self.revision, cells: self.cells.clone() }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Cell> {
        self.cells.get(key)
    }

    pub(super) fn transact(&mut self, transaction: &Transaction) -> Verdict {
        let holds = |guard: &Guard| match guard {
            Guard::Absent(key) => !self.cells.contains_key(key),
            Guard::Created(key, at) => self.get(key).is_some_and(|cell| cell.created == *at),
            Guard::Modified(key, at) => self.get(key).is_some_and(|cell| cell.modified == *at),
        };
        let has_lease = |effect: &Effect| match effect {
            Effect::Put { lease: Some(lease), .. } => self.leases.contains_key(lease),
            _ => true,
        };
        let may = transaction.guards.iter().all(holds) && transaction.effects.iter().all(has_lease);
        if !may {
            return Verdict::No(self.revision);
        }
        self.commit(transaction.effects.clone());
        Verdict::Yes(self.revision)
    }

    fn commit(&mut self, effects: Vec<Effect>) {
        self.revision.0 += 1;
        let mut change = Change { revision: self.revision, cells: BTreeMap::new() };
        for effect in effects {
            match effect {
                Effect::Put { key, value, lease } => {
                    let created = self.get(&key).map_or(self.revision, |cell| cell.created);
                    let cell = Cell { value, created, modified: self.revision, lease };
                    self.cells.insert(key.clone(), cell.clone());
                    change.cells.insert(key, Some(cell));
                }
                Effect::Delete { key } => {
                    if self.cells.remove(&key).is_some() {
                        change.cells.insert(key, None);
                    }
                }
            }
        }
        self.log.push(change);
    }
}
