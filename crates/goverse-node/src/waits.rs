//! Who waits for whom on this node, so that two chains that wait for each other are found at once.
//!
//! An activation waits for another when a call of a chain that it is in stands in the other's queue. A circle of those
//! can only be closed by a call that begins to wait, so each one looks for it, under one lock. Only calls of an object
//! that find another one busy come here. Deadlock detection by a wait-for graph: Holt, *Some Deadlock Properties of
//! Computer Systems* (1972).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chain::{ActivationKey, Link};

/// The wait-for graph of a node.
#[derive(Default)]
pub(crate) struct Waits {
    /// What each activation waits for; as often as it does, for a turn may make many calls at once.
    edges: Mutex<Edges>,
}

type Edges = HashMap<ActivationKey, Vec<ActivationKey>>;

/// A chain waits, until this is dropped.
pub(crate) struct Waiting<'a> {
    waits: &'a Waits,
    chain: &'a Link,
    target: ActivationKey,
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
    ) -> Result<Waiting<'a>, Deadlock> {
        let mut edges = self.lock();
        if reaches(&edges, target, |key| chain.contains(key)) {
            return Err(Deadlock);
        }
        for key in chain.keys() {
            edges.entry(key).or_default().push(target);
        }
        Ok(Waiting { waits: self, chain, target })
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
        let further = edges.get(&key).into_iter().flatten();
        next.extend(further.copied().filter(|key| seen.insert(*key)));
    }
    false
}

// === impl Waiting ===

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut edges = self.waits.lock();
        for key in self.chain.keys() {
            let Some(targets) = edges.get_mut(&key) else { continue };
            if let Some(at) = targets.iter().position(|target| *target == self.target) {
                targets.swap_remove(at);
            }
            if targets.is_empty() {
                edges.remove(&key);
            }
        }
    }
}
