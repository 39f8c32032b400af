//! What of a node's page the cluster's page shows: the series of that node that GoVerse itself exposes.

use std::collections::HashMap;
use std::fmt::Write;

use goverse_core::NodeAddress;

use super::{ExpositionError, Family, FamilyKind, Problem, Sample};

const INFALLIBLE: &str = "writing to a string cannot fail";

/// One metric of one node. Each of its series has the label `node`.
#[derive(Debug, PartialEq)]
pub(crate) struct NodeFamily {
    pub(super) name: String,
    /// With its escapes, as it stands on a page.
    pub(super) help: Option<String>,
    pub(super) kind: FamilyKind,
    /// Whole lines.
    pub(super) lines: String,
}

// === impl NodeFamily ===

impl NodeFamily {
    /// Takes the families of GoVerse from the page of `node`.
    ///
    /// Series without the label `node` get it, and series of other nodes are left out, so that no two
    /// nodes have a series in common. The application's own metrics and those of the process are left out.
    pub(crate) fn select(
        families: &[Family<'_>],
        node: &NodeAddress,
    ) -> Result<Vec<Self>, ExpositionError> {
        let ours = families.iter().filter(|family| family.name.starts_with("goverse_"));
        let selected = ours.map(|family| Self::from_page(family, node));
        selected.filter(|family| family.as_ref().map_or(true, |f| !f.lines.is_empty())).collect()
    }

    fn from_page(family: &Family<'_>, node: &NodeAddress) -> Result<Self, ExpositionError> {
        let mut lines = String::new();
        let mut seen = HashMap::with_capacity(family.samples.len());
        for sample in &family.samples {
            if let Some(first) = seen.insert(sample.series(), sample.line) {
                return Err(Problem::RepeatedSeries { first }.at(sample.line));
            }
            match sample.node() {
                Some(other) if other != node.as_str() => {}
                Some(_) => push_line(&mut lines, sample, None),
                None => push_line(&mut lines, sample, Some(node)),
            }
        }
        let (name, help) = (family.name.to_owned(), family.help.map(str::to_owned));
        Ok(Self { name, help, kind: family.kind, lines })
    }
}

// === impl Sample ===

impl Sample<'_> {
    fn node(&self) -> Option<&str> {
        self.labels.iter().find(|(name, _)| *name == "node").map(|(_, value)| *value)
    }

    /// What tells series apart: the name and the labels, in whichever order.
    fn series(&self) -> (&str, Vec<(&str, &str)>) {
        let mut labels = self.labels.clone();
        labels.sort_unstable();
        (self.name, labels)
    }
}

/// An address needs no escapes: it has neither quotes nor backslashes.
fn push_line(lines: &mut String, sample: &Sample<'_>, node: Option<&NodeAddress>) {
    let added = node.map(|node| ("node", node.as_str()));
    let labels = added.iter().chain(&sample.labels);
    lines.push_str(sample.name);
    for (position, (name, value)) in labels.enumerate() {
        let before = if position == 0 { '{' } else { ',' };
        write!(lines, "{before}{name}=\"{value}\"").expect(INFALLIBLE);
    }
    let close = if added.is_some() || !sample.labels.is_empty() { "}" } else { "" };
    writeln!(lines, "{close} {}", sample.value).expect(INFALLIBLE);
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::NodeFamily;
    use crate::exposition::parse;

    fn check(page: &str, expected: Expect) {
        let node = "n1:47000".parse().unwrap();
        let shown = match NodeFamily::select(&parse(page).unwrap(), &node) {
            Ok(families) => families.into_iter().map(|family| family.lines).collect::<String>(),
            Err(error) => format!("{error}\n"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn every_series_names_its_node() {
        check(
            "goverse_a{type=\"T\",node=\"n1:47000\"} 1\ngoverse_b 2\ngoverse_c{x=\"}\\\"\"} 3 4\n",
            expect![[r#"
                goverse_a{type="T",node="n1:47000"} 1
                goverse_b{node="n1:47000"} 2
                goverse_c{node="n1:47000",x="}\""} 3 4
            "#]],
        );
    }

    #[test]
    fn what_is_not_of_this_node_or_not_of_goverse_is_left_out() {
        check(
            "goverse_a{node=\"n2:47000\"} 1\ngoverse_b{node=\"\"} 1\nprocess_threads 3\nchat_messages_total 4\n",
            expect![""],
        );
    }

    #[test]
    fn a_series_that_is_there_twice_is_an_error() {
        check(
            "goverse_a{x=\"1\",y=\"2\"} 1\n\ngoverse_a{y=\"2\",x=\"1\"} 1\n",
            expect![[r#"
            line 3: the series is there twice, first in line 1
        "#]],
        );
    }
}
