//! Names and label values as they may stand on a page: bounded, without what breaks it, and distinct.
//!
//! The exporter escapes a value with a backslash so that another value comes out the same, and it lets a
//! label called `le` through. So what it is given here has neither.

use std::borrow::Cow;

use metrics::{Key, Label};

/// The longest label value on a page, in bytes.
const VALUE_BYTES_MAX: usize = 256;
/// The longest name of a metric or a label, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// The label value that stands for every series beyond a metric's cap.
pub(super) const FOLDED: &str = "_other";
/// Stands between the part of a value that was kept and the digest of the whole.
const CUT: char = '…';

/// A label value: backslashes and control characters become `_`, and it is cut at 256 bytes.
///
/// A value that had to change ends with `…` and a digest of the original, so that two values that
/// differ still do.
pub(super) fn value(raw: &str) -> Cow<'_, str> {
    let breaks = |c: char| c == '\\' || c == CUT || c.is_control();
    if raw.len() <= VALUE_BYTES_MAX && !raw.contains(breaks) {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(with_digest(raw, breaks))
}

/// A label value of the application, which must not pass for [`FOLDED`] either.
fn application_value(raw: &str) -> String {
    if raw == FOLDED { with_digest(raw, |_| false) } else { value(raw).into_owned() }
}

fn with_digest(raw: &str, breaks: impl Fn(char) -> bool) -> String {
    let digest = format!("{CUT}{:016x}", digest(raw));
    let kept = raw.floor_char_boundary(VALUE_BYTES_MAX - digest.len());
    raw[..kept].replace(breaks, "_") + &digest
}

/// The name of a metric: `[a-zA-Z_:][a-zA-Z0-9_:]*`, at most 128 bytes.
pub(super) fn metric_name(raw: &str) -> Cow<'_, str> {
    name(raw, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

/// The name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`, at most 128 bytes.
///
/// Names with a meaning of their own get the prefix `exported_`: `le` and `quantile` in a histogram, `__…`
/// everywhere, and `job` and `instance`, which Prometheus gives to a target and would take from the page
/// where labels are honoured.
pub(super) fn label_name(raw: &str) -> Cow<'_, str> {
    let clean = name(raw, |c| c.is_ascii_alphanumeric() || c == '_');
    match &*clean {
        "le" | "quantile" | "job" | "instance" => Cow::Owned(format!("exported_{clean}")),
        reserved if reserved.starts_with("__") => Cow::Owned(format!("exported{clean}")),
        _ => clean,
    }
}

/// The cleaned labels of a key of the application, ordered by name; each name once.
pub(super) fn labels(key: &Key) -> Vec<Label> {
    let clean = |label: &Label| {
        Label::new(label_name(label.key()).into_owned(), application_value(label.value()))
    };
    let mut labels: Vec<Label> = key.labels().map(clean).collect();
    labels.sort_by(|a, b| a.key().cmp(b.key()));
    labels.dedup_by(|a, b| a.key() == b.key());
    labels
}

fn name(raw: &str, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    let digit_first = raw.starts_with(|c: char| c.is_ascii_digit());
    if !raw.is_empty() && raw.len() <= NAME_BYTES_MAX && !digit_first && raw.chars().all(&allowed) {
        return Cow::Borrowed(raw);
    }
    let mut clean = String::from(if digit_first || raw.is_empty() { "_" } else { "" });
    clean.extend(raw.chars().map(|c| if allowed(c) { c } else { '_' }));
    if clean.len() > NAME_BYTES_MAX {
        let digest = format!("_{:016x}", digest(raw));
        clean.truncate(NAME_BYTES_MAX - digest.len());
        clean += &digest;
    }
    Cow::Owned(clean)
}

/// FNV-1a, 64 bit (<http://www.isthe.com/chongo/tech/comp/fnv/>): the same in every process and version.
pub(super) fn digest(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{application_value, label_name, metric_name, value};

    #[test]
    fn values() {
        let check = |raw: &str, expected: &str| assert_eq!(value(raw), expected, "{raw:?}");
        check("lobby", "lobby");
        check("with \"quotes\" {and=braces}, 日本", "with \"quotes\" {and=braces}, 日本");
        check("a\\b", "a_b…e6b9b11904eabd96");
        check("a\nb", "a_b…e5beb1190415e670");
        check("", "");
        check("_other", "_other");
        assert_eq!(application_value("_other"), "_other…de8c4e296c1d842c");
    }

    #[test]
    fn values_that_differ_still_do() {
        let long = "x".repeat(65_536);
        let raws = [
            "a\\b",
            "a_b",
            "a\nb",
            "a\rb",
            "a\0b",
            "a\u{7f}b",
            "a\\\\b",
            "a\\",
            "a",
            "\\a",
            "…",
            "a_b…e6b9b11904eabd96",
            &long,
            &long[1..],
            &long[..256],
            &long[..257],
        ];
        let cleaned: HashSet<_> = raws.iter().map(|raw| value(raw).into_owned()).collect();
        assert_eq!(cleaned.len(), raws.len());
        assert!(cleaned.iter().all(|clean| clean.len() <= 256 && !clean.contains('\\')));
    }

    #[test]
    fn names() {
        let check = |raw: &str, metric: &str, label: &str| {
            assert_eq!((&*metric_name(raw), &*label_name(raw)), (metric, label), "{raw:?}");
        };
        check("http_requests", "http_requests", "http_requests");
        check("http.requests-1", "http_requests_1", "http_requests_1");
        check("a:b", "a:b", "a_b");
        check("1st", "_1st", "_1st");
        check("", "_", "_");
        check("le", "le", "exported_le");
        check("quantile", "quantile", "exported_quantile");
        check("job", "job", "exported_job");
        check("__name__", "__name__", "exported__name__");
        check("ä", "_", "_");
        assert_eq!(label_name(&"x".repeat(70_000)).len(), 128);
    }
}
