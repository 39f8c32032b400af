//! The families of the catalogue: their series are cells, kept by node, and written to the page from here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use goverse_metrics::{Kind, Metric, Moves, Values};
use metrics::{Counter, Gauge, Histogram, Key};

use super::cells::{CounterCell, HistogramCell, UpDownCell};
use super::clean::FOLDED;
use super::{Registered, clean};

const INFALLIBLE: &str = "writing to a string cannot fail";

/// Every family of the catalogue, in its order.
pub(super) struct OwnFamilies {
    families: Vec<Family>,
}

struct Family {
    metric: &'static Metric,
    series: Mutex<SeriesByNode>,
}

/// Series by node (empty for those of the process), then by their labels as they are written.
#[derive(Default)]
struct SeriesByNode {
    by_node: BTreeMap<String, BTreeMap<String, Cell>>,
    count: usize,
}

#[derive(Clone)]
enum Cell {
    Counter(Arc<CounterCell>),
    UpDown(Arc<UpDownCell>),
    Gauge(Arc<AtomicU64>),
    Histogram(Arc<HistogramCell>),
}

// === impl OwnFamilies ===

impl OwnFamilies {
    pub(super) fn new(catalogue: &[&'static Metric]) -> Self {
        let family = |metric: &&'static Metric| Family { metric, series: Mutex::default() };
        Self { families: catalogue.iter().map(family).collect() }
    }

    pub(super) fn counter(&self, key: &Key) -> Registered<Counter> {
        self.register(key, |cell| match cell {
            Some(Cell::Counter(cell)) => Counter::from_arc(cell),
            _ => Counter::noop(),
        })
    }

    pub(super) fn gauge(&self, key: &Key) -> Registered<Gauge> {
        self.register(key, |cell| match cell {
            Some(Cell::UpDown(cell)) => Gauge::from_arc(cell),
            Some(Cell::Gauge(cell)) => Gauge::from_arc(cell),
            _ => Gauge::noop(),
        })
    }

    pub(super) fn histogram(&self, key: &Key) -> Registered<Histogram> {
        self.register(key, |cell| match cell {
            Some(Cell::Histogram(cell)) => Histogram::from_arc(cell),
            _ => Histogram::noop(),
        })
    }

    /// Drops the series of a node. Handles that are left keep their cells, unseen.
    pub(super) fn forget(&self, node: &str) {
        for family in &self.families {
            let mut series = family.series.lock().unwrap_or_else(PoisonError::into_inner);
            let forgotten = series.by_node.remove(node).map_or(0, |series| series.len());
            series.count -= forgotten;
        }
    }

    /// Writes every family: of those kept by node, the series of `node`.
    pub(super) fn render(&self, node: &str, page: &mut String) {
        let elsewhere = |metric| super::process::owns(metric) || super::runtime::owns(metric);
        let shown = self.families.iter().filter(|family| !elsewhere(family.metric));
        shown.for_each(|family| family.render(node, page));
    }

    fn register<T>(&self, key: &Key, handle: impl Fn(Option<Cell>) -> T) -> Registered<T> {
        match self.families.iter().find(|family| family.metric.name == key.name()) {
            None => Registered::Series(handle(None)),
            Some(family) => match family.register(key) {
                Registered::Series(cell) => Registered::Series(handle(Some(cell))),
                Registered::Folded(cell) => Registered::Folded(handle(Some(cell))),
            },
        }
    }
}

// === impl Family ===

impl Family {
    fn register(&self, key: &Key) -> Registered<Cell> {
        let node = self.node_of(key);
        let labels = self.labels(key, clean::value);
        let mut guard = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let SeriesByNode { by_node, count } = &mut *guard;
        let series = by_node.entry(node).or_default();
        if let Some(cell) = series.get(&labels) {
            return Registered::Series(cell.clone());
        }
        if *count < self.metric.series_cap {
            *count += 1;
            return Registered::Series(series.entry(labels).or_insert(self.cell()).clone());
        }
        let folded = series.entry(self.labels(key, |_| FOLDED.into())).or_insert_with(|| {
            *count += 1;
            self.cell()
        });
        Registered::Folded(folded.clone())
    }

    /// The labels as they stand on the page; the values of all but `node` are what `shown` makes of them.
    fn labels<'k>(&self, key: &'k Key, shown: impl Fn(&'k str) -> Cow<'k, str>) -> String {
        let mut labels = String::new();
        for label in self.metric.labels {
            let raw = key.labels().find(|given| given.key() == label.name);
            let raw = raw.map_or("", |given| given.value());
            let value = if label.values == Values::Nodes { clean::value(raw) } else { shown(raw) };
            let comma = if labels.is_empty() { "" } else { "," };
            let escaped = value.replace('"', "\\\"");
            write!(labels, "{comma}{}=\"{escaped}\"", label.name).expect(INFALLIBLE);
        }
        labels
    }

    fn node_of(&self, key: &Key) -> String {
        let label = self.metric.labels.iter().find(|label| label.values == Values::Nodes);
        let given = label.and_then(|label| key.labels().find(|given| given.key() == label.name));
        given.map_or_else(String::new, |given| given.value().to_owned())
    }

    fn cell(&self) -> Cell {
        match self.metric.kind {
            Kind::Counter => Cell::Counter(Arc::new(CounterCell::new())),
            Kind::Gauge(Moves::ByGuard) => Cell::UpDown(Arc::new(UpDownCell::new())),
            Kind::Gauge(Moves::BySet) => Cell::Gauge(Arc::new(AtomicU64::new(0))),
            Kind::Histogram { buckets } => Cell::Histogram(Arc::new(HistogramCell::new(buckets))),
        }
    }

    fn render(&self, node: &str, page: &mut String) {
        write_header(self.metric, page);
        let node = if self.metric.is_per_node() { node } else { "" };
        let guard = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        for (labels, cell) in guard.by_node.get(node).into_iter().flatten() {
            cell.render(self.metric.name, labels, page);
        }
    }
}

// === impl Cell ===

impl Cell {
    fn render(&self, name: &str, labels: &str, page: &mut String) {
        let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        match self {
            Cell::Counter(cell) => writeln!(page, "{name}{braced} {}", cell.value()),
            Cell::UpDown(cell) => writeln!(page, "{name}{braced} {}", cell.value()),
            Cell::Gauge(cell) => {
                writeln!(page, "{name}{braced} {}", f64::from_bits(cell.load(Ordering::Relaxed)))
            }
            Cell::Histogram(cell) => return render_histogram(cell, name, labels, page),
        }
        .expect(INFALLIBLE);
    }
}

fn render_histogram(cell: &HistogramCell, name: &str, labels: &str, page: &mut String) {
    let snapshot = cell.snapshot();
    let comma = if labels.is_empty() { "" } else { "," };
    let mut count = 0;
    for (bound, samples) in cell.bounds().iter().zip(&snapshot.counts) {
        count += samples;
        writeln!(page, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}").expect(INFALLIBLE);
    }
    count += snapshot.counts.last().copied().unwrap_or(0);
    writeln!(page, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}").expect(INFALLIBLE);
    let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    writeln!(page, "{name}_sum{braced} {}", snapshot.sum).expect(INFALLIBLE);
    writeln!(page, "{name}_count{braced} {count}").expect(INFALLIBLE);
}

/// Writes the HELP and TYPE lines of a family.
pub(super) fn write_header(metric: &Metric, page: &mut String) {
    let (name, kind) = (metric.name, metric.kind.as_str());
    writeln!(page, "# HELP {name} {}\n# TYPE {name} {kind}", metric.help).expect(INFALLIBLE);
}
