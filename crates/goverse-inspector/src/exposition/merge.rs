//! One page of the families of all nodes.

use std::collections::BTreeMap;
use std::fmt::Write;

use goverse_core::NodeAddress;
use goverse_metrics::{CATALOGUE, Kind};

use super::{FamilyKind, NodeFamily};

const INFALLIBLE: &str = "writing to a string cannot fail";

/// One metric of all nodes that have it.
struct ClusterFamily<'a> {
    help: Option<&'a str>,
    kind: FamilyKind,
    parts: Vec<(&'a NodeAddress, &'a NodeFamily)>,
}

/// Makes one page: each family once, those of the catalogue first and in its order, then the others by name.
///
/// Nodes of different versions may disagree on what a metric is. The catalogue decides, else the
/// first node; what another kind of metric has under that name is left out, and a comment says so.
pub(crate) fn merge<'a>(
    nodes: impl IntoIterator<Item = (&'a NodeAddress, &'a [NodeFamily])>,
) -> String {
    let mut families = BTreeMap::new();
    for (node, node_families) in nodes {
        for family in node_families {
            let rank = rank(&family.name);
            let merged = families
                .entry((rank, family.name.as_str()))
                .or_insert_with(|| ClusterFamily::new(rank, family));
            merged.parts.push((node, family));
        }
    }
    let mut page = String::new();
    for ((_, name), family) in &families {
        family.push_to(&mut page, name);
    }
    page
}

/// The place in the catalogue, or the one after it.
fn rank(name: &str) -> usize {
    CATALOGUE.iter().position(|metric| metric.name == name).unwrap_or(CATALOGUE.len())
}

// === impl ClusterFamily ===

impl<'a> ClusterFamily<'a> {
    fn new(rank: usize, first: &'a NodeFamily) -> Self {
        let (help, kind) = match CATALOGUE.get(rank) {
            Some(metric) => (Some(metric.help), metric.kind.into()),
            None => (first.help.as_deref(), first.kind),
        };
        Self { help, kind, parts: Vec::new() }
    }

    fn push_to(&self, page: &mut String, name: &str) {
        let kind = self.kind.as_str();
        let (agreeing, others): (Vec<_>, Vec<_>) =
            self.parts.iter().partition(|(_, family)| family.kind == self.kind);
        for (node, family) in others {
            let other = family.kind.as_str();
            writeln!(page, "# {name} of {node} is left out: {other} there, {kind} here")
                .expect(INFALLIBLE);
        }
        if agreeing.is_empty() {
            return;
        }
        if let Some(help) = self.help {
            writeln!(page, "# HELP {name} {help}").expect(INFALLIBLE);
        }
        writeln!(page, "# TYPE {name} {kind}").expect(INFALLIBLE);
        for (_, family) in agreeing {
            page.push_str(&family.lines);
        }
    }
}

// === impl FamilyKind ===

