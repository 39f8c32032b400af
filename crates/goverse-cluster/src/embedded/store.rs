//! What the embedded coordinator holds: cells, leases, and a history of changes. Pure: time passes when it is told so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::coordinator::{
    Cell, Change, Content, CoordinatorError, Effect, Grant, Guard, LeaseId, Revision, Transaction,
    Verdict,
};

/// How many changes are kept for watches that come later; older ones are compacted.
const HISTORY_MAX: usize = 1_000;

/// The largest transaction, as in etcd.
const BYTES_MAX: usize = 1_536 << 10;

/// All that the coordinator knows.
pub(super) struct Store {
    cluster: u64,
    revision: Revision,
    cells: BTreeMap<String, Cell>,
    leases: BTreeMap<LeaseId, Lease>,
    leases_granted: i64,
    history: VecDeque<Change>,
    /// Changes up to this one are no more in the history.
    compacted: Revision,
}

struct Lease {
    ttl: Duration,
    left: Duration,
    /// Closes the window of its holder.
    close: Option<Box<dyn FnOnce() + Send>>,
}

// === impl Store ===

impl Store {
    pub(super) fn new(cluster: u64) -> Self {
        // As in etcd, an empty store has a revision above 0.
        let revision = Revision(1);
        Self {
            cluster,
            revision,
            cells: BTreeMap::new(),
            leases: BTreeMap::new(),
            leases_granted: 0,
            history: VecDeque::new(),
            compacted: revision,
        }
    }

    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    pub(super) fn content(&self) -> Content {
        Content { cluster: self.cluster, revision: self.revision, cells: self.cells.clone() }
    }

    pub(super) fn modified(&self, key: &str) -> Option<Revision> {
        self.cells.get(key).map(|cell| cell.modified)
    }

    /// The change that follows `after`, if there is one yet.
    pub(super) fn change_after(&self, after: Revision) -> Result<Option<Change>, CoordinatorError> {
        if after < self.compacted {
            return Err(CoordinatorError::Compacted(self.compacted));
        }
        let next = self.history.partition_point(|change| change.revision <= after);
        Ok(self.history.get(next).cloned())
    }

    pub(super) fn compact(&mut self, revision: Revision) {
        let revision = revision.min(self.revision);
        self.compacted = self.compacted.max(revision);
        while self.history.front().is_some_and(|change| change.revision <= revision) {
            self.history.pop_front();
        }
    }

    /// Tries a transaction.
    pub(super) fn transact(
        &mut self,
        transaction: Transaction,
    ) -> Result<Verdict, CoordinatorError> {
        let Transaction { guards, effects } = transaction;
        check_size(&effects)?;
        check_keys(&effects)?;
        if !guards.iter().all(|guard| self.holds(guard)) {
            return Ok(Verdict::No(self.revision));
        }
        self.check_leases(&effects)?;
        self.apply(effects);
        Ok(Verdict::Yes(self.revision))
    }

    fn holds(&self, guard: &Guard) -> bool {
        match guard {
            Guard::Absent(key) => !self.cells.contains_key(key),
            Guard::Created(key, revision) => {
                self.cells.get(key).is_some_and(|cell| cell.created == *revision)
            }
            Guard::Modified(key, revision) => {
                self.cells.get(key).is_some_and(|cell| cell.modified == *revision)
            }
        }
    }

    fn check_leases(&self, effects: &[Effect]) -> Result<(), CoordinatorError> {
        let are_there = effects.iter().all(|effect| match effect {
            Effect::Put { lease: Some(lease), .. } => self.leases.contains_key(lease),
            Effect::Put { .. } | Effect::Delete { .. } => true,
        });
        if are_there { Ok(()) } else { Err(CoordinatorError::LeaseGone) }
    }

