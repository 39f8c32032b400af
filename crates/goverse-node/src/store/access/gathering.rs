//! Saves that wait while a transaction is under way, and which of them go together.

use std::collections::{HashSet, VecDeque};

use super::batch::Waiting;

/// The most saves of a batch.
pub(super) const SAVES_MAX: usize = 256;

/// The most bytes of a batch, but for one save that is larger by itself.
pub(super) const BYTES_MAX: usize = 4 << 20;

/// Saves that wait, first come, first served.
#[derive(Default)]
pub(super) struct Gathering {
    waiting: VecDeque<Waiting>,
    /// Whether somebody takes batches, until there is none.
    is_served: bool,
}

// === impl Gathering ===

impl Gathering {
    /// Adds a save. True if nobody takes batches: whoever added it is to begin.
    pub(super) fn push(&mut self, waiting: Waiting) -> bool {
        self.waiting.push_back(waiting);
        !std::mem::replace(&mut self.is_served, true)
    }

    /// The next batch; if it is empty, nobody takes batches any more.
    ///
    /// No two saves of it are of one object: the second one waits for the next batch.
    pub(super) fn take(&mut self) -> Vec<Waiting> {
        let (mut batch, mut later) = (Vec::new(), VecDeque::new());
        let (mut objects, mut bytes) = (HashSet::new(), 0);
        while let Some(waiting) = self.waiting.pop_front() {
            let is_full = batch.len() == SAVES_MAX || bytes + waiting.bytes > BYTES_MAX;
            if is_full && !batch.is_empty() {
                self.waiting.push_front(waiting);
                break;
            }
            if objects.insert(waiting.save.object.clone()) {
                bytes += waiting.bytes;
                batch.push(waiting);
            } else {
                later.push_back(waiting);
            }
        }
        later.append(&mut self.waiting);
        self.waiting = later;
        self.is_served = !batch.is_empty();
        batch
    }

    /// Whether somebody takes batches.
    pub(super) fn is_served(&self) -> bool {
        self.is_served
    }

    /// Everything that waits; nobody takes batches any more.
    pub(super) fn give_up(&mut self) -> VecDeque<Waiting> {
        self.is_served = false;
        std::mem::take(&mut self.waiting)
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
