//! Operations at the coordinator: each with a time-out, counted, and answered to the machine as an event.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use goverse_metrics::{
    ClusterMetrics, CoordinatorOperation, CoordinatorOutcome, OperationGuard, RenewalOutcome,
};
use tokio::time::timeout;

use crate::clock;
use crate::coordinator::{
    BoxFuture, Content, Coordinator, CoordinatorError, LeaseId, Revision, Transaction, Verdict,
    Watch,
};
use crate::machine::{Event, Moment, Outcome};
use crate::records::ASSIGNMENT_KEY;

/// Who asks the coordinator.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) coordinator: Arc<dyn Coordinator>,
    pub(super) metrics: Arc<ClusterMetrics>,
    /// How long an answer is waited for.
    pub(super) period: Duration,
    failing: Arc<Failing>,
}

/// Which operations failed when they were last tried: what goes on failing is logged once.
#[derive(Default)]
struct Failing([AtomicBool; CoordinatorOperation::ALL.len()]);

/// What became of an operation.
pub(super) enum Answer {
    /// The machine is told this.
    Event(Event),
    /// All there is was read, or why not.
    Read(Moment, Result<Content, CoordinatorError>),
    /// There is a watch from that read on, or none.
    Watch(u64, Result<Box<dyn Watch>, CoordinatorError>),
}

/// An operation under way. It asks when it is first polled.
pub(super) type Operation = BoxFuture<'static, Answer>;

// === impl Asker ===

impl Asker {
    pub(super) fn new(
        coordinator: Arc<dyn Coordinator>,
        metrics: ClusterMetrics,
        period: Duration,
    ) -> Self {
        Self { coordinator, metrics: Arc::new(metrics), period, failing: Arc::default() }
    }

    /// Asks once. No answer in time is an unknown outcome.
    pub(super) async fn ask<'a, T>(
        &'a self,
        operation: CoordinatorOperation,
        ask: impl FnOnce(&'a dyn Coordinator) -> BoxFuture<'a, Result<T, CoordinatorError>>,
    ) -> Result<T, CoordinatorError> {
        let guard = self.metrics.begin(operation);
        let answered = timeout(self.period, ask(&*self.coordinator)).await;
        let result = answered.unwrap_or_else(|_| Err(self.no_answer()));
        self.count(operation, guard, result.as_ref().err());
        result
    }

    fn no_answer(&self) -> CoordinatorError {
        CoordinatorError::Unknown(format!("no answer within {:?}", self.period))
    }

    /// Counts how an operation ended, and logs it where that is news.
    fn count(
        &self,
        operation: CoordinatorOperation,
        guard: OperationGuard<'_>,
        error: Option<&CoordinatorError>,
    ) {
        let (coordinator, name) = (self.coordinator.name(), operation.as_str());
        let was_failing =
            self.failing.0[operation as usize].swap(error.is_some(), Ordering::Relaxed);
        match (error, was_failing) {
            (Some(error), false) => {
                tracing::warn!(coordinator, operation = name, %error, "the coordinator did not do what it was asked");
            }
            (Some(error), true) => {
                tracing::debug!(coordinator, operation = name, %error, "the coordinator did not do what it was asked");
            }
            (None, true) => {
                tracing::info!(
                    coordinator,
                    operation = name,
                    "the coordinator does what it is asked again"
                );
            }
            (None, false) => {}
        }
        guard.finish(error.map_or(CoordinatorOutcome::Ok, |error| self.outcome(error)));
    }

    fn outcome(&self, error: &CoordinatorError) -> CoordinatorOutcome {
        match error {
            CoordinatorError::Unknown(_) if *error == self.no_answer() => {
                CoordinatorOutcome::TimedOut
            }
            CoordinatorError::Unknown(_) => CoordinatorOutcome::Unknown,
            CoordinatorError::Unavailable(_) => CoordinatorOutcome::Unavailable,
            CoordinatorError::LeaseGone => CoordinatorOutcome::Refused,
            CoordinatorError::Denied(_) => CoordinatorOutcome::Denied,
            CoordinatorError::Compacted(_)
            | CoordinatorError::TooLarge(_)
            | CoordinatorError::Nonsense(_) => CoordinatorOutcome::Failed,
        }
    }

    pub(super) fn renew(&self, lease: LeaseId) -> Operation {
        let (asker, sent) = (self.clone(), clock::now());
        Box::pin(async move {
            let renewed = asker.ask(CoordinatorOperation::Renew, |it| it.renew(lease)).await;
            let (event, outcome) = match renewed {
                Ok(grant) => (Event::Renewed { sent, ttl: grant.ttl }, RenewalOutcome::Ok),
                Err(CoordinatorError::LeaseGone) => (Event::LeaseGone, RenewalOutcome::Gone),
                Err(_) => (Event::RenewFailed, RenewalOutcome::Failed),
            };
            asker.metrics.renewed(outcome);
            Answer::Event(event)
        })
    }

    pub(super) fn transact(&self, id: u64, transaction: Transaction) -> Operation {
        let asker = self.clone();
        Box::pin(async move {
            let tried = asker.try_transaction(transaction).await;
            let outcome = match tried {
                Ok(Verdict::Yes(revision)) => Outcome::Yes(revision),
                Ok(Verdict::No(revision)) => Outcome::No(revision),
                // Also where it is sure that nothing happened: to read again is never wrong.
                Err(_) => Outcome::Unknown,
            };
            Answer::Event(Event::TransactionDone { id, outcome })
        })
    }

    /// A guard that does not hold is an answer, and is counted as what it is.
    async fn try_transaction(&self, transaction: Transaction) -> Result<Verdict, CoordinatorError> {
        let operation = CoordinatorOperation::Transact;
        let guard = self.metrics.begin(operation);
        let answered = timeout(self.period, self.coordinator.transact(transaction)).await;
        let result = answered.unwrap_or_else(|_| Err(self.no_answer()));
        match &result {
            Ok(Verdict::No(_)) => guard.finish(CoordinatorOutcome::Refused),
            other => self.count(operation, guard, other.as_ref().err()),
        }
        result
    }

    pub(super) fn confirm(&self) -> Operation {
        let (asker, sent) = (self.clone(), clock::now());
        Box::pin(async move {
            let operation = CoordinatorOperation::Confirm;
            let told = asker.ask(operation, |it| it.modified(ASSIGNMENT_KEY)).await;
            Answer::Event(match told {
                Ok(modified) => Event::Confirmed { sent, modified },
                Err(_) => Event::ConfirmFailed,
            })
        })
    }

    pub(super) fn read(&self) -> Operation {
        let (asker, sent) = (self.clone(), clock::now());
        Box::pin(async move {
            let content = asker.ask(CoordinatorOperation::Read, |it| it.read()).await;
            Answer::Read(sent, content)
        })
    }

    /// Opens the watch that goes with the read of this number.
    pub(super) fn watch(&self, read: u64, after: Revision) -> Operation {
        let asker = self.clone();
        Box::pin(async move {
            let watch = asker.ask(CoordinatorOperation::Watch, |it| it.watch(after)).await;
            Answer::Watch(read, watch)
        })
    }
}
