//! What a node reports of the objects of one type.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use metrics::{Counter, Gauge, Histogram};

use crate::catalogue::{
    OBJECT_ACTIVATION_FAILURES_TOTAL, OBJECT_ACTIVATIONS_TOTAL, OBJECT_DEACTIVATION_FAILURES_TOTAL,
    OBJECT_DEACTIVATIONS_TOTAL, OBJECT_LIFETIME_SECONDS, OBJECTS_TOTAL,
};
use crate::clock;
use crate::facade::{ABSENT_TYPE, counter, gauge, histogram};
use crate::vocabulary::{ActivationFailure, DeactivationFailure, DeactivationReason};

/// The resolved handles of one type on one node; made once, when the type is registered.
#[derive(Debug)]
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

/// One object, from the beginning of its activation to its end: `goverse_objects_total` is +1 while it is there.
///
/// Dropped while its activation is under way, it counts as [`ActivationFailure::Abandoned`]; while the object is there, as
/// deactivated for the reason last given to [`ends`](Self::ends), else [`DeactivationReason::Dropped`]. So whatever holds
/// the object holds this. It can be told of the object's ways by who only refers to it, one at a time: by who activates
/// the object or ends it.
///
/// `M` is how it refers to the metrics of its type.
#[derive(Debug)]
#[must_use = "the object counts only while its guard lives"]
pub struct ObjectGuard<M: AsRef<TypeMetrics> = Arc<TypeMetrics>> {
    metrics: M,
    /// When it came to be, by the [`clock`]; 0 before that.
    since: AtomicU64,
    /// The place of the reason among those there are.
    reason: AtomicU8,
    is_over: AtomicBool,
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

    /// Counts an activation that did not succeed.
    pub fn activation_failed(&self, code: ActivationFailure) {
        self.activation_failures[code as usize].increment(1);
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

// === impl ObjectGuard ===

impl<M: AsRef<TypeMetrics>> ObjectGuard<M> {
    /// Begins an activation.
    #[inline]
    pub fn begin(metrics: M) -> Self {
        let reason = AtomicU8::new(DeactivationReason::Dropped as u8);
        Self { metrics, since: AtomicU64::new(0), reason, is_over: AtomicBool::new(false) }
    }

    /// The object is there: counts the activation, and the object from now on.
    pub fn succeed(&self) {
        self.succeed_at(clock::now());
    }

    /// As [`succeed`](Self::succeed), for who has just read the [`clock`].
    #[inline]
    pub fn succeed_at(&self, now: u64) {
        let metrics = self.metrics.as_ref();
        metrics.activations.increment(1);
        metrics.objects.increment(1.0);
        self.since.store(now.max(1), Ordering::Release);
    }

    /// The object did not come to be.
    pub fn fail(&self, code: ActivationFailure) {
        self.is_over.store(true, Ordering::Relaxed);
        self.metrics.as_ref().activation_failed(code);
    }

    /// Sets the reason that the object's end will be counted under.
    #[inline]
    pub fn ends(&self, reason: DeactivationReason) {
        self.reason.store(reason as u8, Ordering::Relaxed);
    }

    /// Counts the object out, as a drop does; nothing that comes after counts.
    #[inline]
    pub fn end(&self) {
        if self.is_over.load(Ordering::Relaxed) {
            return;
        }
        self.is_over.store(true, Ordering::Relaxed);
        let Some(since) = self.since() else {
            return self.metrics.as_ref().activation_failed(ActivationFailure::Abandoned);
        };
        let metrics = self.metrics.as_ref();
        metrics.objects.decrement(1.0);
        metrics.deactivations[usize::from(self.reason.load(Ordering::Relaxed))].increment(1);
        metrics.lifetime.record(clock::seconds(since, clock::now()));
    }

    /// When the object came to be, if it has, by the [`clock`].
    pub fn since(&self) -> Option<u64> {
        Some(self.since.load(Ordering::Acquire)).filter(|since| *since != 0)
    }

    /// What the object is counted with.
    #[inline]
    pub fn metrics(&self) -> &M {
        &self.metrics
    }
}

impl<M: AsRef<TypeMetrics>> Drop for ObjectGuard<M> {
    fn drop(&mut self) {
        self.end();
    }
}
