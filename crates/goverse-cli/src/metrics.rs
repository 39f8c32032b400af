//! `goverse metrics`: the catalogue, for people and for programs.

use goverse::metrics::catalogue::markdown;
use goverse::metrics::{CATALOGUE, Metric};

use crate::command_line::{Format, MetricsArgs};
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(args: &MetricsArgs) -> Result<(), Failure> {
    let chosen: Vec<&Metric> =
        CATALOGUE.iter().copied().filter(|metric| metric.essential || !args.essential).collect();
    let text = match args.format {
        Format::Table => table(&chosen),
        Format::Json => {
            serde_json::to_string_pretty(&chosen).expect("the catalogue is plain data") + "\n"
        }
        Format::Markdown => markdown(),
    };
    print(&text).map(drop)
}

fn table(metrics: &[&Metric]) -> String {
    let name_of = |metric: &Metric| {
        let labels: Vec<&str> = metric.labels.iter().map(|label| label.name).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        format!("{}{labels}", metric.name)
    };
    let width = metrics.iter().map(|metric| name_of(metric).len()).max().unwrap_or(0);
    let line = |metric: &&Metric| {
        let star = if metric.essential { '*' } else { ' ' };
        format!("{star} {:width$}  {:9}  {}\n", name_of(metric), metric.kind.as_str(), metric.help)
    };
    let legend =
        "* essential: look at these first. --format json has units, buckets, caps and usage.\n";
    metrics.iter().map(line).chain([legend.to_owned()]).collect()
}
