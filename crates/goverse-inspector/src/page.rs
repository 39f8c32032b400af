//! The page: HTML that shows the nodes and their objects, complete without any other file.

use std::fmt::{self, Display, Write};

use crate::view::{ClusterView, NodeView, Standing};

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");
const INFALLIBLE: &str = "writing to a string cannot fail";
const NO_VALUE: &str = "<span class=\"none\">–</span>";

/// A text of which HTML takes nothing for markup, in an element or in a quoted attribute.
struct Escaped<'a>(&'a str);

/// A time span as people say it: `1.5 s`, `25 s`, `3 min`, `2 h 5 min`, `4 d 1 h`.
struct Span(f64);

/// Renders the page. Links are relative, so that it may be served below a path by a proxy.
pub(crate) fn render(view: &ClusterView) -> String {
    let mut html = String::with_capacity(16 << 10);
    write!(
        html,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GoVerse inspector</title>
<link rel="icon" href="data:,">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<style>
{STYLE}</style>
</head>
<body>
<header>
<h1>GoVerse inspector</h1>
<span id="lost" role="status" hidden>the inspector does not answer</span>
<nav><a href="metrics">/metrics</a> <a href="sd">/sd</a> <a href="api/nodes">/api/nodes</a></nav>
</header>
<main>
"#
    )
    .expect(INFALLIBLE);
    push_figures(&mut html, view);
    push_nodes(&mut html, view);
    push_objects(&mut html, view);
    write!(
        html,
        "</main>\n<footer>Prometheus scrapes either <a href=\"metrics\">/metrics</a> here, or the nodes \
         that <a href=\"sd\">/sd</a> lists; never both.</footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
    .expect(INFALLIBLE);
    html
}

fn push_figures(html: &mut String, view: &ClusterView) {
    let (up, nodes, objects, types) = (view.up, view.nodes.len(), view.objects, view.types.len());
    writeln!(
        html,
        "<dl class=\"figures\">\n\
         <div><dt>Nodes up</dt><dd>{up} <small>of {nodes}</small></dd></div>\n\
         <div><dt>Objects</dt><dd>{objects}</dd></div>\n\
         <div><dt>Types</dt><dd>{types}</dd></div>\n</dl>"
    )
    .expect(INFALLIBLE);
}

fn push_nodes(html: &mut String, view: &ClusterView) {
    html.push_str(
        "<h2>Nodes</h2>\n<div class=\"card\"><table id=\"nodes\">\n<thead><tr><th>Node</th><th>State</th>\
         <th class=\"number\">Objects</th><th class=\"number\">Last answer</th>\
         <th>Operations port</th></tr></thead>\n<tbody>\n",
    );
    for (row, node) in view.nodes.iter().enumerate() {
        push_node(html, row, node);
    }
    html.push_str("</tbody>\n</table></div>\n");
}

fn push_node(html: &mut String, row: usize, node: &NodeView) {
    html.push_str("<tr><th class=\"address\">");
    match &node.node {
        Some(address) => push(html, Escaped(address.as_str())),
        None => html.push_str(NO_VALUE),
    }
    html.push_str("</th><td>");
    push_state(html, node);
    html.push_str("</td><td class=\"number\">");
    match node.objects {
        Some(objects) => push(html, objects),
        None => html.push_str(NO_VALUE),
    }
    html.push_str("</td><td class=\"number muted\">");
    match node.last_seen_seconds {
        Some(seconds) => write!(html, "{} ago", Span(seconds)).expect(INFALLIBLE),
        None => html.push_str("never"),
    }
    let at = Escaped(node.operations.as_str());
    writeln!(
        html,
        "</td><td class=\"address\"><a id=\"metrics-{row}\" href=\"http://{at}/metrics\">{at}</a> · \
         <a id=\"objects-{row}\" href=\"http://{at}/objects\">objects</a></td></tr>"
    )
    .expect(INFALLIBLE);
}

fn push_state(html: &mut String, node: &NodeView) {
    let (class, word) = match node.state {
        Standing::Ready => ("ready", "ready"),
        Standing::NotReady => ("not-ready", "up, not ready"),
        Standing::Down => ("down", "down"),
    };
    write!(html, "<span class=\"state {class}\">{word}</span>").expect(INFALLIBLE);
    if let (Some(reason), Some(seconds)) = (&node.reason, node.down_seconds) {
        let (reason, span) = (Escaped(reason), Span(seconds));
        write!(html, "<div class=\"reason\">for {span}: {reason}</div>").expect(INFALLIBLE);
    }
}

/// Types in rows, nodes that are up in columns, sums at the edges.
fn push_objects(html: &mut String, view: &ClusterView) {
    html.push_str("<h2>Objects by type</h2>\n<div class=\"card\">");
    let nodes: Vec<&NodeView> =
        view.nodes.iter().filter(|node| node.state != Standing::Down).collect();
    if view.types.is_empty() {
        let none = if nodes.is_empty() { "No node is up." } else { "There are no types." };
        writeln!(html, "<div class=\"empty\">{none}</div></div>").expect(INFALLIBLE);
        return;
    }
    html.push_str("<table id=\"objects\">\n<thead><tr><th>Type</th>");
    for address in nodes.iter().filter_map(|node| node.node.as_ref()) {
        let address = Escaped(address.as_str());
        write!(html, "<th class=\"number\">{address}</th>").expect(INFALLIBLE);
    }
    html.push_str("<th class=\"number\">All</th></tr></thead>\n<tbody>\n");
    for (name, sum) in &view.types {
        let counts = nodes.iter().map(|node| node.types.get(name).copied());
        push_counts(html, name, counts, *sum);
    }
    html.push_str("</tbody>\n<tfoot>\n");
    push_counts(html, "All", nodes.iter().map(|node| node.objects), view.objects);
    html.push_str("</tfoot>\n</table></div>\n");
}

fn push_counts(html: &mut String, name: &str, counts: impl Iterator<Item = Option<u64>>, sum: u64) {
    write!(html, "<tr><th>{}</th>", Escaped(name)).expect(INFALLIBLE);
    for count in counts {
        html.push_str("<td class=\"number\">");
        match count {
            Some(count) => push(html, count),
            None => html.push_str(NO_VALUE),
        }
        html.push_str("</td>");
    }
    writeln!(html, "<td class=\"number\">{sum}</td></tr>").expect(INFALLIBLE);
}

fn push(html: &mut String, value: impl Display) {
    write!(html, "{value}").expect(INFALLIBLE);
}

// === impl Escaped ===

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

// === impl Span ===

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 as u64;
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        match seconds {
            0..10 => write!(f, "{:.1} s", (self.0 * 10.0).floor() / 10.0),
            10..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{minutes} min"),
            3600..86_400 => write!(f, "{hours} h {} min", minutes % 60),
            _ => write!(f, "{days} d {} h", hours % 24),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::{Escaped, Span, render};
    use crate::snapshot::tests::snapshot;
    use crate::view::ClusterView;

    /// What changes with the cluster: the inside of `<main>`.
    fn main_of(html: &str) -> &str {
        let (_, rest) = html.split_once("<main>").unwrap();
        rest.split_once("</main>").unwrap().0
    }

    #[test]
    fn nodes_and_objects_are_shown() {
        let html = render(&ClusterView::new(&snapshot()));
        expect![[r#"

            <dl class="figures">
            <div><dt>Nodes up</dt><dd>2 <small>of 5</small></dd></div>
            <div><dt>Objects</dt><dd>16</dd></div>
            <div><dt>Types</dt><dd>3</dd></div>
            </dl>
            <h2>Nodes</h2>
            <div class="card"><table id="nodes">
            <thead><tr><th>Node</th><th>State</th><th class="number">Objects</th><th class="number">Last answer</th><th>Operations port</th></tr></thead>
            <tbody>
            <tr><th class="address">n1:47000</th><td><span class="state ready">ready</span></td><td class="number">12</td><td class="number muted">1.5 s ago</td><td class="address"><a id="metrics-0" href="http://n1:9090/metrics">n1:9090</a> · <a id="objects-0" href="http://n1:9090/objects">objects</a></td></tr>
            <tr><th class="address">n2:47000</th><td><span class="state not-ready">up, not ready</span></td><td class="number">4</td><td class="number muted">0.0 s ago</td><td class="address"><a id="metrics-1" href="http://n2:9090/metrics">n2:9090</a> · <a id="objects-1" href="http://n2:9090/objects">objects</a></td></tr>
            <tr><th class="address">n3:47000</th><td><span class="state down">down</span><div class="reason">for 1 min: cannot be reached: Connection refused (os error 111)</div></td><td class="number"><span class="none">–</span></td><td class="number muted">1 min ago</td><td class="address"><a id="metrics-2" href="http://n3:9090/metrics">n3:9090</a> · <a id="objects-2" href="http://n3:9090/objects">objects</a></td></tr>
            <tr><th class="address"><span class="none">–</span></th><td><span class="state down">down</span><div class="reason">for 1 min: has not answered yet</div></td><td class="number"><span class="none">–</span></td><td class="number muted">never</td><td class="address"><a id="metrics-3" href="http://n4:9090/metrics">n4:9090</a> · <a id="objects-3" href="http://n4:9090/objects">objects</a></td></tr>
            <tr><th class="address">n1:47000</th><td><span class="state down">down</span><div class="reason">for 0.0 s: is the same node as n1:9090; give each node once</div></td><td class="number"><span class="none">–</span></td><td class="number muted">0.0 s ago</td><td class="address"><a id="metrics-4" href="http://10.0.0.1:9090/metrics">10.0.0.1:9090</a> · <a id="objects-4" href="http://10.0.0.1:9090/objects">objects</a></td></tr>
            </tbody>
            </table></div>
            <h2>Objects by type</h2>
            <div class="card"><table id="objects">
            <thead><tr><th>Type</th><th class="number">n1:47000</th><th class="number">n2:47000</th><th class="number">All</th></tr></thead>
            <tbody>
            <tr><th>&lt;Room&gt;</th><td class="number"><span class="none">–</span></td><td class="number">1</td><td class="number">1</td></tr>
            <tr><th>ChatClient</th><td class="number">10</td><td class="number"><span class="none">–</span></td><td class="number">10</td></tr>
            <tr><th>ChatRoom</th><td class="number">2</td><td class="number">3</td><td class="number">5</td></tr>
            </tbody>
            <tfoot>
            <tr><th>All</th><td class="number">12</td><td class="number">4</td><td class="number">16</td></tr>
            </tfoot>
            </table></div>
        "#]].assert_eq(main_of(&html));
    }

    #[test]
    fn without_nodes_the_page_says_so() {
        let mut snapshot = snapshot();
        snapshot.nodes.clear();
        let html = render(&ClusterView::new(&snapshot));
        assert!(main_of(&html).contains("No node is up."), "{html}");
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let mut snapshot = snapshot();
        snapshot.nodes.clear();
        let html = render(&ClusterView::new(&snapshot));
        for forbidden in ["http://", "https://", "src=", "url(", "@import"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        let text = Escaped("<script>\"a\" & 'b'</script>").to_string();
        assert_eq!(text, "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
    }

    #[test]
    fn spans_are_as_people_say_them() {
        let shown = [0.0, 1.55, 9.99, 25.2, 200.0, 7_500.0, 350_000.0].map(|s| Span(s).to_string());
        assert_eq!(shown.join(", "), "0.0 s, 1.5 s, 9.9 s, 25 s, 3 min, 2 h 5 min, 4 d 1 h");
    }
}
