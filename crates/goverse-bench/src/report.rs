//! A figure of a bench, ours beside a reference, and its two output forms: a row of a table, a line of JSON.

use serde::Serialize;

use crate::measure::Runs;

/// How figures are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A table to read.
    Table,
    /// One line of JSON for each figure.
    Json,
}

/// What a bench found out: something of ours, and the same of a reference in the same run.
#[derive(Clone, Debug)]
pub struct Figure {
    name: String,
    unit: &'static str,
    ours: Runs,
    reference: Runs,
    reference_name: &'static str,
}

/// Prints figures as they come in, those that were asked for.
#[derive(Debug)]
pub struct Report {
    form: Form,
    only: Option<String>,
}

/// A figure as a line of JSON, in this order.
#[derive(Serialize)]
struct Line<'a> {
    figure: &'a str,
    unit: &'a str,
    ours: f64,
    reference: f64,
    reference_name: &'a str,
    ratio: Option<f64>,
    runs: usize,
    min: f64,
    max: f64,
}

// === impl Figure ===

impl Figure {
    /// A figure called `name`; the unit is that of both.
    pub fn new(
        name: &str,
        unit: &'static str,
        ours: Runs,
        (reference_name, reference): (&'static str, Runs),
    ) -> Self {
        Self { name: name.to_owned(), unit, ours, reference, reference_name }
    }

    /// The median of ours by that of the reference; none when the reference is 0.
    pub fn ratio(&self) -> Option<f64> {
        let reference = self.reference.median();
        (reference != 0.0).then(|| self.ours.median() / reference)
    }

    /// The figure as a line of JSON.
    pub fn to_json(&self) -> String {
        let line = Line {
            figure: &self.name,
            unit: self.unit,
            ours: rounded(self.ours.median()),
            reference: rounded(self.reference.median()),
            reference_name: self.reference_name,
            ratio: self.ratio().map(rounded),
            runs: self.ours.count(),
            min: rounded(self.ours.min()),
            max: rounded(self.ours.max()),
        };
        serde_json::to_string(&line).expect("a line is numbers and strings")
    }

    /// The figure as a row of the table.
    pub fn to_row(&self) -> String {
        let [ours, reference, min, max] =
            [self.ours.median(), self.reference.median(), self.ours.min(), self.ours.max()]
                .map(shown);
        let ratio = self.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        let range = format!("{min}–{max}");
        row([
            &self.name,
            self.unit,
            &ours,
            &reference,
            self.reference_name,
            &ratio,
            &self.ours.count().to_string(),
            &range,
        ])
    }
}

// === impl Report ===

impl Report {
    /// A report of the figures whose name contains `only`, or of all.
    pub fn new(form: Form, only: Option<String>) -> Self {
        Self { form, only }
    }

    /// Whether the figure called `name` was asked for, so that it is worth measuring.
    pub fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }

    /// Prints the figure, if it was asked for.
    pub fn add(&self, figure: &Figure) {
        match self.form {
            _ if !self.wants(&figure.name) => {}
            Form::Json => println!("{}", figure.to_json()),
            Form::Table => println!("{}", figure.to_row()),
        }
    }

    /// Says what was measured where, and names the columns.
    pub(crate) fn print_head(&self, runs: usize) {
        if self.form == Form::Table {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            println!(
                "{cores} cores; medians of {runs} runs after one that does not count; min–max is of ours; \
                 ratio is ours / reference\n"
            );
            println!("{}", head());
        }
    }
}

fn head() -> String {
    row(["figure", "unit", "ours", "reference", "reference is", "ratio", "runs", "min–max"])
}

fn row(columns: [&str; 8]) -> String {
    let [name, unit, ours, reference, reference_name, ratio, runs, range] = columns;
    format!(
        "{name:<54} {unit:<6} {ours:>10} {reference:>10}  {reference_name:<18} {ratio:>6} {runs:>5}  {range}"
    )
}

/// Three digits after the point are more than any figure is sure of.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Three digits that count, at least.
fn shown(value: f64) -> String {
    match value.abs() {
        0.0 | 100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::{Figure, Form, Report, head};
    use crate::measure::Runs;

    fn figure(ours: &[f64], reference: &[f64]) -> Figure {
        let reference = Runs::new(reference.to_vec());
        Figure::new(
            "counter increment, 2 threads",
            "ns",
            Runs::new(ours.to_vec()),
            ("exporter", reference),
        )
    }

    #[test]
    fn a_figure_is_a_line_of_json() {
        let check = |figure: Figure, expected: Expect| expected.assert_eq(&figure.to_json());
        check(
            figure(&[12.0, 10.5, 11.123_456], &[50.0, 44.493_824, 40.0]),
            expect![[
                r#"{"figure":"counter increment, 2 threads","unit":"ns","ours":11.123,"reference":44.494,"reference_name":"exporter","ratio":0.25,"runs":3,"min":10.5,"max":12.0}"#
            ]],
        );
        check(
            figure(&[1.0, 2.0], &[0.0, 0.0]),
            expect![[
                r#"{"figure":"counter increment, 2 threads","unit":"ns","ours":1.5,"reference":0.0,"reference_name":"exporter","ratio":null,"runs":2,"min":1.0,"max":2.0}"#
            ]],
        );
    }

    #[test]
    fn figures_stand_below_each_other_in_the_table() {
        let figures = [
            figure(&[12.0, 10.5, 11.123_456], &[50.0, 44.493_824, 40.0]),
            figure(&[0.0, 0.25, 0.004], &[0.0]),
            figure(&[123_456.7], &[9_876.5]),
        ];
        let rows: Vec<String> = figures.iter().map(Figure::to_row).collect();
        expect![[r#"
            figure                                                 unit         ours  reference  reference is        ratio  runs  min–max
            counter increment, 2 threads                           ns           11.1       44.5  exporter             0.25     3  10.5–12.0
            counter increment, 2 threads                           ns          0.004          0  exporter                -     3  0–0.250
            counter increment, 2 threads                           ns         123457       9876  exporter            12.50     1  123457–123457
        "#]].assert_eq(&format!("{}\n{}\n", head(), rows.join("\n")));
    }

    #[test]
    fn only_what_was_asked_for_is_wanted() {
        let check = |only: Option<&str>, name: &str, expected: bool| {
            let report = Report::new(Form::Json, only.map(str::to_owned));
            assert_eq!(report.wants(name), expected, "{only:?} {name:?}");
        };
        check(None, "gauge pair", true);
        check(Some("gauge"), "gauge pair", true);
        check(Some("counter"), "gauge pair", false);
    }
}
