//! A recorder whose values can be read again and again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::registry::{AtomicStorage, Registry};

/// All counters and gauges. Clones share them.
#[derive(Clone)]
pub(crate) struct Readings {
    registry: Arc<Registry<Key, AtomicStorage>>,
}

// === impl Readings ===

impl Readings {
    pub(crate) fn new() -> Self {
        Self { registry: Arc::new(Registry::atomic()) }
    }

    /// What is not 0 of the metrics whose name begins so, as `name label label`.
    pub(crate) fn nonzero(&self, prefix: &str) -> BTreeMap<String, f64> {
        let mut values = BTreeMap::new();
        self.registry.visit_gauges(|key, gauge| {
            values.insert(name(key), f64::from_bits(gauge.load(Ordering::Relaxed)));
        });
        self.registry.visit_counters(|key, counter| {
            values.insert(name(key), counter.load(Ordering::Relaxed) as f64);
        });
        values.retain(|name, value| name.starts_with(prefix) && *value != 0.0);
        values
    }
}

fn name(key: &Key) -> String {
    let labels = key.labels().map(|label| format!(" {}", label.value()));
    labels.fold(key.name().to_owned(), |name, label| name + &label)
}

impl Recorder for Readings {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.registry.get_or_create_counter(key, |counter| Counter::from_arc(counter.clone()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.registry.get_or_create_gauge(key, |gauge| Gauge::from_arc(gauge.clone()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
