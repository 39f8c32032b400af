//! Who waits for whom on this node, so that two chains that wait for each other are found at once.
//!
//! An activation waits for another when a call of a chain that it is in stands in the other's queue. A circle of those
//! can only be closed by a call that begins to wait, so each one looks for it, under one lock. Only calls of an object
//! that find another one busy come here. Deadlock detection by a wait-for graph: Holt, *Some Deadlock Properties of
//! Computer Systems* (1972).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chain::{ActivationKey, Link};

/// The wait-for graph of a node.
#[derive(Default)]
pub(crate) struct Waits {
    /// What each activation waits for; as often as it does, for a turn may make many calls at once.
    edges: Mutex<Edges>,
}

#[derive(Default)]
struct Edges {
    from: HashMap<ActivationKey, Vec<Edge>>,
    next: u64,
}

struct Edge {
    to: ActivationKey,
    /// What stands in the target's line; nothing where the chain waits for the target to be gone.
    call: Option<Arc<dyn StillWaits>>,
    /// Which wait it belongs to.
    wait: u64,
}

/// A call in a line, which it leaves before whoever waits for it has noticed.
pub(crate) trait StillWaits: Send + Sync {
    /// Whether its turn has not come.
    fn still_waits(&self) -> bool;
}

/// A chain waits, until this is dropped.
pub(crate) struct Waiting<'a> {
    waits: &'a Waits,
    chain: &'a Link,
    wait: u64,
}

/// The target waits for the chain that was to wait for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Deadlock;

// === impl Waits ===

impl Waits {
    /// Lets all activations of `chain` wait for `target`, unless it waits for one of them.
    pub(crate) fn wait<'a>(
        &'a self,
        chain: &'a Link,
        target: ActivationKey,
        call: Option<Arc<dyn StillWaits>>,
    ) -> Result<Waiting<'a>, Deadlock> {
        let mut edges = self.lock();
        if reaches(&edges, target, |key| chain.contains(key)) {
            return Err(Deadlock);
        }
        let wait = edges.next;
        edges.next += 1;
        for key in chain.keys() {
            let edge = Edge { to: target, call: call.clone(), wait };
            edges.from.entry(key).or_default().push(edge);
        }
        Ok(Waiting { waits: self, chain, wait })
    }

    fn lock(&self) -> MutexGuard<'_, Edges> {
        self.edges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `from`, or something it waits for, is wanted.
fn reaches(edges: &Edges, from: ActivationKey, wanted: impl Fn(ActivationKey) -> bool) -> bool {
    let mut seen = HashSet::from([from]);
    let mut next = vec![from];
    while let Some(key) = next.pop() {
        if wanted(key) {
            return true;
        }
        let further = edges.from.get(&key).into_iter().flatten();
        let further = further.filter(|edge| edge.is_there()).map(|edge| edge.to);
        next.extend(further.filter(|key| seen.insert(*key)));
    }
    false
}

// === impl Edge ===

impl Edge {
    fn is_there(&self) -> bool {
        self.call.as_ref().is_none_or(|call| call.still_waits())
    }
}

// === impl Waiting ===

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // What stood in line may have foreign things with it, so it is dropped after the lock.
        let mut gone = Vec::new();
        let mut edges = self.waits.lock();
        for key in self.chain.keys() {
            let Some(from_key) = edges.from.get_mut(&key) else { continue };
            if let Some(at) = from_key.iter().position(|edge| edge.wait == self.wait) {
                gone.push(from_key.swap_remove(at));
            }
            if from_key.is_empty() {
                edges.from.remove(&key);
            }
        }
        drop(edges);
    }
}
