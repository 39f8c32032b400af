//! Values of a page in Prometheus' text format.

use std::collections::BTreeMap;

/// The value of each series of a page, by its name with its labels, as the page has it.
///
/// # Panics
/// When a line is no sample, or a series is there twice.
pub fn samples(page: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    for line in page.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let value = value.parse().unwrap_or_else(|_| panic!("no value: {line}"));
        let other = samples.insert(series.to_owned(), value);
        assert!(other.is_none(), "this series is there twice: {series}");
    }
    samples
}

/// The value of a label in a series, such as `localhost:47000` of `node`.
pub fn label<'a>(series: &'a str, name: &str) -> Option<&'a str> {
    let at = [format!("{{{name}=\""), format!(",{name}=\"")];
    let (begin, key) = at.iter().find_map(|key| Some((series.find(key)?, key)))?;
    let rest = &series[begin + key.len()..];
    Some(&rest[..rest.find('"')?])
}

/// The sum of the series of a metric.
pub fn sum(samples: &BTreeMap<String, f64>, metric: &str) -> f64 {
    let of_metric = |series: &str| series.split('{').next() == Some(metric);
    samples.iter().filter(|(series, _)| of_metric(series)).map(|(_, value)| value).sum()
}

#[cfg(test)]
mod tests {
    use super::{label, samples, sum};

    #[test]
    fn a_page_is_read() {
        let page =
            "# HELP a b\na{node=\"n:1\",type=\"T\"} 3\n\na{node=\"n:2\",type=\"T\"} 4.5\nab 1\n";
        let samples = samples(page);
        assert_eq!(samples.len(), 3);
        assert_eq!(sum(&samples, "a"), 7.5);
        assert_eq!(label("a{node=\"n:1\",type=\"T\"}", "type"), Some("T"));
        assert_eq!(label("a{node=\"n:1\",type=\"T\"}", "ode"), None);
        assert_eq!(label("a", "node"), None);
    }
}
