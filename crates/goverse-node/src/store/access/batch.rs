//! One transaction after the other, for as long as saves wait.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::super::{Change, Save, StoreError};
use super::{Shared, alone};

/// A save that waits for its batch, and then for its answer.
pub(super) struct Waiting {
    pub(super) save: Save,
    pub(super) bytes: usize,
    pub(super) answer: oneshot::Sender<Result<(), StoreError>>,
}

/// Gives up the saves that wait if whoever saves them is gone before its time.
struct Stopping<'a> {
    shared: &'a Shared,
    is_done: bool,
}

/// Saves what has gathered, and what gathers meanwhile, until nothing waits.
pub(super) async fn save_all(shared: Arc<Shared>) {
    let mut stopping = Stopping { shared: &shared, is_done: false };
    let mut saves = 0;
    loop {
        let batch = shared.gathering().take();
        if batch.is_empty() {
            stopping.is_done = true;
            return alone::saved(saves == 1);
        }
        let is_lone = batch.len() == 1;
        saves += batch.len();
        save_batch(&shared, batch).await;
        // Those who have just been answered may be about to save again: they go together, too.
        if !is_lone {
            yield_now().await;
        }
    }
}

async fn save_batch(shared: &Shared, batch: Vec<Waiting>) {
    shared.metrics.batch(batch.len());
    let (saves, waiting): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.save, waiting.answer)).unzip();
    match shared.store.save(saves).await {
        Ok(answers) => {
            // A store that gave too few answers: whoever waits for one sees it dropped.
            for (waiting, answer) in waiting.into_iter().zip(answers) {
                let _ = waiting.send(answer);
            }
        }
        Err(error) => {
            for waiting in waiting {
                let _ = waiting.send(Err(error.clone()));
            }
        }
    }
}

/// How many bytes a save writes, but for names.
pub(super) fn size(save: &Save) -> usize {
    let state = match &save.change {
        Change::Put(state) => state.bytes.len(),
        Change::Delete => 0,
    };
    let answers: usize = save.calls.iter().map(|call| call.answer.len()).sum();
    let arguments: usize = save.outgoing.iter().map(|call| call.arguments.len()).sum();
    state + answers + arguments
}

// === impl Stopping ===

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let left = self.shared.gathering().give_up();
            // Outside of the lock, as dropping them wakes others.
            drop(left);
        }
    }
}
