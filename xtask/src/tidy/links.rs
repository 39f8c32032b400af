//! Links from one page of the repository to another file of it.

use std::path::Path;

use super::Rule;
use super::finding::Finding;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule {
    promise: "a link of a page leads to a file or folder that exists",
    check: |repository| check(&repository.tree),
};

fn check(tree: &Tree) -> Vec<Finding> {
    let pages =
        tree.texts().filter(|(path, _)| path.extension().is_some_and(|found| found == "md"));
    pages.flat_map(|(page, text)| check_page(tree, page, text)).collect()
}

fn check_page(tree: &Tree, page: &Path, text: &str) -> Vec<Finding> {
    let folder = page.parent().unwrap_or(Path::new(""));
    let mut is_code = false;
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        let dead =
            targets(line).filter(|_| !is_code).filter(|target| is_dead(tree, folder, target));
        findings.extend(dead.map(|target| finding(page, number, target)));
    }
    findings
}

/// What the links of a line lead to, with neither title nor angle brackets.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let named = line.strip_prefix('[').and_then(|rest| Some(rest.split_once("]: ")?.1));
    let all = inline.chain(named).filter_map(|target| target.split_whitespace().next());
    all.map(|target| target.trim_matches(['<', '>']))
}

fn is_dead(tree: &Tree, folder: &Path, target: &str) -> bool {
    let path = target.split('#').next().unwrap_or_default();
    let is_elsewhere = path.contains("://") || path.starts_with("mailto:");
    !path.is_empty() && !is_elsewhere && !tree.contains(&folder.join(path))
}

fn finding(page: &Path, line: usize, target: &str) -> Finding {
    Finding {
        file: page.into(),
        line,
        problem: format!("nothing is at {target}"),
        remedy: "give the path from the folder of this page".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::finding::told;

    #[test]
    fn this_repository_has_no_dead_links() {
        RULE.assert_kept();
    }

    #[test]
    fn only_links_to_files_that_exist_are_alive() {
        let check = |text: &str, dead: &[&str]| {
            let tree =
                Tree::of(&[("docs/page.md", text), ("docs/adr/0001.md", ""), ("LICENSE", "")]);
            let dead = dead.iter().map(|target| finding(Path::new("docs/page.md"), 1, target));
            assert_eq!(told(&check(&tree)), told(&dead.collect::<Vec<_>>()), "{text}");
        };
        check(
            "[a](adr/0001.md) and [b](../LICENSE), [c](adr/), [d](adr/0001.md#top \"title\")",
            &[],
        );
        check("[a](https://example.org/x) [b](#here) [c](mailto:a@example.org)", &[]);
        check("[a](adr/0002.md) and [b](LICENSE)", &["adr/0002.md", "LICENSE"]);
        check("[a]: adr/0002.md", &["adr/0002.md"]);
        check("```\n[a](adr/0002.md)\n```", &[]);
    }
}