    /// Does all effects in one revision; there is none if nothing changes.
    fn apply(&mut self, effects: Vec<Effect>) {
        let revision = Revision(self.revision.0 + 1);
        let mut cells = BTreeMap::new();
        for effect in effects {
            match effect {
                Effect::Put { key, value, lease } => {
                    let before = self.cells.get(&key);
                    let created = before.map_or(revision, |cell| cell.created);
                    let cell = Cell { value, created, modified: revision, lease };
                    self.cells.insert(key.clone(), cell.clone());
                    cells.insert(key, Some(cell));
                }
                Effect::Delete { key } => {
                    if self.cells.remove(&key).is_some() {
                        cells.insert(key, None);
                    }
                }
            }
        }
        if !cells.is_empty() {
            self.revision = revision;
            self.history.push_back(Change { revision, cells });
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let excess = self.history.len().saturating_sub(HISTORY_MAX);
        for forgotten in self.history.drain(..excess) {
            self.compacted = forgotten.revision;
        }
    }

    pub(super) fn grant(&mut self, ttl: Duration) -> Result<Grant, CoordinatorError> {
        self.leases_granted += 1;
        let lease = LeaseId(self.leases_granted);
        self.leases.insert(lease, Lease { ttl, left: ttl, close: None });
        Ok(Grant { lease, ttl })
    }

    pub(super) fn renew(&mut self, id: LeaseId) -> Result<Grant, CoordinatorError> {
        let lease = self.leases.get_mut(&id).ok_or(CoordinatorError::LeaseGone)?;
        lease.left = lease.ttl;
        Ok(Grant { lease: id, ttl: lease.ttl })
    }

    /// Ends a lease: closes its holder's window, then deletes its cells.
    pub(super) fn end(&mut self, id: LeaseId) {
        let Some(lease) = self.leases.remove(&id) else { return };
        if let Some(close) = lease.close {
            close();
        }
        let of_lease = self.cells.iter().filter(|(_, cell)| cell.lease == Some(id));
        let effects = of_lease.map(|(key, _)| Effect::Delete { key: key.clone() }).collect();
        self.apply(effects);
    }

    pub(super) fn before_end(&mut self, id: LeaseId, close: Box<dyn FnOnce() + Send>) {
        match self.leases.get_mut(&id) {
            Some(lease) => lease.close = Some(close),
            None => close(),
        }
    }

    /// Time passes, and ends leases.
    pub(super) fn pass(&mut self, time: Duration) {
        let mut over = Vec::new();
        for (id, lease) in &mut self.leases {
            lease.left = lease.left.saturating_sub(time);
            if lease.left.is_zero() {
                over.push(*id);
            }
        }
        for id in over {
            self.end(id);
        }
    }
}

fn check_size(effects: &[Effect]) -> Result<(), CoordinatorError> {
    let size = effects.iter().map(|effect| match effect {
        Effect::Put { key, value, .. } => key.len() + value.len(),
        Effect::Delete { key } => key.len(),
    });
    let size: usize = size.sum();
    if size <= BYTES_MAX {
        return Ok(());
    }
    Err(CoordinatorError::TooLarge(format!("{size} bytes, at most {BYTES_MAX}")))
}

/// A key that is named twice would have two values in one revision.
fn check_keys(effects: &[Effect]) -> Result<(), CoordinatorError> {
    let mut keys = BTreeSet::new();
    for effect in effects {
        let (Effect::Put { key, .. } | Effect::Delete { key }) = effect;
        if !keys.insert(key) {
            return Err(CoordinatorError::Nonsense(format!("{key} is named twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn put(key: &str, lease: Option<LeaseId>) -> Transaction {
        let effect = Effect::Put { key: key.to_owned(), value: vec![1], lease };
        Transaction { guards: Vec::new(), effects: vec![effect] }
    }

    #[test]
    fn the_window_is_closed_before_the_cells_go() {
        let mut store = Store::new(7);
        let lease = store.grant(Duration::from_secs(5)).unwrap().lease;
        store.transact(put("a", Some(lease))).unwrap();
        let is_closed = Arc::new(AtomicBool::new(false));
        let close = Arc::clone(&is_closed);
        store.before_end(lease, Box::new(move || close.store(true, Ordering::SeqCst)));
        store.pass(Duration::from_millis(4_999));
        assert!(!is_closed.load(Ordering::SeqCst) && store.modified("a").is_some());
        store.pass(Duration::from_millis(1));
        assert!(is_closed.load(Ordering::SeqCst) && store.modified("a").is_none());
    }

    #[test]
    fn a_window_of_a_lease_that_is_gone_is_closed_at_once() {
        let mut store = Store::new(7);
        let is_closed = Arc::new(AtomicBool::new(false));
        let close = Arc::clone(&is_closed);
        store.before_end(LeaseId(3), Box::new(move || close.store(true, Ordering::SeqCst)));
        assert!(is_closed.load(Ordering::SeqCst));
    }

    #[test]
    fn the_history_is_bounded() {
        let mut store = Store::new(7);
        for number in 0..HISTORY_MAX + 10 {
            store.transact(put(&number.to_string(), None)).unwrap();
        }
        assert_eq!(store.history.len(), HISTORY_MAX);
        assert_eq!(
            store.change_after(Revision(10)),
            Err(CoordinatorError::Compacted(Revision(11)))
        );
        let oldest = store.change_after(Revision(11)).unwrap().unwrap();
        assert_eq!(oldest.revision, Revision(12));
    }
}
