//! What every manifest has in common.

use super::Rule;
use super::finding::Finding;
use crate::workspace::Package;

pub(super) const RULE: Rule = Rule {
    promise: "a manifest lies in a folder of its crate's name, inherits the lints, and is a default member",
    check: |repository| repository.workspace.packages.iter().flat_map(check).collect(),
};

/// Their peers are heavy, so plain `cargo build` leaves them out.
const NOT_DEFAULT: &[&str] = &["goverse-bench"];

fn check(package: &Package) -> Vec<Finding> {
    let name = package.name.as_str();
    let folder = package.manifest.parent().and_then(|folder| folder.file_name());
    let finding = |key: &str, problem: &str, remedy: String| Finding {
        file: package.manifest.clone(),
        line: package.manifest_line(key),
        problem: problem.into(),
        remedy,
    };
    let mut findings = Vec::new();
    if folder.is_none_or(|folder| folder != name) {
        findings.push(finding("name", "folder and crate differ", format!("name it {name}")));
    }
    if !inherits_lints(&package.manifest_text) {
        let remedy = "add [lints] with workspace = true".into();
        findings.push(finding("[lints]", "the lints of the workspace are not inherited", remedy));
    }
    if package.is_default_member == NOT_DEFAULT.contains(&name) {
        let verb = if package.is_default_member { "remove" } else { "add" };
        let remedy = format!("{verb} it in default-members of the root Cargo.toml");
        findings.push(finding("name", "all but the benches are default members", remedy));
    }
    findings
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim);
    lines.any(|line| line == "[lints]") && lines.next() == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::finding::told;

    #[test]
    fn this_repository_has_its_manifests_in_order() {
        RULE.assert_kept();
    }

    #[test]
    fn each_fault_of_a_manifest_is_told() {
        let check = |change: fn(&mut Package), expected: &[&str]| {
            let mut package = Package::of("ours", &[]);
            change(&mut package);
            assert_eq!(told(&check(&package)), expected);
        };
        check(|_| {}, &[]);
        check(
            |package| package.name = "theirs".into(),
            &["crates/ours/Cargo.toml:2: folder and crate differ; name it theirs"],
        );
        check(
            |package| package.manifest_text = "[package]\nname = \"ours\"\n[lints]\n".into(),
            &["crates/ours/Cargo.toml:3: the lints of the workspace are not inherited; \
               add [lints] with workspace = true"],
        );
        check(
            |package| package.is_default_member = false,
            &["crates/ours/Cargo.toml:2: all but the benches are default members; \
               add it in default-members of the root Cargo.toml"],
        );
    }
}
