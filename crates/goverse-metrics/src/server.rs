//! What a server reports of itself: readiness, its pages, its build, and series that were refused.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use crate::catalogue::{
    BUILD_INFO, METRICS_SCRAPE_DURATION_SECONDS, METRICS_SCRAPE_SIZE_BYTES,
    METRICS_SCRAPES_REFUSED_TOTAL, METRICS_SERIES_OVERFLOW_TOTAL, NODE_READY,
};
use crate::facade::{counter, gauge, histogram};

/// The state of one node.
#[derive(Debug)]
pub struct NodeMetrics {
    ready: Gauge,
}

/// The `/metrics` page of one node.
#[derive(Debug)]
pub struct ScrapeMetrics {
    duration: Histogram,
    size: Gauge,
    refused: Counter,
}

/// Series of one metric that were refused by its cap.
#[derive(Debug)]
pub struct OverflowMetrics {
    refused: Counter,
}

/// Reports which build is running; `profile` is `debug` or `release`.
pub fn report_build(version: &str) {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    gauge(&BUILD_INFO, &[version, profile]).set(1.0);
}

// === impl NodeMetrics ===

impl NodeMetrics {
    /// Resolves the handles of the node that advertises `node`; it is not ready yet.
    pub fn new(node: &str) -> Self {
        let ready = gauge(&NODE_READY, &[node]);
        ready.set(0.0);
        Self { ready }
    }

    /// Says whether the node is ready.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(if ready { 1.0 } else { 0.0 });
    }
}

// === impl ScrapeMetrics ===

impl ScrapeMetrics {
    /// Resolves the handles of the node that advertises `node`.
    pub fn new(node: &str) -> Self {
        Self {
            duration: histogram(&METRICS_SCRAPE_DURATION_SECONDS, &[node]),
            size: gauge(&METRICS_SCRAPE_SIZE_BYTES, &[node]),
            refused: counter(&METRICS_SCRAPES_REFUSED_TOTAL, &[node]),
        }
    }

    /// A page of `bytes` (before compression) was made in `duration`.
    pub fn served(&self, duration: Duration, bytes: usize) {
        self.duration.record(duration);
        self.size.set(bytes as f64);
    }

    /// A scrape was turned away.
    pub fn refused(&self) {
        self.refused.increment(1);
    }
}

// === impl OverflowMetrics ===

impl OverflowMetrics {
    /// Resolves the handle for the metric called `metric`.
    pub fn new(metric: &str) -> Self {
        Self { refused: counter(&METRICS_SERIES_OVERFLOW_TOTAL, &[metric]) }
    }

    /// A new series was refused.
    pub fn refused(&self) {
        self.refused.increment(1);
    }
}
