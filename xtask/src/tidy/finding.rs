//! One place that breaks a rule.

use std::fmt::{self, Display};
use std::path::PathBuf;

/// Where a rule is broken, how, and what would be right.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) file: PathBuf,
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) problem: String,
    pub(super) remedy: String,
}

// === impl Finding ===

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, problem, remedy } = self;
        write!(f, "{}:{line}: {problem}; {remedy}", file.display())
    }
}

/// The findings as text, for tests that compare it.
#[cfg(test)]
pub(super) fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(Finding::to_string).collect()
}
