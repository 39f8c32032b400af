//! What a crate must not bring along, however far away: `Cargo.lock` tells, without a network.

use std::collections::{HashSet, VecDeque};

use super::finding::Finding;
use super::{Repository, Rule};
use crate::workspace::Package;

pub(super) const RULE: Rule = Rule {
    promise: "a crate brings along nothing that it must not know",
    check: |Repository { workspace, tree }| {
        let lock = Lock::parse(tree.text("Cargo.lock"));
        check(ABSENCES, &workspace.packages, &lock)
    },
};

/// Crates that serve or speak HTTP, or make a page of metrics.
const HTTP_AND_EXPORTER: &[&str] =
    &["axum", "hyper", "metrics-exporter-prometheus", "reqwest", "tonic"];

/// A crate, and what it must not know, neither itself nor through another.
const ABSENCES: &[(&str, &[&[&str]])] = &[
    ("goverse-metrics", &[HTTP_AND_EXPORTER, &["tokio"]]),
    ("goverse-core", &[HTTP_AND_EXPORTER, &["tokio"]]),
    ("goverse-node", &[HTTP_AND_EXPORTER]),
];

/// The packages of a `Cargo.lock`.
struct Lock<'a> {
    packages: Vec<Locked<'a>>,
}

struct Locked<'a> {
    name: &'a str,
    version: &'a str,
    /// A name, with a version after it where there are several.
    dependencies: Vec<&'a str>,
}

fn check(absences: &[(&str, &[&[&str]])], packages: &[Package], lock: &Lock<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, forbidden) in absences {
        let Some(package) = packages.iter().find(|package| package.name == *name) else { continue };
        for forbidden in forbidden.iter().copied().flatten() {
            if let Some(path) = lock.path(package, forbidden) {
                findings.push(presence(package, forbidden, &path));
            }
        }
    }
    findings
}

fn presence(package: &Package, forbidden: &str, path: &[&str]) -> Finding {
    Finding {
        file: package.manifest.clone(),
        line: package.manifest_line(path[0]),
        problem: format!("{} must not know {forbidden}", package.name),
        remedy: format!("cut {} -> {}", package.name, path.join(" -> ")),
    }
}

// === impl Lock ===

impl<'a> Lock<'a> {
    fn parse(text: &'a str) -> Self {
        Self { packages: text.split("[[package]]").skip(1).map(Locked::parse).collect() }
    }

    /// The shortest way from a package of ours to a crate of that name, without where it starts.
    fn path(&self, from: &Package, to: &str) -> Option<Vec<&str>> {
        let start = self.packages.iter().find(|locked| locked.name == from.name)?;
        let is_needed = |name: &str| from.dependencies.iter().any(|needed| needed == name);
        let first = self.dependencies(start).filter(|locked| is_needed(locked.name));
        let mut queue: VecDeque<Vec<&Locked<'_>>> = first.map(|locked| vec![locked]).collect();
        let mut seen = HashSet::new();
        while let Some(path) = queue.pop_front() {
            let last = path.last()?;
            if last.name == to {
                return Some(path.iter().map(|locked| locked.name).collect());
            }
            if seen.insert((last.name, last.version)) {
                let next = self.dependencies(last);
                queue.extend(next.map(|locked| [path.as_slice(), &[locked]].concat()));
            }
        }
        None
    }

    fn dependencies(&self, locked: &Locked<'_>) -> impl Iterator<Item = &Locked<'a>> {
        locked.dependencies.iter().filter_map(|dependency| self.find(dependency))
    }

    fn find(&self, dependency: &str) -> Option<&Locked<'a>> {
        let (name, version) = dependency.split_once(' ').unwrap_or((dependency, ""));
        let is_it =
            |locked: &&Locked<'_>| locked.name == name && locked.version.starts_with(version);
        self.packages.iter().find(is_it)
    }
}

// === impl Locked ===

impl<'a> Locked<'a> {
    /// Reads what follows a `[[package]]`.
    fn parse(text: &'a str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.unwrap_or_default().trim_matches('"')
        };
        let items = text.lines().filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
        Self { name: value("name"), version: value("version"), dependencies: items.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::finding::told;

    #[test]
    fn this_repository_keeps_its_absences() {
        RULE.assert_kept();
    }

    #[test]
    fn what_is_forbidden_is_found_through_others_but_not_through_tests() {
        let lock = "
[[package]]
name = \"ours\"
version = \"0.1.0\"
dependencies = [
 \"direct\",
 \"only-for-tests\",
 \"twice 2.0.0\",
]

[[package]]
name = \"direct\"
version = \"1.0.0\"
dependencies = [
 \"hyper\",
]

[[package]]
name = \"only-for-tests\"
version = \"1.0.0\"
dependencies = [
 \"axum\",
]

[[package]]
name = \"twice\"
version = \"1.0.0\"
dependencies = [
 \"axum\",
]

[[package]]
name = \"twice\"
version = \"2.0.0\"

[[package]]
name = \"hyper\"
version = \"1.0.0\"

[[package]]
name = \"axum\"
version = \"1.0.0\"
";
        let packages = [Package::of("ours", &["direct", "twice"])];
        let findings = check(&[("ours", &[&["axum", "hyper"]])], &packages, &Lock::parse(lock));
        assert_eq!(
            told(&findings),
            ["crates/ours/Cargo.toml:4: ours must not know hyper; cut ours -> direct -> hyper"]
        );
    }
}
