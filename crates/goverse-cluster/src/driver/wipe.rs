//! A coordinator that has lost its data: nobody founds the cluster anew while others may act by what there was.
//!
//! Who reads an empty prefix cannot tell a new cluster from one whose past is gone. But a node that has just lost its
//! incarnation knows that there was one, and that others had windows too: the last of them is over one ttl after the loss,
//! for no lease was renewed since. A node that was started in that time does not know; see docs/adr/0009.

use std::time::Duration;

use goverse_metrics::CoordinatorOperation;

use super::Driver;
use crate::clock;
use crate::records::ASSIGNMENT_KEY;

// === impl Driver ===

impl Driver {
    /// Waits until there is an assignment, which somebody has written who knows better, or nobody can act by a former one.
    pub(super) async fn outlive_the_past(&mut self, lost_at: Duration) {
        let end = lost_at + self.settings.ttl();
        while clock::boot() < end && !self.is_draining {
            let read = self.asker.ask(CoordinatorOperation::Read, |it| it.read()).await;
            match read {
                Ok(content) if content.cells.contains_key(ASSIGNMENT_KEY) => return,
                Ok(_) => tracing::warn!(
                    "the coordinator has lost its data; waiting until nobody acts by it"
                ),
                // It may come back with its data or without.
                Err(_) => {}
            }
            self.rest(self.asker.period / 4).await;
        }
    }
}
