//! The recorder that a server installs: the exporter's, wrapped.
//!
//! What an application reports goes to the `metrics-exporter-prometheus` recorder, with labels cleaned
//! and series capped on the way ([`application`]). What the catalogue lists goes to cells of our own
//! ([`own`]), sharded by thread and kept by node, so that the call path never waits for another core
//! and a node's page shows that node alone. Both end on one page.

mod application;
mod cells;
mod clean;
mod own;
mod process;
mod runtime;
mod shards;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use goverse_core::NodeAddress;
use goverse_metrics::OverflowMetrics;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};
use thiserror::Error;
use tokio::runtime::Handle;

use application::ApplicationFamilies;
use own::OwnFamilies;

/// Buckets for histograms of an application that did not choose any, in the unit it records (usually seconds).
const APPLICATION_BUCKETS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0, 60.0,
];

/// Samples of an application's histograms wait in memory until they are drained, so they are drained often.
const UPKEEP_PERIOD: Duration = Duration::from_secs(1);

/// The recorder installed in this process, if it is ours.
static INSTALLED: OnceLock<Recorder> = OnceLock::new();
static INSTALLING: Mutex<()> = Mutex::new(());

/// The metrics of this process. Clones share them.
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

/// Settings of the recorder; they hold for the life of the process.
#[derive(Clone, Debug)]
pub struct RecorderBuilder {
    series_max: usize,
    families_max: usize,
    buckets: Vec<(String, Vec<f64>)>,
}

/// Why the recorder could not be installed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecorderError {
    /// The process has a recorder of another kind.
    #[error(
        "this process has another metrics recorder already, so /metrics cannot show what is reported to it; \
         call goverse_server::Recorder::builder().install() before that recorder is set, \
         or leave metrics_listen_address out: the node then reports to the recorder that is there"
    )]
    AnotherRecorder,
    /// The buckets chosen for a histogram are empty.
    #[error("buckets of an application's histogram: {0}")]
    Buckets(BuildError),
}

/// An address that one node of this process has; no other can have it while this lives.
///
/// When it is dropped the node's series leave the recorder.
#[derive(Debug)]
#[must_use = "the node's series leave the recorder when the claim is dropped"]
pub struct NodeClaim {
    recorder: Recorder,
    address: NodeAddress,
}

struct Inner {
    own: OwnFamilies,
    application: ApplicationFamilies,
    /// The nodes of this process, each with the async runtime that it runs on.
    claimed: Mutex<HashMap<NodeAddress, Handle>>,
}

/// What became of a registration of a series.
enum Registered<T> {
    /// The series itself, new or known.
    Series(T),
    /// The metric is at its cap: the series that stands for the rest.
    Folded(T),
}

// === impl RecorderBuilder ===

impl RecorderBuilder {
    /// At most this many series for each metric of the application; the rest is folded into `_other`.
    #[must_use]
    pub fn series_max(mut self, series_max: usize) -> Self {
        self.series_max = series_max;
        self
    }

    /// At most this many metrics of the application; further ones are not recorded.
    #[must_use]
    pub fn families_max(mut self, families_max: usize) -> Self {
        self.families_max = families_max;
        self
    }

    /// The upper bounds of the buckets of an application's histogram, in any order.
    #[must_use]
    pub fn buckets(mut self, metric: &str, bounds: &[f64]) -> Self {
        let mut bounds: Vec<f64> =
            bounds.iter().copied().filter(|bound| bound.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        self.buckets.push((metric.to_owned(), bounds));
        self
    }

    /// Makes a recorder that is not installed: for tests, with [`metrics::with_local_recorder`].
    ///
    /// # Errors
    /// When the buckets of a histogram are empty.
    pub fn build(self) -> Result<Recorder, RecorderError> {
        let mut exporter = PrometheusBuilder::new()
            .set_buckets(APPLICATION_BUCKETS)
            .map_err(RecorderError::Buckets)?;
        for (metric, bounds) in &self.buckets {
            exporter = exporter
                .set_buckets_for_metric(Matcher::Full(metric.clone()), bounds)
                .map_err(RecorderError::Buckets)?;
        }
        let exporter = exporter.build_recorder();
        let application = ApplicationFamilies::new(exporter, self.families_max, self.series_max);
        let own = OwnFamilies::new(goverse_metrics::CATALOGUE);
        let recorder =
            Recorder { inner: Arc::new(Inner { own, application, claimed: Mutex::default() }) };
        recorder.start_at_zero();
        Ok(recorder)
    }

    /// Installs the recorder for this process, before any handle is made.
    ///
    /// When ours is installed already, that one is returned and the settings are left as they are.
    ///
    /// # Errors
    /// When another recorder is installed, or the buckets of a histogram are empty.
    pub fn install(self) -> Result<Recorder, RecorderError> {
        let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(installed) = INSTALLED.get() {
            return Ok(installed.clone());
        }
        let recorder = self.build()?;
        metrics::set_global_recorder(recorder.clone())
            .map_err(|_| RecorderError::AnotherRecorder)?;
        let upkeep = recorder.clone();
        std::thread::Builder::new()
            .name("goverse-upkeep".to_owned())
            .spawn(move || upkeep.keep_up())
            .map(drop)
            .unwrap_or_else(|error| tracing::warn!(%error, "no thread for the upkeep of metrics"));
        Ok(INSTALLED.get_or_init(|| recorder).clone())
    }
}

// === impl Recorder ===

impl Recorder {
    /// Settings to begin with: 1000 series for each of at most 1000 metrics of the application.
    pub fn builder() -> RecorderBuilder {
        RecorderBuilder { series_max: 1_000, families_max: 1_000, buckets: Vec::new() }
    }

