//! The expressions of a Grafana dashboard, as rules that `promtool` can check.

use serde_json::{Value, json};

use crate::failure::Failure;

/// One rule for each expression, with Grafana's variables filled in.
pub(crate) fn rules(dashboard: &str) -> Result<String, Failure> {
    let dashboard: Value = serde_json::from_str(dashboard).map_err(Failure::new)?;
    let mut expressions = Vec::new();
    collect(&dashboard, &mut expressions);
    if expressions.is_empty() {
        return Err(Failure::new("the dashboard has no expression"));
    }
    let rule = |(number, expression): (usize, &str)| json!({ "record": format!("expression:{number}"), "expr": filled_in(expression) });
    let rules: Vec<Value> = expressions.into_iter().enumerate().map(rule).collect();
    Ok(json!({ "groups": [{ "name": "dashboard", "rules": rules }] }).to_string())
}

/// Finds what is called `expr`, at any depth.
fn collect<'a>(value: &'a Value, expressions: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            expressions.extend(fields.get("expr").and_then(Value::as_str));
            fields.values().for_each(|value| collect(value, expressions));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, expressions)),
        _ => {}
    }
}

/// Puts a duration for Grafana's own variables, `$__range` and their like, and a pattern for those of the dashboard.
fn filled_in(expression: &str) -> String {
    let mut pieces = expression.split('$');
    let mut text = String::from(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = variable(piece);
        text += if name.starts_with("__") { "5m" } else { ".+" };
        text += rest;
    }
    text
}

/// Parts what follows a `$` into the name of the variable and the rest: `{name}rest` or `name rest`.
fn variable(piece: &str) -> (&str, &str) {
    if let Some(braced) = piece.strip_prefix('{') {
        return braced.split_once('}').unwrap_or((braced, ""));
    }
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    piece.split_at(piece.find(is_end).unwrap_or(piece.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in() {
        let check = |expression, expected| assert_eq!(filled_in(expression), expected);
        check("up", "up");
        check("rate(a{node=~\"$node\"}[$__rate_interval])", "rate(a{node=~\".+\"}[5m])");
        check("rate(a{node=~\"${node}\"}[${__range}])", "rate(a{node=~\".+\"}[5m])");
    }

    #[test]
    fn every_expression_becomes_a_rule() {
        let dashboard =
            r#"{"panels": [{"targets": [{"expr": "a"}]}, {"panels": [{"expr": "b"}]}]}"#;
        let rules: Value = serde_json::from_str(&rules(dashboard).unwrap()).unwrap();
        assert_eq!(
            rules["groups"][0]["rules"],
            json!([
                { "record": "expression:0", "expr": "a" },
                { "record": "expression:1", "expr": "b" },
            ])
        );
        assert!(super::rules("{}").is_err());
    }
}
