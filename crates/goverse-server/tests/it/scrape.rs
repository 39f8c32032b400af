//! A strict reader of the text format 0.0.4: what it does not understand is a failure.
//!
//! After <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::BTreeMap;

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Scrape {
    pub(crate) families: BTreeMap<String, Family>,
}

/// A family: its kind, and the value of each series by name and labels.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) series: BTreeMap<String, f64>,
}

impl Scrape {
    /// Reads a page; panics on a malformed line, a series twice, or a sample outside its family.
    pub(crate) fn parse(page: &str) -> Self {
        let mut scrape = Self::default();
        let mut current = String::new();
        let mut helps = BTreeMap::new();
        assert!(page.is_empty() || page.ends_with('\n'), "the last line ends");
        for line in page.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, text) = help.split_once(' ').unwrap_or((help, ""));
                assert!(
                    helps.insert(name.to_owned(), text.to_owned()).is_none(),
                    "help twice: {line}"
                );
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect(line);
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                let help = helps.get(name).cloned().unwrap_or_default();
                let family = Family { kind: kind.to_owned(), help, series: BTreeMap::new() };
                assert!(
                    scrape.families.insert(name.to_owned(), family).is_none(),
                    "type twice: {line}"
                );
                current = name.to_owned();
            } else {
                assert!(!line.starts_with('#'), "{line}");
                let (series, value) = sample(line);
                let family = scrape.families.get_mut(&current).expect(line);
                assert!(belongs(&series, &current, &family.kind), "{line} under {current}");
                assert!(family.series.insert(series, value).is_none(), "series twice: {line}");
            }
        }
        scrape.check_histograms();
        scrape
    }

    /// The value of a series as it is written, such as `up{job="x"}`.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let name = series.split('{').next()?;
        let of = |name: &str| self.families.get(name)?.series.get(series).copied();
        of(name).or_else(|| of(name.rsplit_once('_')?.0))
    }

    /// Every counter, and every count of a histogram: what must never go down.
    pub(crate) fn rising(&self) -> impl Iterator<Item = (&String, f64)> {
        let rises = |family: &&Family| family.kind != "gauge";
        let families = self.families.values().filter(rises);
        families.flat_map(|family| family.series.iter().map(|(series, value)| (series, *value)))
    }

    fn check_histograms(&self) {
        for (name, family) in self.families.iter().filter(|(_, family)| family.kind == "histogram")
        {
            let mut by_labels: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
            for (series, value) in &family.series {
                if let Some(labels) = series.strip_prefix(&format!("{name}_bucket")) {
                    let start = labels.rfind("le=\"").expect("a bucket has a bound");
                    let bound = labels[start + 4..].trim_end_matches("\"}");
                    let bound =
                        if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
                    let labels = labels[..start].trim_end_matches([',', '{']).to_owned();
                    by_labels.entry(labels).or_default().push((bound, *value));
                }
            }
            for (labels, mut buckets) in by_labels {
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(buckets.is_sorted_by(|a, b| a.1 <= b.1), "{name}{labels}: {buckets:?}");
                let labels = if labels.is_empty() { labels } else { labels + "}" };
                let count = family.series[&format!("{name}_count{labels}")];
                assert_eq!(buckets.last(), Some(&(f64::INFINITY, count)), "{name}{labels}");
                assert!(
                    family.series.contains_key(&format!("{name}_sum{labels}")),
                    "{name}{labels}"
                );
            }
        }
    }
}

fn belongs(series: &str, family: &str, kind: &str) -> bool {
    let name = series.split('{').next().unwrap_or_default();
    match name.strip_prefix(family) {
        Some("") => kind != "histogram",
        Some("_bucket" | "_sum" | "_count") => kind == "histogram",
        _ => false,
    }
}

/// Splits a sample line into its series and its value, reading labels character by character.
fn sample(line: &str) -> (String, f64) {
    let name_end = line.find(['{', ' ']).expect(line);
    let name_ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    assert!(
        line[..name_end].chars().all(name_ok) && !line.starts_with(|c: char| c.is_ascii_digit()),
        "{line}"
    );
    let labels =
        if line[name_end..].starts_with('{') { labels_length(&line[name_end..]) } else { 0 };
    let (series, value) = line.split_at(name_end + labels);
    let value = value.strip_prefix(' ').expect(line);
    (series.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
}

fn labels_length(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    let mut names = Vec::new();
    while chars.peek().is_some_and(|(_, c)| *c != '}') {
        let mut name = String::new();
        for (_, c) in chars.by_ref().take_while(|(_, c)| *c != '=') {
            assert!(c.is_ascii_alphanumeric() || c == '_', "label name in {text}");
            name.push(c);
        }
        assert!(!name.is_empty() && !names.contains(&name), "label {name:?} in {text}");
        names.push(name);
        assert_eq!(chars.next().map(|(_, c)| c), Some('"'), "{text}");
        while let Some((_, c)) = chars.next() {
            match c {
                '\\' => {
                    let escaped = chars.next().map(|(_, c)| c);
                    assert!(matches!(escaped, Some('\\' | '"' | 'n')), "{text}");
                }
                '"' => break,
                c => assert!(!c.is_control(), "{text}"),
            }
        }
        if chars.peek().is_some_and(|(_, c)| *c == ',') {
            chars.next();
        }
    }
    chars.next().map(|(index, _)| index + 1).unwrap_or_else(|| panic!("labels end: {text}"))
}
