//! The shipped dashboards: their panels have a place, and Prometheus understands their expressions.

use std::collections::BTreeSet;

use goverse_e2e::promtool;
use serde_json::{Value, json};

use crate::rules::{files, read};

/// The width of Grafana's grid.
const WIDTH: u64 = 24;

/// A dashboard with the name of its file.
pub(crate) struct Dashboard {
    pub(crate) file: String,
    json: Value,
}

/// Where a panel is.
struct Place<'a> {
    title: &'a str,
    x: u64,
    y: u64,
    width: u64,
    height: u64,
}

/// The shipped dashboards.
pub(crate) fn shipped() -> Vec<Dashboard> {
    let files = files("deploy/grafana", &["json"]);
    let read = |path: &std::path::PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let json =
            serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{file}: {error}"));
        Dashboard { file, json }
    };
    files.iter().map(read).collect()
}

// === impl Dashboard ===

impl Dashboard {
    /// The panels, also those of rows that are folded.
    fn panels(&self) -> impl Iterator<Item = &Value> {
        let panels = list(&self.json["panels"]);
        panels.flat_map(|panel| std::iter::once(panel).chain(list(&panel["panels"])))
    }

    /// The expressions of panels and annotations, with Grafana's variables replaced.
    pub(crate) fn expressions(&self) -> Vec<String> {
        let targets = self.panels().flat_map(|panel| list(&panel["targets"]));
        let annotations = list(&self.json["annotations"]["list"]);
        let expressions = targets.chain(annotations).filter_map(|entry| entry["expr"].as_str());
        expressions.map(without_variables).collect()
    }

    /// The series that the values of the variables come from: `a{b="c"}` of `label_values(a{b="c"}, d)`.
    pub(crate) fn variables(&self) -> Vec<String> {
        let variables = list(&self.json["templating"]["list"]);
        let queries = variables.filter_map(|variable| variable["query"]["query"].as_str());
        let series = queries.filter_map(|query| {
            let arguments = query.strip_prefix("label_values(")?.strip_suffix(')')?;
            arguments.rsplit_once(',').map(|(series, _)| without_variables(series))
        });
        series.collect()
    }
}

fn without_variables(expression: &str) -> String {
    let expression = expression.replace("$__rate_interval", "5m").replace("$__range", "1h");
    expression.replace("$__interval", "1m")
}

// === impl Place ===

impl<'a> Place<'a> {
    fn of(panel: &'a Value) -> Self {
        let of = |name: &str| {
            let value = panel["gridPos"][name].as_u64();
            value.unwrap_or_else(|| panic!("no {name} in gridPos of {panel}"))
        };
        let title = panel["title"].as_str().unwrap_or_default();
        Self { title, x: of("x"), y: of("y"), width: of("w"), height: of("h") }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[test]
fn panels_have_their_own_id_and_place() {
    for dashboard in shipped() {
        let ids: Vec<_> = dashboard.panels().map(|panel| panel["id"].as_u64().unwrap()).collect();
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{}: {ids:?}", dashboard.file);

        let places: Vec<Place<'_>> = list(&dashboard.json["panels"]).map(Place::of).collect();
        for (number, place) in places.iter().enumerate() {
            assert!(place.width > 0 && place.height > 0, "{}: {}", dashboard.file, place.title);
            assert!(place.x + place.width <= WIDTH, "{}: {}", dashboard.file, place.title);
            let other = places[..number].iter().find(|other| other.overlaps(place));
            let other = other.map(|other| other.title);
            assert_eq!(other, None, "{}: it overlaps {}", dashboard.file, place.title);
        }
    }
}

#[test]
fn panels_say_what_they_show() {
    for dashboard in shipped() {
        let panels =
            dashboard.panels().filter(|panel| panel["type"] != "row" && panel["type"] != "text");
        for panel in panels {
            let title = panel["title"].as_str().unwrap_or_default();
            assert!(!title.is_empty(), "{}: {panel}", dashboard.file);
            assert!(
                list(&panel["targets"]).count() > 0,
                "{}: {title} asks nothing",
                dashboard.file
            );
            assert!(panel["description"].is_string(), "{}: {title}", dashboard.file);
        }
    }
}

#[test]
fn prometheus_understands_every_expression() {
    for dashboard in shipped() {
        let expressions = [dashboard.expressions(), dashboard.variables()].concat();
        let expressions: BTreeSet<String> = expressions.into_iter().collect();
        assert!(expressions.len() > 10, "{}: {expressions:?}", dashboard.file);
        check_expressions(&dashboard.file, &expressions);
    }
}

/// Lets Prometheus' checker parse expressions, as rules of a file.
pub(crate) fn check_expressions(source: &str, expressions: &BTreeSet<String>) {
    for expression in expressions {
        assert!(
            !expression.contains("$__"),
            "{source}: a variable is not known here: {expression}"
        );
    }
    let numbered = expressions.iter().enumerate();
    let rules: Vec<Value> = numbered
        .map(|(number, expr)| json!({"record": format!("checked:{number}"), "expr": expr}))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.json");
    std::fs::write(&file, json!({"groups": [{"name": "checked", "rules": rules}]}).to_string())
        .unwrap();
    let output = promtool::run(&["check", "rules", &file.to_string_lossy()], "");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{source}: {stdout}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(stdout.contains(&format!("{} rules found", expressions.len())), "{stdout}");
}
