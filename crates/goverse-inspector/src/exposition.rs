//! Prometheus' text exposition format 0.0.4: reading the pages of nodes and making one of them.
//!
//! [`parse`] reads a page strictly, [`NodeFamily::select`] takes what GoVerse itself exposes and sees
//! to it that each series names its node, and [`merge`] makes one page of those of all nodes.
//! The format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

mod line;
mod merge;
mod parse;
mod select;

use thiserror::Error;

pub(crate) use merge::merge;
pub(crate) use parse::parse;
pub(crate) use select::NodeFamily;

/// The content type of a page.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Texts of the page that an error shows are cut off here.
const SHOWN_CHARS_MAX: usize = 40;

/// One metric of a page. Its texts are as they stand there, escapes and all.
#[derive(Debug, PartialEq)]
pub(crate) struct Family<'page> {
    pub(crate) name: &'page str,
    pub(crate) help: Option<&'page str>,
    pub(crate) kind: FamilyKind,
    pub(crate) samples: Vec<Sample<'page>>,
}

/// What the TYPE line of a family says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FamilyKind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Untyped,
}

/// One line of values.
#[derive(Debug, PartialEq)]
pub(crate) struct Sample<'page> {
    /// With the suffix: a histogram's samples end in `_bucket`, `_sum` or `_count`.
    pub(crate) name: &'page str,
    /// Names and values, the values with their escapes.
    pub(crate) labels: Vec<(&'page str, &'page str)>,
    /// The value, and the time-stamp if there is one.
    pub(crate) value: &'page str,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// Why a page cannot be read.
#[derive(Debug, PartialEq, Error)]
#[error("line {line}: {problem}")]
pub(crate) struct ExpositionError {
    line: usize,
    problem: Problem,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Error)]
pub(crate) enum Problem {
    #[error("{0:?} does not begin with the name of a metric")]
    MetricName(String),
    #[error("{0:?} does not begin with the name of a label")]
    LabelName(String),
    #[error("the label {0} has no value in quotes")]
    LabelValue(String),
    #[error("the value of the label {0} does not end")]
    UnclosedValue(String),
    #[error("a backslash may only stand before a backslash, a quote or n")]
    Escape,
    #[error("the labels do not end with a brace")]
    UnclosedLabels,
    #[error("the label {0} is there twice")]
    RepeatedLabel(String),
    #[error("{0:?} is no number")]
    Value(String),
    #[error("{0:?} is no time-stamp")]
    Timestamp(String),
    #[error("{0:?} follows the time-stamp")]
    TrailingText(String),
    #[error("{0:?} is no type of a metric")]
    Kind(String),
    #[error("{0} has a second HELP line")]
    RepeatedHelp(String),
    #[error("{0} has a second TYPE line")]
    RepeatedKind(String),
    #[error("the TYPE line of {0} comes after its samples")]
    LateKind(String),
    #[error("{0} is a histogram, whose samples end in _bucket, _sum or _count")]
    BareHistogram(String),
    #[error("a bucket of {0} has no label le")]
    NoBound(String),
    #[error("the series is there twice, first in line {first}")]
    RepeatedSeries { first: usize },
    #[error("the page ends in the middle of it")]
    UnendedLine,
}

// === impl FamilyKind ===

impl FamilyKind {
    /// Reads the word of a TYPE line.
    fn from_word(word: &str) -> Option<Self> {
        [Self::Counter, Self::Gauge, Self::Histogram, Self::Summary, Self::Untyped]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }

    /// The word of a TYPE line.
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }
}

// === impl Problem ===

impl Problem {
    fn at(self, line: usize) -> ExpositionError {
        ExpositionError { line, problem: self }
    }
}

/// As much of a text of the page as an error may show.
fn excerpt(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}