impl From<Kind> for FamilyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter,
            Kind::Gauge(_) => Self::Gauge,
            Kind::Histogram { .. } => Self::Histogram,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use goverse_core::NodeAddress;
    use goverse_metrics::CATALOGUE;

    use super::merge;
    use crate::exposition::{NodeFamily, parse};

    fn check(pages: &[&str], expected: Expect) {
        let nodes: Vec<(NodeAddress, Vec<NodeFamily>)> = pages
            .iter()
            .enumerate()
            .map(|(number, page)| {
                let node: NodeAddress = format!("n{}:1", number + 1).parse().unwrap();
                let families = NodeFamily::select(&parse(page).unwrap(), &node).unwrap();
                (node, families)
            })
            .collect();
        let merged = merge(nodes.iter().map(|(node, families)| (node, families.as_slice())));
        parse(&merged).expect("what was merged can be read");
        expected.assert_eq(&merged);
    }

    #[test]
    fn families_of_all_nodes_are_one() {
        check(
            &[
                "# TYPE goverse_new gauge\ngoverse_new{node=\"n1:1\"} 1\n\
                 # HELP goverse_build_info Which\n# TYPE goverse_build_info gauge\ngoverse_build_info{version=\"1\"} 1\n\
                 # TYPE goverse_objects_total gauge\ngoverse_objects_total{node=\"n1:1\",type=\"A\"} 1\n",
                "# TYPE goverse_objects_total gauge\ngoverse_objects_total{node=\"n2:1\",type=\"A\"} 2\n\
                 # TYPE goverse_build_info gauge\ngoverse_build_info{version=\"1\"} 1\n\
                 # TYPE goverse_metrics_scrapes_refused_total counter\n",
            ],
            expect![[r##"
                # HELP goverse_objects_total Total number of distributed objects in the cluster
                # TYPE goverse_objects_total gauge
                goverse_objects_total{node="n1:1",type="A"} 1
                goverse_objects_total{node="n2:1",type="A"} 2
                # HELP goverse_build_info Always 1; the labels say which build of GoVerse is running
                # TYPE goverse_build_info gauge
                goverse_build_info{node="n1:1",version="1"} 1
                goverse_build_info{node="n2:1",version="1"} 1
                # TYPE goverse_new gauge
                goverse_new{node="n1:1"} 1
            "##]],
        );
    }

    #[test]
    fn histograms_stay_whole() {
        let page = |node: &str| {
            format!(
                "# TYPE goverse_metrics_scrape_duration_seconds histogram\n\
                 goverse_metrics_scrape_duration_seconds_bucket{{node=\"{node}\",le=\"1\"}} 1\n\
                 goverse_metrics_scrape_duration_seconds_bucket{{node=\"{node}\",le=\"+Inf\"}} 1\n\
                 goverse_metrics_scrape_duration_seconds_sum{{node=\"{node}\"}} 0.5\n\
                 goverse_metrics_scrape_duration_seconds_count{{node=\"{node}\"}} 1\n"
            )
        };
        check(
            &[&page("n1:1"), &page("n2:1")],
            expect![[r##"
            # HELP goverse_metrics_scrape_duration_seconds Time to render and compress the node's /metrics page
            # TYPE goverse_metrics_scrape_duration_seconds histogram
            goverse_metrics_scrape_duration_seconds_bucket{node="n1:1",le="1"} 1
            goverse_metrics_scrape_duration_seconds_bucket{node="n1:1",le="+Inf"} 1
            goverse_metrics_scrape_duration_seconds_sum{node="n1:1"} 0.5
            goverse_metrics_scrape_duration_seconds_count{node="n1:1"} 1
            goverse_metrics_scrape_duration_seconds_bucket{node="n2:1",le="1"} 1
            goverse_metrics_scrape_duration_seconds_bucket{node="n2:1",le="+Inf"} 1
            goverse_metrics_scrape_duration_seconds_sum{node="n2:1"} 0.5
            goverse_metrics_scrape_duration_seconds_count{node="n2:1"} 1
        "##]],
        );
    }

    #[test]
    fn another_kind_of_metric_under_the_name_is_left_out_with_a_remark() {
        check(
            &[
                "# TYPE goverse_node_ready counter\ngoverse_node_ready 1\n\
                 # TYPE goverse_new gauge\n# HELP goverse_new New\\nthing\ngoverse_new 1\n",
                "# TYPE goverse_new counter\ngoverse_new 2\n",
            ],
            expect![[r##"
                # goverse_node_ready of n1:1 is left out: counter there, gauge here
                # goverse_new of n2:1 is left out: counter there, gauge here
                # HELP goverse_new New\nthing
                # TYPE goverse_new gauge
                goverse_new{node="n1:1"} 1
            "##]],
        );
    }

    #[test]
    fn no_page_is_an_empty_page() {
        check(&[], expect![""]);
    }

    #[test]
    fn help_texts_of_the_catalogue_need_no_escapes() {
        for metric in CATALOGUE {
            assert!(!metric.help.contains(['\\', '\n']), "{}", metric.name);
        }
    }
}
