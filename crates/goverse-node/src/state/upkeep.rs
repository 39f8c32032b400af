//! What a node does for its store now and then: it reports what is behind, and sweeps what is past its time.

use std::sync::Weak;
use std::time::Duration;

use crate::clock;
use crate::node::{Inner, Node};
use crate::state::delivery::{store_of, upgrade};
use crate::state::node_store::unix_ms;
use crate::store::StoreError;

/// How often it reports.
const PERIOD: Duration = Duration::from_secs(1);
/// How often it sweeps.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);
/// How many rows are swept in one transaction.
const SWEEP_ROWS: u32 = 1_000;
/// What is left of a deleted object stays so much longer than the records of calls.
const DELETED_KEPT_LONGER: Duration = Duration::from_secs(60 * 60);

/// Goes on until the node is gone.
pub(super) async fn look_after_store(node: Weak<Inner>) {
    let mut next_sweep = clock::now();
    while let Some(node) = upgrade(&node) {
        report(&node);
        if clock::now() >= next_sweep {
            if let Err(error) = sweep(&node).await {
                tracing::warn!(%error, "the store was not swept");
            }
            next_sweep = clock::after(clock::now(), SWEEP_PERIOD);
        }
        drop(node);
        tokio::time::sleep(PERIOD).await;
    }
}

fn report(node: &Node) {
    let store = store_of(node);
    store.delivery.report();
    let lag = clock::between(node.oldest_unsaved().unwrap_or(clock::NEVER), clock::now());
    store.access.metrics().set_save_lag(lag.as_secs_f64());
}

async fn sweep(node: &Node) -> Result<(), StoreError> {
    let store = store_of(node);
    let kept = node.settings().call_results_kept.saturating_add(DELETED_KEPT_LONGER);
    let kept = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
    let now = unix_ms();
    loop {
        let swept = store.access.sweep(now, now.saturating_sub(kept), SWEEP_ROWS);
        if store.in_time(swept, StoreError::Unavailable).await? < u64::from(SWEEP_ROWS) {
            return Ok(());
        }
    }
}