    /// The recorder that is installed in this process, if it is ours.
    pub fn installed() -> Option<Recorder> {
        INSTALLED.get().cloned()
    }

    /// The page of the node called `node`, in the Prometheus text format 0.0.4: the series of that node,
    /// those of its async runtime and of the process, and those of the application.
    pub fn render(&self, node: &str) -> String {
        let mut page = String::with_capacity(16 << 10);
        self.inner.own.render(node, &mut page);
        runtime::render(self.runtime_of(node).as_ref(), &mut page);
        process::render(&mut page);
        page.push_str(&self.inner.application.render());
        page
    }

    /// Claims `address` for one node of this process, which runs on `runtime`; `None` while another
    /// node has it.
    pub fn claim_node(&self, address: &NodeAddress, runtime: Handle) -> Option<NodeClaim> {
        let mut claimed = self.inner.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        match claimed.entry(address.clone()) {
            Entry::Occupied(_) => None,
            Entry::Vacant(free) => {
                free.insert(runtime);
                Some(NodeClaim { recorder: self.clone(), address: address.clone() })
            }
        }
    }

    /// Moves the samples of the application's histograms into their buckets.
    ///
    /// The installed recorder does so every second by itself.
    pub fn run_upkeep(&self) {
        self.inner.application.run_upkeep();
    }

    fn keep_up(&self) {
        loop {
            std::thread::sleep(UPKEEP_PERIOD);
            self.run_upkeep();
        }
    }

    fn runtime_of(&self, node: &str) -> Option<Handle> {
        let claimed = self.inner.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed
            .iter()
            .find(|(address, _)| address.as_str() == node)
            .map(|(_, runtime)| runtime.clone())
    }

    /// Makes the series that need no node, so that their first change is a step that an alert sees.
    fn start_at_zero(&self) {
        for metric in goverse_metrics::CATALOGUE {
            drop(self.overflow_of(metric.name));
        }
        drop(self.overflow_of(clean::FOLDED));
    }

    fn overflow_of(&self, metric: &str) -> OverflowMetrics {
        metrics::with_local_recorder(self, || OverflowMetrics::new(metric))
    }

    /// The handle, after a series that was folded has been counted.
    fn settle<T>(&self, metric: &str, registered: Registered<T>) -> T {
        match registered {
            Registered::Series(handle) => handle,
            Registered::Folded(handle) => {
                self.overflow_of(metric).refused();
                handle
            }
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

macro_rules! register {
    ($self:ident, $key:ident, $metadata:ident, $own:ident, $application:ident) => {{
        if $metadata.target() == goverse_metrics::TARGET {
            return $self.settle($key.name(), $self.inner.own.$own($key));
        }
        let (family, registered) = $self.inner.application.$application($key);
        if family.is_new {
            drop($self.overflow_of(&family.name));
        }
        $self.settle(&family.name, registered)
    }};
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        let describe =
            |exporter: &PrometheusRecorder, name, help| exporter.describe_counter(name, unit, help);
        self.inner.application.describe(&name, help, describe);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        let describe =
            |exporter: &PrometheusRecorder, name, help| exporter.describe_gauge(name, unit, help);
        self.inner.application.describe(&name, help, describe);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        let describe = |exporter: &PrometheusRecorder, name, help| {
            exporter.describe_histogram(name, unit, help)
        };
        self.inner.application.describe(&name, help, describe);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        register!(self, key, metadata, counter, counter)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        register!(self, key, metadata, gauge, gauge)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        register!(self, key, metadata, histogram, histogram)
    }
}

// === impl NodeClaim ===

impl Drop for NodeClaim {
    fn drop(&mut self) {
        let inner = &self.recorder.inner;
        inner.own.forget(self.address.as_str());
        inner.claimed.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.address);
    }
}
