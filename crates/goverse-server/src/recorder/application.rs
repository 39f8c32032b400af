//! The application's own metrics: cleaned, capped, and handed to the exporter.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use goverse_metrics::catalogue;
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Label, Level, Metadata, Recorder,
    SharedString,
};
use metrics_exporter_prometheus::{PrometheusHandle, PrometheusRecorder};

use super::clean::FOLDED;
use super::{Registered, clean};

/// The longest help text, in bytes.
const HELP_BYTES_MAX: usize = 1_024;

/// A series with more labels than this is folded away.
const LABELS_MAX: usize = 32;

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// The families of the application, in front of the exporter that keeps their values.
pub(super) struct ApplicationFamilies {
    exporter: PrometheusRecorder,
    handle: PrometheusHandle,
    families_max: usize,
    series_max: usize,
    families: RwLock<HashMap<String, Family>>,
    /// Names and kinds that were refused, by hash, with the metric that each is counted under. It is as
    /// bounded as the families, and is there so that each refusal is logged once.
    refused: RwLock<HashMap<u64, String>>,
    /// Names that were described; the exporter keeps descriptions for ever.
    described: Mutex<HashSet<String>>,
}

/// The family that a registration went to.
pub(super) struct FamilyName {
    pub(super) name: String,
    pub(super) is_new: bool,
}

struct Family {
    /// The name as the application writes it.
    raw_name: String,
    word: &'static str,
    series: HashMap<Key, Series>,
    folded: Option<Handle>,
}

struct Series {
    /// The hash of the key as the application gave it: two such keys must not share a series.
    raw_hash: u64,
    handle: Handle,
}

#[derive(Clone)]
enum Handle {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

/// Leaves out samples that are not finite: one NaN would make the sum NaN for ever.
struct FiniteOnly(Histogram);

/// Why a family is refused: the reason that the log gives.
type Refusal = &'static str;

/// Whether a name belongs to GoVerse, or to what Prometheus itself reports of a target.
fn is_taken(name: &str) -> bool {
    let of_prometheus =
        ["up", "ALERTS", "ALERTS_FOR_STATE"].contains(&name) || name.starts_with("scrape_");
    of_prometheus || catalogue::is_reserved(name)
}

/// Tells names and kinds apart without keeping them.
fn refusal_hash(word: &str, key: &Key) -> u64 {
    clean::digest(key.name()) ^ clean::digest(word)
}

// === impl ApplicationFamilies ===

impl ApplicationFamilies {
    pub(super) fn new(
        exporter: PrometheusRecorder,
        families_max: usize,
        series_max: usize,
    ) -> Self {
        let handle = exporter.handle();
        Self {
            exporter,
            handle,
            families_max,
            series_max,
            families: RwLock::default(),
            refused: RwLock::default(),
            described: Mutex::default(),
        }
    }

    /// Takes a help text to the exporter by `describe`, for as many names as there may be metrics.
    pub(super) fn describe(
        &self,
        name: &KeyName,
        help: SharedString,
        describe: impl Fn(&PrometheusRecorder, KeyName, SharedString),
    ) {
        let name = clean::metric_name(name.as_str()).into_owned();
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = described.len() < self.families_max || described.contains(&name);
        if has_room && !is_taken(&name) {
            described.insert(name.clone());
            let end = help.floor_char_boundary(HELP_BYTES_MAX);
            describe(&self.exporter, name.into(), help[..end].to_owned().into());
        }
    }

    pub(super) fn render(&self) -> String {
        self.handle.render()
    }

    pub(super) fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }

    pub(super) fn counter(&self, key: &Key) -> (FamilyName, Registered<Counter>) {
        let make = |key: &Key| Handle::Counter(self.exporter.register_counter(key, &METADATA));
        self.register("counter", key, make, |handle| match handle {
            Some(Handle::Counter(counter)) => counter,
            _ => Counter::noop(),
        })
    }

    pub(super) fn gauge(&self, key: &Key) -> (FamilyName, Registered<Gauge>) {
        let make = |key: &Key| Handle::Gauge(self.exporter.register_gauge(key, &METADATA));
        self.register("gauge", key, make, |handle| match handle {
            Some(Handle::Gauge(gauge)) => gauge,
            _ => Gauge::noop(),
        })
    }

    pub(super) fn histogram(&self, key: &Key) -> (FamilyName, Registered<Histogram>) {
        let make = |key: &Key| {
            let exported = self.exporter.register_histogram(key, &METADATA);
            Handle::Histogram(Histogram::from_arc(Arc::new(FiniteOnly(exported))))
        };
        self.register("histogram", key, make, |handle| match handle {
            Some(Handle::Histogram(histogram)) => histogram,
            _ => Histogram::noop(),
        })
    }

