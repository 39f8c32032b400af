//! What a node reports of calls.

use std::borrow::Borrow;
use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram};

use crate::catalogue::{
    CALL_REJECTIONS_TOTAL, CALLS_IN_FLIGHT, CALLS_QUEUED, LONG_TURNS_TOTAL,
    METHOD_CALL_DURATION_SECONDS, METHOD_CALLS_TOTAL, METHOD_QUEUE_SECONDS,
    OBJECT_ACTIVATION_SECONDS, PANICS_TOTAL,
};
use crate::facade::{OTHER, counter, gauge, histogram};
use crate::vocabulary::{CallStatus, PanicSite, RejectionCode};

/// The resolved handles of the calls of one type on one node; made once, when the type is registered.
#[derive(Debug)]
pub struct CallMetrics {
    in_flight: Gauge,
    queued: Gauge,
    activation: Histogram,
    rejections: [Counter; RejectionCode::ALL.len()],
    panics: [Counter; PanicSite::ALL.len()],
}

/// The resolved handles of one method of one type on one node; made once, when the type is registered.
#[derive(Debug)]
pub struct MethodMetrics {
    /// That of the type, kept here too: a call then need not go by way of `calls`.
    in_flight: Gauge,
    statuses: [Counter; CallStatus::ALL.len()],
    queue: Histogram,
    duration: Histogram,
    long_turns: Counter,
    calls: Arc<CallMetrics>,
}

/// Counts calls for types that are not registered, all under one label value.
#[derive(Debug)]
pub struct UnknownCallMetrics {
    rejected: Counter,
    codes: [Counter; RejectionCode::ALL.len()],
}

/// A call that is being served: `goverse_calls_in_flight` is +1 while this lives.
///
/// When it is dropped the call is counted once, as [`CallStatus::Cancelled`] unless
/// [`begins`](Self::begins), [`ran`](Self::ran) or [`rejected`](Self::rejected) said more.
#[derive(Debug)]
#[must_use = "a dropped guard counts the call as cancelled"]
pub struct CallGuard<M: Borrow<MethodMetrics>> {
    metrics: M,
    status: CallStatus,
    /// Whether `goverse_calls_queued` is +1 for it.
    is_queued: bool,
}

// === impl CallMetrics ===

impl CallMetrics {
    /// Resolves the handles of `type_name` on the node that advertises `node`; all series start at 0.
    pub fn new(node: &str, type_name: &str) -> Self {
        let rejection = |code: RejectionCode| match code {
            // A registered type is never unknown, so it has no series for that.
            RejectionCode::UnknownType => Counter::noop(),
            code => counter(&CALL_REJECTIONS_TOTAL, &[node, type_name, code.as_str()]),
        };
        let panic = |site: PanicSite| counter(&PANICS_TOTAL, &[node, type_name, site.as_str()]);
        let metrics = Self {
            in_flight: gauge(&CALLS_IN_FLIGHT, &[node, type_name]),
            queued: gauge(&CALLS_QUEUED, &[node, type_name]),
            activation: histogram(&OBJECT_ACTIVATION_SECONDS, &[node, type_name]),
            rejections: std::array::from_fn(|index| rejection(RejectionCode::ALL[index])),
            panics: std::array::from_fn(|index| panic(PanicSite::ALL[index])),
        };
        // Recorders that make a series on its first update show it from the start too.
        metrics.in_flight.increment(0.0);
        metrics.queued.increment(0.0);
        metrics
    }

    /// Counts a panic in the code of an object.
    pub fn panicked(&self, site: PanicSite) {
        self.panics[site as usize].increment(1);
    }

    /// An object of this type was activated, which took so many seconds.
    pub fn activation_took(&self, seconds: f64) {
        self.activation.record(seconds);
    }

    /// Counts why a call was rejected, and not the call itself: [`CallGuard::rejected`] counts both.
    pub fn rejected(&self, code: RejectionCode) {
        self.rejections[code as usize].increment(1);
    }
}

// === impl MethodMetrics ===

impl MethodMetrics {
    /// Resolves the handles of `method` of the type that `calls` is of; all series start at 0.
    pub fn new(node: &str, type_name: &str, method: &str, calls: Arc<CallMetrics>) -> Self {
        let labels = [node, type_name, method];
        let status = |status: CallStatus| method_calls(labels, status);
        Self {
            in_flight: calls.in_flight.clone(),
            statuses: std::array::from_fn(|index| status(CallStatus::ALL[index])),
            queue: histogram(&METHOD_QUEUE_SECONDS, &labels),
            duration: histogram(&METHOD_CALL_DURATION_SECONDS, &labels),
            long_turns: counter(&LONG_TURNS_TOTAL, &labels),
            calls,
        }
    }

