//! The catalogue as a Markdown page: `docs/metrics.md`.

use std::fmt::Write;

use super::{CATALOGUE, Kind, Metric, Values};

const INFALLIBLE: &str = "writing to a string cannot fail";

/// The whole page.
pub fn markdown() -> String {
    let mut page = String::from(
        "<!-- Generated from the catalogue in goverse-metrics by `cargo xtask docs`. Do not edit. -->\n\
         # Metrics\n\n\
         Every metric that a GoVerse process exposes by itself. `goverse metrics` prints the same list in a terminal,\n\
         `goverse metrics --format json` for programs. Essential ones are marked with ★.\n\n\
         | metric | kind | unit | labels |\n|---|---|---|---|\n",
    );
    for metric in CATALOGUE {
        push_row(&mut page, metric);
    }
    for metric in CATALOGUE {
        push_section(&mut page, metric);
    }
    page
}

fn push_row(page: &mut String, metric: &Metric) {
    let star = if metric.essential { " ★" } else { "" };
    let labels: Vec<String> =
        metric.labels.iter().map(|label| format!("`{}`", label.name)).collect();
    let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(" ") };
    let (name, kind, unit) = (metric.name, metric.kind.as_str(), metric.unit.as_str());
    writeln!(page, "| [`{name}`](#{name}){star} | {kind} | {unit} | {labels} |").expect(INFALLIBLE);
}

fn push_section(page: &mut String, metric: &Metric) {
    writeln!(page, "\n## {}\n\n{}.\n", metric.name, metric.help).expect(INFALLIBLE);
    for label in metric.labels {
        writeln!(page, "- `{}`: {}", label.name, describe_values(label.values)).expect(INFALLIBLE);
    }
    if let Kind::Histogram { buckets } = metric.kind {
        let buckets: Vec<String> = buckets.iter().map(f64::to_string).collect();
        writeln!(page, "- buckets ({}): {}", metric.unit.as_str(), buckets.join(", "))
            .expect(INFALLIBLE);
    }
    let (cap, stability) = (metric.series_cap, metric.stability.as_str());
    writeln!(page, "- at most {cap} series in a process; {stability}").expect(INFALLIBLE);
    writeln!(page, "\n{}.", metric.usage).expect(INFALLIBLE);
}

fn describe_values(values: Values) -> String {
    match values {
        Values::Nodes => "the advertise address of the node".to_owned(),
        Values::Types => "the name of a registered type".to_owned(),
        Values::Methods => "the name of a method of a registered type".to_owned(),
        Values::Metrics => "the name of a metric, of GoVerse or of the application".to_owned(),
        Values::Build => "decided when it was built".to_owned(),
        Values::Closed(values) => {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            values.join(", ")
        }
    }
}
