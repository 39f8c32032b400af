//! What Prometheus answers: <https://prometheus.io/docs/prometheus/2.42/querying/api/>.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names and values of labels, or of annotations.
pub type Labels = BTreeMap<String, String>;

/// One series with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels, and its name as `__name__` if it has one.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// Something that is scraped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The label `instance`: its address.
    pub instance: String,
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// Why it is down.
    pub last_error: String,
    /// What its discovery said, as labels that begin with `__`.
    pub discovered: Labels,
}

/// An alert that is pending or firing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// `pending` or `firing`.
    pub state: String,
    /// Its labels, with its name as `alertname`.
    pub labels: Labels,
    /// Its annotations, filled in.
    pub annotations: Labels,
}

/// An alert or a recording rule, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The alert's name, or the name of the series that it records.
    pub name: String,
    /// Whether it is an alert.
    pub is_alert: bool,
    /// Its expression.
    pub query: String,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations, as templates.
    pub annotations: Labels,
}

// === impl Sample ===

impl Sample {
    pub(super) fn of(json: &Value) -> Self {
        let value = text(&json["value"][1]);
        let value = value.parse().unwrap_or_else(|_| panic!("no value: {json}"));
        Self { labels: labels(&json["metric"]), value }
    }

    /// The value of a label; empty if there is none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

// === impl Target ===

impl Target {
    pub(super) fn of(json: &Value) -> Self {
        Self {
            instance: text(&json["labels"]["instance"]),
            health: text(&json["health"]),
            last_error: text(&json["lastError"]),
            discovered: labels(&json["discoveredLabels"]),
        }
    }
}

// === impl Alert ===

impl Alert {
    pub(super) fn of(json: &Value) -> Self {
        Self {
            state: text(&json["state"]),
            labels: labels(&json["labels"]),
            annotations: labels(&json["annotations"]),
        }
    }
}

// === impl Rule ===

impl Rule {
    pub(super) fn of(json: &Value) -> Self {
        Self {
            name: text(&json["name"]),
            is_alert: json["type"] == "alerting",
            query: text(&json["query"]),
            labels: labels(&json["labels"]),
            annotations: labels(&json["annotations"]),
        }
    }
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

fn labels(json: &Value) -> Labels {
    let labels = json.as_object().into_iter().flatten();
    labels.map(|(name, value)| (name.clone(), text(value))).collect()
}