    /// Resolves the handles for names that are no method of the type, all under [`OTHER`].
    ///
    /// Such a call can only be rejected, so there is no series for anything else.
    pub fn unknown(node: &str, type_name: &str, calls: Arc<CallMetrics>) -> Self {
        let status = |status: CallStatus| match status {
            CallStatus::Rejected => method_calls([node, type_name, OTHER], status),
            _ => Counter::noop(),
        };
        Self {
            in_flight: calls.in_flight.clone(),
            statuses: std::array::from_fn(|index| status(CallStatus::ALL[index])),
            queue: Histogram::noop(),
            duration: Histogram::noop(),
            long_turns: Counter::noop(),
            calls,
        }
    }

    /// The handles of the type's calls.
    pub fn type_calls(&self) -> &Arc<CallMetrics> {
        &self.calls
    }

    /// Counts a turn that runs for longer than is good.
    pub fn long_turn(&self) {
        self.long_turns.increment(1);
    }
}

fn method_calls([node, type_name, method]: [&str; 3], status: CallStatus) -> Counter {
    counter(&METHOD_CALLS_TOTAL, &[node, type_name, method, status.as_str()])
}

// === impl UnknownCallMetrics ===

impl UnknownCallMetrics {
    /// Resolves the handles for the node that advertises `node`.
    pub fn new(node: &str) -> Self {
        let code = |code: RejectionCode| match code {
            RejectionCode::UnknownType | RejectionCode::Unreachable => {
                counter(&CALL_REJECTIONS_TOTAL, &[node, OTHER, code.as_str()])
            }
            // Every other code is found out with the type at hand.
            _ => Counter::noop(),
        };
        Self {
            rejected: method_calls([node, OTHER, OTHER], CallStatus::Rejected),
            codes: std::array::from_fn(|index| code(RejectionCode::ALL[index])),
        }
    }

    /// Counts one call, and why it was rejected: `UnknownType` or `Unreachable`.
    pub fn rejected(&self, code: RejectionCode) {
        self.rejected.increment(1);
        self.codes[code as usize].increment(1);
    }
}

// === impl CallGuard ===

impl<M: Borrow<MethodMetrics>> CallGuard<M> {
    /// A call has arrived.
    #[inline]
    pub fn begin(metrics: M) -> Self {
        metrics.borrow().in_flight.increment(1.0);
        Self { metrics, status: CallStatus::Cancelled, is_queued: false }
    }

    /// The call waits for its turn: `goverse_calls_queued` is +1 until it does no more.
    pub fn waits(&mut self) {
        if !std::mem::replace(&mut self.is_queued, true) {
            self.metrics().calls.queued.increment(1.0);
        }
    }

    /// The call waits no more.
    pub fn waits_no_more(&mut self) {
        if std::mem::replace(&mut self.is_queued, false) {
            self.metrics().calls.queued.decrement(1.0);
        }
    }

    /// The call's turn begins: if nobody says how it ended, it was cut off.
    #[inline]
    pub fn begins(&mut self) {
        self.status = CallStatus::CutOff;
    }

    /// The call's turn never began.
    pub fn rejected(mut self, code: RejectionCode) {
        self.status = CallStatus::Rejected;
        self.metrics().calls.rejected(code);
    }

    /// The call's turn has ended: it waited for `queue_seconds`, 0 if not at all, and then ran for
    /// `run_seconds`.
    #[inline]
    pub fn ran(mut self, status: CallStatus, queue_seconds: f64, run_seconds: f64) {
        self.status = status;
        let metrics = self.metrics();
        metrics.queue.record(queue_seconds);
        metrics.duration.record(run_seconds);
    }

    /// What the handles are found by.
    pub fn owner(&self) -> &M {
        &self.metrics
    }

    /// The handles that the call is counted with.
    pub fn metrics(&self) -> &MethodMetrics {
        self.metrics.borrow()
    }
}

impl<M: Borrow<MethodMetrics>> Drop for CallGuard<M> {
    #[inline]
    fn drop(&mut self) {
        if self.is_queued {
            self.waits_no_more();
        }
        let metrics = self.metrics.borrow();
        metrics.statuses[self.status as usize].increment(1);
        metrics.in_flight.decrement(1.0);
    }
}
