//! Which crate may use which, as `ARCHITECTURE.md` draws it.
//!
//! Only what is needed to build a crate counts. Its tests may use anything, for nothing that is shipped hangs on them.

use super::Rule;
use super::finding::Finding;
use crate::workspace::Package;

pub(super) const RULE: Rule = Rule {
    promise: "a crate uses only the crates that its layer allows",
    check: |repository| check(LAYERS, &repository.workspace.packages),
};

/// What a crate may use of ours.
#[derive(Clone, Copy)]
enum Allowed {
    Only(&'static [&'static str]),
    /// Tests and benches, which nothing uses.
    Any,
}

use Allowed::{Any, Only};

/// Every crate, from the ground up. An arrow that is not here is forbidden.
const LAYERS: &[(&str, Allowed)] = &[
    ("goverse-metrics", Only(&[])),
    ("goverse-core", Only(&[])),
    ("goverse-http", Only(&["goverse-core"])),
    ("goverse-macros", Only(&[])),
    ("goverse-node", Only(&["goverse-core", "goverse-metrics", "goverse-macros"])),
    ("goverse-store", Only(&["goverse-core", "goverse-metrics", "goverse-node"])),
    ("goverse-cluster", Only(&["goverse-core", "goverse-metrics"])),
    ("goverse-proto", Only(&["goverse-core"])),
    (
        "goverse-server",
        Only(&[
            "goverse-metrics",
            "goverse-core",
            "goverse-macros",
            "goverse-node",
            "goverse-store",
            "goverse-cluster",
            "goverse-proto",
            "goverse-http",
        ]),
    ),
    ("goverse-client", Only(&["goverse-core", "goverse-proto", "goverse-macros"])),
    (
        "goverse-inspector",
        Only(&[
            "goverse-core",
            "goverse-http",
            "goverse-proto",
            "goverse-client",
            "goverse-metrics",
        ]),
    ),
    (
        "goverse",
        Only(&[
            "goverse-metrics",
            "goverse-core",
            "goverse-macros",
            "goverse-node",
            "goverse-store",
            "goverse-cluster",
            "goverse-proto",
            "goverse-server",
            "goverse-client",
            "goverse-inspector",
        ]),
    ),
    ("goverse-samples", Only(&["goverse"])),
    ("goverse-cli", Only(&["goverse", "goverse-samples", "goverse-inspector"])),
    ("goverse-bench", Any),
    ("goverse-e2e", Any),
    ("xtask", Only(&[])),
];

fn check(layers: &[(&str, Allowed)], packages: &[Package]) -> Vec<Finding> {
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in packages {
        let Some((_, allowed)) = layers.iter().find(|(name, _)| *name == package.name) else {
            findings.push(unknown(package));
            continue;
        };
        let ours = package.dependencies.iter().filter(|name| names.contains(&name.as_str()));
        let forbidden = ours.filter(|name| !allowed.includes(name));
        findings.extend(forbidden.map(|name| arrow(package, name, *allowed)));
    }
    findings
}

fn unknown(package: &Package) -> Finding {
    Finding {
        file: package.manifest.clone(),
        line: package.manifest_line("name"),
        problem: format!("crate {} has no layer", package.name),
        remedy: format!("give it a row in LAYERS of {}", file!()),
    }
}

fn arrow(package: &Package, dependency: &str, allowed: Allowed) -> Finding {
    let allowed = match allowed {
        Only([]) => String::from("none of ours"),
        Only(names) => format!("only {}", names.join(", ")),
        Any => String::from("any"),
    };
    Finding {
        file: package.manifest.clone(),
        line: package.manifest_line(dependency),
        problem: format!("{} must not use {dependency}", package.name),
        remedy: format!("it may use {allowed}"),
    }
}

// === impl Allowed ===

impl Allowed {
    fn includes(self, name: &str) -> bool {
        match self {
            Only(names) => names.contains(&name),
            Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::finding::told;

    #[test]
    fn this_repository_keeps_its_layers() {
        RULE.assert_kept();
    }

    #[test]
    fn only_listed_arrows_are_allowed() {
        let layers: &[_] = &[("top", Only(&["middle"])), ("middle", Only(&[])), ("tests", Any)];
        let check = |drawn: &[(&str, &[&str])], expected: &[&str]| {
            let packages: Vec<Package> =
                drawn.iter().map(|(name, needs)| Package::of(name, needs)).collect();
            assert_eq!(told(&check(layers, &packages)), expected);
        };
        check(&[("top", &["middle"]), ("middle", &["serde"]), ("tests", &["top", "middle"])], &[]);
        check(
            &[("top", &[]), ("middle", &["top"])],
            &["crates/middle/Cargo.toml:4: middle must not use top; it may use none of ours"],
        );
        check(
            &[("top", &["tests"]), ("tests", &[])],
            &["crates/top/Cargo.toml:4: top must not use tests; it may use only middle"],
        );
        check(
            &[("new", &[])],
            &["crates/new/Cargo.toml:2: crate new has no layer; \
               give it a row in LAYERS of xtask/src/tidy/arrows.rs"],
        );
    }
}
