//! How a source file begins.

use std::path::Path;

use super::Rule;
use super::finding::Finding;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule {
    promise: "a source file says what it is for in its first line",
    check: |repository| check(&repository.tree),
};

fn check(tree: &Tree) -> Vec<Finding> {
    let sources = tree.texts().filter(|(path, _)| is_source(path));
    sources.filter(|(_, text)| !is_introduced(text)).map(|(path, _)| finding(path)).collect()
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn is_introduced(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty())
}

fn finding(path: &Path) -> Finding {
    Finding {
        file: path.into(),
        line: 1,
        problem: "the file does not say what it is for".into(),
        remedy: "begin it with a line `//! …`".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::finding::told;

    #[test]
    fn this_repository_introduces_its_files() {
        RULE.assert_kept();
    }

    #[test]
    fn the_first_line_has_to_tell() {
        let check = |text: &str, is_right: bool| {
            let tree = Tree::of(&[("crates/ours/src/lib.rs", text), ("README.md", "")]);
            let expected = "crates/ours/src/lib.rs:1: the file does not say what it is for; \
                            begin it with a line `//! …`";
            let expected = if is_right { vec![] } else { vec![expected] };
            assert_eq!(told(&check(&tree)), expected, "{text}");
        };
        check("//! Turns.\n", true);
        check("", false);
        check("//!\n//! Turns.\n", false);
        check("use std::fmt;\n", false);
        check("\n//! Turns.\n", false);
    }
}
