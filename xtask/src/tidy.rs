//! The rules of this repository that no compiler knows. Each is a test too, so `cargo test` keeps them.

mod absence;
mod arrows;
mod finding;
mod links;
mod manifests;
mod sources;
mod tree;
mod words;

use crate::failure::Failure;
use crate::task::Task;
use crate::workspace::Workspace;

use finding::Finding;
use tree::Tree;

pub(crate) const TASK: Task = Task {
    name: "tidy",
    arguments: "",
    summary: "Checks the rules of this repository that no compiler knows",
    details: "Which crate may use which, what a crate must never bring along, what a manifest inherits, the first line
of a source file, words that must not stay, links between pages. `cargo test` checks them too.",
    run,
};

const RULES: &[Rule] =
    &[arrows::RULE, absence::RULE, manifests::RULE, sources::RULE, words::RULE, links::RULE];

/// What the rules look at.
struct Repository {
    workspace: Workspace,
    tree: Tree,
}

/// One rule: what it promises, and where a repository breaks it.
struct Rule {
    promise: &'static str,
    check: fn(&Repository) -> Vec<Finding>,
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    TASK.refuse(arguments)?;
    let repository = Repository::load()?;
    let mut count = 0;
    for Rule { promise, check } in RULES {
        let findings = check(&repository);
        count += findings.len();
        eprintln!("{:<6}  {promise}", if findings.is_empty() { "ok" } else { "BROKEN" });
        findings.iter().for_each(|finding| println!("{finding}"));
    }
    if count == 0 { Ok(()) } else { Err(Failure::new(format!("tidy: {count} to put right"))) }
}

// === impl Repository ===

impl Repository {
    fn load() -> Result<Self, Failure> {
        Ok(Self { workspace: Workspace::load()?, tree: Tree::load()? })
    }
}

// === impl Rule ===

#[cfg(test)]
impl Rule {
    /// Panics with every place of this repository that breaks the rule.
    fn assert_kept(&self) {
        let findings = (self.check)(&Repository::load().unwrap());
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "broken: {}\n{}", self.promise, lines.join("\n"));
    }
}
