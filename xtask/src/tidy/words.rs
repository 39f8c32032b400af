//! Words that must not stay in a file: reminders, and paths that exist on one machine.

use std::path::Path;

use super::Rule;
use super::finding::Finding;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule {
    promise: "no file keeps a reminder, or a path of somebody's machine",
    check: |repository| check(&repository.tree),
};

/// Reminders, in pieces so that this file has none.
const REMINDERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

/// Folders at the root of a machine in which people keep their own.
const PRIVATE_FOLDERS: &[&str] = &["Users", "root", "work"];

fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(word) = REMINDERS.iter().find(|word| is_source && line.contains(*word)) {
                findings.push(finding(path, number, word, "do it, or open an issue"));
            }
            if let Some(folder) = PRIVATE_FOLDERS.iter().find(|folder| leads_into(line, folder)) {
                let problem = format!("a path in /{folder}");
                findings.push(finding(
                    path,
                    number,
                    &problem,
                    "name it from the repository's root",
                ));
            }
        }
    }
    findings
}

/// Whether the line has an absolute path into that folder of the machine's root.
fn leads_into(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && !"/.-_~}".contains(before))
    })
}

fn finding(path: &Path, line: usize, problem: &str, remedy: &str) -> Finding {
    Finding { file: path.into(), line, problem: problem.into(), remedy: remedy.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::finding::told;

    #[test]
    fn this_repository_has_no_such_words() {
        RULE.assert_kept();
    }

    #[test]
    fn reminders_count_in_sources_and_paths_everywhere() {
        let check = |file: &str, line: &str, expected: &[&str]| {
            let line = line.replace('~', "");
            assert_eq!(told(&check(&Tree::of(&[(file, &line)]))), expected, "{line}");
        };
        let reminder = "a.rs:1: TO~DO; do it, or open an issue".replace('~', "");
        check("a.rs", "// TO~DO: later", &[&reminder]);
        check("a.md", "what TO~DO when it fails", &[]);
        let path = "a.md:1: a path in /root; name it from the repository's root";
        check("a.md", "cd /~root/goverse", &[path]);
        check("a.md", "`/~root/goverse`", &[path]);
        check("a.md", "src/~root/goverse", &[]);
        check("a.md", "cd /~roots/goverse", &[]);
    }
}
