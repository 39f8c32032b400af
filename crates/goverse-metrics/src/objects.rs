//! What a node reports of the objects of one type.

use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram};

use crate::catalogue::{
    OBJECT_ACTIVATION_FAILURES_TOTAL, OBJECT_ACTIVATIONS_TOTAL, OBJECT_DEACTIVATION_FAILURES_TOTAL,
    OBJECT_DEACTIVATIONS_TOTAL, OBJECT_LIFETIME_SECONDS, OBJECTS_TOTAL,
};
use crate::clock;
use crate::facade::{ABSENT_TYPE, counter, gauge, histogram};
use crate::vocabulary::{ActivationFailure, DeactivationFailure, DeactivationReason};

/// The resolved handles of one type on one node; made once, when the type is registered.
///
/// Each object refers to it. So it is apart from the count of references, which those who make and end objects write to.
#[derive(Clone, Debug)]
#[repr(align(128))]
pub struct TypeMetrics {
    objects: Gauge,
    activations: Counter,
    activation_failures: Vec<Counter>,
    deactivations: Vec<Counter>,
    deactivation_failures: Vec<Counter>,
    lifetime: Histogram,
}

/// Counts requests for types that are not registered, all under one label value.
#[derive(Debug)]
pub struct UnknownTypeMetrics {
    failures: Counter,
}

/// An activation under way. It counts as [`ActivationFailure::Abandoned`] unless it is told how it ended.
#[derive(Debug)]
#[must_use = "a dropped attempt counts as abandoned"]
pub struct ActivationAttempt {
    /// Gone once the attempt has succeeded.
    metrics: Option<Arc<TypeMetrics>>,
    outcome: ActivationFailure,
}

/// One object that is there: `goverse_objects_total` is +1 while this lives.
///
/// When it is dropped the object is counted as deactivated, for the reason last given to
/// [`ends`](Self::ends), else [`DeactivationReason::Dropped`].
#[derive(Debug)]
#[must_use = "the object counts only while its guard lives"]
pub struct ObjectGuard {
    metrics: Arc<TypeMetrics>,
    /// When it came to be, by the [`clock`].
    since: u64,
    reason: DeactivationReason,
}

// === impl TypeMetrics ===

impl TypeMetrics {
    /// Resolves the handles of `type_name` on the node that advertises `node`; all series start at 0.
    pub fn new(node: &str, type_name: &str) -> Self {
        // A registered type is never unknown, so it has no series for that.
        let impossible = ActivationFailure::UnknownType.as_str();
        let by_value = |metric, values: &[&str]| {
            let handle = |value: &&str| match *value {
                value if value == impossible => Counter::noop(),
                value => counter(metric, &[node, type_name, value]),
            };
            values.iter().map(handle).collect()
        };
        let metrics = Self {
            objects: gauge(&OBJECTS_TOTAL, &[node, type_name]),
            activations: counter(&OBJECT_ACTIVATIONS_TOTAL, &[node, type_name]),
            activation_failures: by_value(
                &OBJECT_ACTIVATION_FAILURES_TOTAL,
                ActivationFailure::VALUES,
            ),
            deactivations: by_value(&OBJECT_DEACTIVATIONS_TOTAL, DeactivationReason::VALUES),
            deactivation_failures: by_value(
                &OBJECT_DEACTIVATION_FAILURES_TOTAL,
                DeactivationFailure::VALUES,
            ),
            lifetime: histogram(&OBJECT_LIFETIME_SECONDS, &[node, type_name]),
        };
        // Recorders that make a series on its first update show it from the start too.
        metrics.objects.increment(0.0);
        metrics
    }

    /// So many of the same handles, so that not all who make objects count references to the same one.
    pub fn copies(self, number: usize) -> impl Iterator<Item = Arc<Self>> {
        std::iter::repeat_n(self, number).map(Arc::new)
    }

    /// Begins an activation; the result is counted when the attempt ends.
    pub fn begin_activation(self: &Arc<Self>) -> ActivationAttempt {
        ActivationAttempt { metrics: Some(Arc::clone(self)), outcome: ActivationFailure::Abandoned }
    }

    /// Counts a deactivation hook that did not end well.
    pub fn deactivation_failed(&self, code: DeactivationFailure) {
        self.deactivation_failures[code as usize].increment(1);
    }
}

// === impl UnknownTypeMetrics ===

impl UnknownTypeMetrics {
    /// Resolves the handle for the node that advertises `node`.
    pub fn new(node: &str) -> Self {
        let code = ActivationFailure::UnknownType.as_str();
        let failures = counter(&OBJECT_ACTIVATION_FAILURES_TOTAL, &[node, ABSENT_TYPE, code]);
        Self { failures }
    }

    /// Counts one request for a type that is not registered.
    pub fn refused(&self) {
        self.failures.increment(1);
    }
}

// === impl ActivationAttempt ===

impl ActivationAttempt {
    /// The object is there: counts the activation, and the object for as long as the guard lives.
    pub fn succeed(self) -> ObjectGuard {
        self.succeed_at(clock::now())
    }

    /// As [`succeed`](Self::succeed), for who has just read the [`clock`].
    pub fn succeed_at(mut self, now: u64) -> ObjectGuard {
        let metrics = self.metrics.take().expect("an attempt succeeds once, as this consumes it");
        metrics.activations.increment(1);
        metrics.objects.increment(1.0);
        ObjectGuard { metrics, since: now, reason: DeactivationReason::Dropped }
    }

    /// The object did not come to be.
    pub fn fail(mut self, code: ActivationFailure) {
        self.outcome = code;
    }
}

impl Drop for ActivationAttempt {
    fn drop(&mut self) {
        if let Some(metrics) = &self.metrics {
            metrics.activation_failures[self.outcome as usize].increment(1);
        }
    }
}

// === impl ObjectGuard ===

impl ObjectGuard {
    /// Sets the reason that the object's end will be counted under.
    pub fn ends(&mut self, reason: DeactivationReason) {
        self.reason = reason;
    }

    /// How long the object has been there.
    pub fn age(&self) -> std::time::Duration {
        clock::between(self.since, clock::now())
    }

    /// The handles that the object is counted with.
    pub fn metrics(&self) -> &Arc<TypeMetrics> {
        &self.metrics
    }
}

impl Drop for ObjectGuard {
    fn drop(&mut self) {
        self.metrics.objects.decrement(1.0);
        self.metrics.deactivations[self.reason as usize].increment(1);
        self.metrics.lifetime.record(clock::seconds(self.since, clock::now()));
    }
}
