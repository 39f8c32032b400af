//! Tests that look for rare failures, for as long as one likes.

use std::process::Command;

use crate::failure::Failure;
use crate::process;
use crate::task::Task;
use crate::test::PACKAGES;

pub(crate) const TASK: Task = Task {
    name: "soak",
    arguments: "[NAME] [--rounds N]",
    summary: "Runs the soak tests for many rounds; `test` runs one round of each",
    details: "Runs, in release, every test whose name contains NAME (soak unless told otherwise), with
GOVERSE_SOAK_ROUNDS=N (100 unless told otherwise): a soak test does its work that many times, and once without it.",
    run,
};

/// What soak tests read to know how many rounds to run.
const VARIABLE: &str = "GOVERSE_SOAK_ROUNDS";

#[derive(Debug, PartialEq)]
struct Soak {
    name: String,
    rounds: u32,
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let Soak { name, rounds } = Soak::parse(arguments).map_err(|problem| TASK.misused(&problem))?;
    // Rust's test harness is content with a name that no test has; we are not.
    let listed = process::capture(cargo_test().args(["--", "--list", &name]))?;
    if !listed.lines().any(|line| line.ends_with(": test")) {
        return Err(Failure::unusable(format!("no test has {name:?} in its name")));
    }
    process::run(cargo_test().args(["--", &name]).env(VARIABLE, rounds.to_string()))
}

/// Documentation tests are no soak tests, and slow to build.
fn cargo_test() -> Command {
    let mut command = process::cargo(&["test", "--release", "--lib", "--bins", "--tests"]);
    command.args(PACKAGES);
    command
}

// === impl Soak ===

impl Soak {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut soak = Self { name: String::from("soak"), rounds: 100 };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--rounds" => soak.rounds = rounds(words.next())?,
                option if option.starts_with('-') => return Err(format!("unexpected {option:?}")),
                name => soak.name = String::from(name),
            }
        }
        Ok(soak)
    }
}

fn rounds(word: Option<&String>) -> Result<u32, String> {
    let number = word.and_then(|word| word.parse().ok()).filter(|rounds| *rounds > 0);
    number.ok_or_else(|| String::from("--rounds wants a whole number above 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let check = |line: &str, expected: Result<(&str, u32), &str>| {
            let words: Vec<String> = line.split_whitespace().map(String::from).collect();
            let expected = expected
                .map(|(name, rounds)| Soak { name: name.into(), rounds })
                .map_err(String::from);
            assert_eq!(Soak::parse(&words), expected, "{line}");
        };
        check("", Ok(("soak", 100)));
        check("gauge", Ok(("gauge", 100)));
        check("gauge --rounds 7", Ok(("gauge", 7)));
        check("--rounds", Err("--rounds wants a whole number above 0"));
        check("--rounds 0", Err("--rounds wants a whole number above 0"));
        check("--rouds 7", Err("unexpected \"--rouds\""));
    }
}