    fn register<T>(
        &self,
        word: &'static str,
        key: &Key,
        make: impl Fn(&Key) -> Handle,
        handle: impl Fn(Option<Handle>) -> T,
    ) -> (FamilyName, Registered<T>) {
        let name = clean::metric_name(key.name()).into_owned();
        let clean_key = Key::from_parts(name.clone(), clean::labels(key));
        if let Some(known) = self.find(word, key, &clean_key) {
            return (FamilyName { name, is_new: false }, Registered::Series(handle(Some(known))));
        }
        if let Some(name) = self.refused().get(&refusal_hash(word, key)).cloned() {
            return (FamilyName { name, is_new: false }, Registered::Folded(handle(None)));
        }
        let mut families = self.families.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = !families.contains_key(&name);
        let refusal = match families.get(&name) {
            None => {
                self.check_family(&families, word, &name).err().map(|refusal| (FOLDED, refusal))
            }
            Some(family) if !family.is_of(word, key) => {
                Some((&*name, "another metric of the application has this name on the page"))
            }
            Some(_) => None,
        };
        if let Some((counted, refusal)) = refusal {
            drop(families);
            self.refuse(word, key, counted, refusal);
            let name = FamilyName { name: counted.to_owned(), is_new: false };
            return (name, Registered::Folded(handle(None)));
        }
        let family = families.entry(name.clone()).or_insert_with(|| Family::new(key.name(), word));
        let registered = match family.register(key, clean_key, self.series_max, make) {
            Registered::Series(series) => Registered::Series(handle(Some(series))),
            Registered::Folded(folded) => Registered::Folded(handle(Some(folded))),
        };
        (FamilyName { name, is_new }, registered)
    }

    /// Remembers that a name is refused, and says so once.
    fn refuse(&self, word: &str, key: &Key, counted: &str, refusal: Refusal) {
        let mut refused = self.refused.write().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < self.families_max {
            refused.insert(refusal_hash(word, key), counted.to_owned());
            drop(refused);
            let metric = clean::metric_name(key.name());
            tracing::warn!(%metric, kind = word, refusal, "metric of the application is not recorded");
        }
    }

    fn refused(&self) -> RwLockReadGuard<'_, HashMap<u64, String>> {
        self.refused.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handle of a series that is there already: the usual case, under a lock that readers share.
    fn find(&self, word: &str, raw: &Key, clean: &Key) -> Option<Handle> {
        let families = self.families.read().unwrap_or_else(PoisonError::into_inner);
        let family = families.get(clean.name()).filter(|family| family.is_of(word, raw))?;
        let series = family.series.get(clean).filter(|series| series.raw_hash == raw.get_hash())?;
        Some(series.handle.clone())
    }

    fn check_family(
        &self,
        families: &HashMap<String, Family>,
        word: &str,
        name: &str,
    ) -> Result<(), Refusal> {
        const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];
        let is_histogram =
            |name: &str| families.get(name).is_some_and(|family| family.word == "histogram");
        if is_taken(name) {
            return Err("the name is reserved for the metrics of GoVerse or of Prometheus");
        }
        if families.len() >= self.families_max {
            return Err("the application has too many metrics; is there an id in a metric's name?");
        }
        if PARTS.iter().any(|part| name.strip_suffix(part).is_some_and(is_histogram)) {
            return Err("the name is part of a histogram of the application");
        }
        let ends_as_part = PARTS.iter().any(|part| name.ends_with(part));
        let has_part = PARTS.iter().any(|part| families.contains_key(&format!("{name}{part}")));
        if word == "histogram" && (ends_as_part || has_part) {
            return Err("a histogram's name with _bucket, _sum or _count would mean two things");
        }
        Ok(())
    }
}

// === impl Family ===

impl Family {
    fn new(raw_name: &str, word: &'static str) -> Self {
        Self { raw_name: raw_name.to_owned(), word, series: HashMap::new(), folded: None }
    }

    /// Whether registrations of that kind under that raw name belong here.
    fn is_of(&self, word: &str, raw: &Key) -> bool {
        self.word == word && self.raw_name == raw.name()
    }

    /// The series of a key, made if there is room.
    fn register(
        &mut self,
        raw: &Key,
        clean: Key,
        series_max: usize,
        make: impl Fn(&Key) -> Handle,
    ) -> Registered<Handle> {
        let raw_hash = raw.get_hash();
        match self.series.get(&clean) {
            Some(series) if series.raw_hash == raw_hash => {
                return Registered::Series(series.handle.clone());
            }
            // Another key came out the same: its samples must not be mixed with this one's.
            Some(_) => return Registered::Folded(self.folded(&clean, make)),
            None => {}
        }
        if self.series.len() >= series_max || clean.labels().len() > LABELS_MAX {
            return Registered::Folded(self.folded(&clean, make));
        }
        let handle = make(&clean);
        self.series.insert(clean, Series { raw_hash, handle: handle.clone() });
        Registered::Series(handle)
    }

    /// The one series that stands for all that found no room, with the labels of the first of them, or,
    /// when that has none, with those of another series of the family: it must not pass for one itself.
    fn folded(&mut self, like: &Key, make: impl Fn(&Key) -> Handle) -> Handle {
        let label = |label: &Label| Label::new(label.key().to_owned(), FOLDED);
        let labelled = std::iter::once(like).chain(self.series.keys());
        let labelled = labelled.map(Key::labels).find(|labels| labels.len() > 0);
        let mut labels: Vec<Label> =
            labelled.into_iter().flatten().take(LABELS_MAX).map(label).collect();
        if labels.is_empty() {
            labels.push(Label::new("series", FOLDED));
        }
        let key = Key::from_parts(like.name().to_owned(), labels);
        self.folded.get_or_insert_with(|| make(&key)).clone()
    }
}

// === impl FiniteOnly ===

impl HistogramFn for FiniteOnly {
    fn record(&self, value: f64) {
        if value.is_finite() {
            self.0.record(value);
        }
    }
}
