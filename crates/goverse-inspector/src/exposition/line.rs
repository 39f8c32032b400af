//! The parts of one line: names, labels, values.

use super::{Problem, Sample, excerpt};

/// What may stand between the parts of a line.
pub(super) const BLANKS: [char; 2] = [' ', '\t'];

/// Reads `name{label="value",…} value time-stamp`, of which labels and time-stamp may be absent.
pub(super) fn read_sample(text: &str, line: usize) -> Result<Sample<'_>, Problem> {
    let (name, rest) = split_metric_name(text)?;
    let rest = rest.trim_start_matches(BLANKS);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => read_labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.trim_matches(BLANKS);
    check_value(value)?;
    Ok(Sample { name, labels, value, line })
}

/// A number, and perhaps a time-stamp.
fn check_value(text: &str) -> Result<(), Problem> {
    let mut words = text.split(BLANKS).filter(|word| !word.is_empty());
    let value = words.next().unwrap_or("");
    value.parse::<f64>().map_err(|_| Problem::Value(excerpt(value)))?;
    if let Some(timestamp) = words.next() {
        timestamp.parse::<i64>().map_err(|_| Problem::Timestamp(excerpt(timestamp)))?;
    }
    words.next().map_or(Ok(()), |word| Err(Problem::TrailingText(excerpt(word))))
}

/// Labels and what follows them.
type LabelsAndRest<'page> = (Vec<(&'page str, &'page str)>, &'page str);

/// Reads `name="value",…}`, the opening brace being read already. A comma may precede the closing one.
fn read_labels(text: &str) -> Result<LabelsAndRest<'_>, Problem> {
    let mut labels: Vec<(&str, &str)> = Vec::new();
    let mut rest = text.trim_start_matches(BLANKS);
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (name, value, after) = read_label(rest)?;
        if labels.iter().any(|(earlier, _)| *earlier == name) {
            return Err(Problem::RepeatedLabel(excerpt(name)));
        }
        labels.push((name, value));
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start_matches(BLANKS),
            None if after.starts_with('}') => after,
            None => return Err(Problem::UnclosedLabels),
        };
    }
}

/// Reads `name="value"` and the blanks after it: name, value, rest.
fn read_label(text: &str) -> Result<(&str, &str, &str), Problem> {
    if text.is_empty() {
        return Err(Problem::UnclosedLabels);
    }
    let (name, rest) = split_name(text, "")
        .filter(|(name, _)| !name.starts_with("__"))
        .ok_or_else(|| Problem::LabelName(excerpt(text)))?;
    let quoted = rest
        .trim_start_matches(BLANKS)
        .strip_prefix('=')
        .and_then(|rest| rest.trim_start_matches(BLANKS).strip_prefix('"'))
        .ok_or_else(|| Problem::LabelValue(excerpt(name)))?;
    let end = closing_quote(quoted).ok_or_else(|| Problem::UnclosedValue(excerpt(name)))?;
    let (value, rest) = (&quoted[..end], &quoted[end + 1..]);
    check_escapes(value)?;
    Ok((name, value, rest.trim_start_matches(BLANKS)))
}

/// Where the value ends: at the first quote that is not escaped.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// A backslash is escaped itself, or begins an escape.
pub(super) fn check_escapes(text: &str) -> Result<(), Problem> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && !matches!(bytes.next(), Some(b'\\' | b'"' | b'n')) {
            return Err(Problem::Escape);
        }
    }
    Ok(())
}

/// Splits off the name of a metric at the beginning.
pub(super) fn split_metric_name(text: &str) -> Result<(&str, &str), Problem> {
    split_name(text, ":").ok_or_else(|| Problem::MetricName(excerpt(text)))
}

/// Splits off a name of letters, digits, `_` and the characters of `also`.
fn split_name<'page>(text: &'page str, also: &str) -> Option<(&'page str, &'page str)> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_' || also.contains(c);
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let is_name = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then_some((name, rest))
}
