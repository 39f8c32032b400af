//! The table of tasks, and what `--help` says of them.

use crate::failure::Failure;
use crate::{bench, ci, demo, docs, model, promtool, sim, soak, test, tidy};

/// One thing that `cargo xtask` can do.
pub(crate) struct Task {
    /// The word after `cargo xtask`.
    pub(crate) name: &'static str,
    /// What may follow the name.
    pub(crate) arguments: &'static str,
    /// One line for the list.
    pub(crate) summary: &'static str,
    /// What `cargo xtask NAME --help` adds to the summary.
    pub(crate) details: &'static str,
    /// Does it, given what followed the name.
    pub(crate) run: fn(&[String]) -> Result<(), Failure>,
}

/// Every task, in the order that the help shows them.
const TASKS: &[Task] = &[
    demo::TASK,
    test::TASK,
    ci::TASK,
    tidy::TASK,
    promtool::TASK,
    model::TASK,
    docs::TASK,
    bench::TASK,
    sim::TASK,
    soak::TASK,
];

/// Runs the task that the arguments name.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", overview());
        return Ok(());
    };
    if is_help(name) {
        print!("{}", overview());
        return Ok(());
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        return Err(Failure::unusable(format!("no task {name:?}\n\n{}", overview())));
    };
    if rest.iter().take_while(|word| *word != "--").any(|word| is_help(word)) {
        print!("{}", task.help());
        return Ok(());
    }
    (task.run)(rest)
}

fn is_help(word: &str) -> bool {
    matches!(word, "-h" | "--help" | "help")
}

fn overview() -> String {
    let mut text = String::from("The tasks of this repository.\n\nUsage: cargo xtask TASK\n\n");
    for Task { name, summary, .. } in TASKS {
        text += &format!("  {name:<10}{summary}\n");
    }
    text + "\ncargo xtask TASK --help tells more about one.\n"
}

// === impl Task ===

impl Task {
    /// Refuses arguments, for tasks that take none.
    pub(crate) fn refuse(&self, arguments: &[String]) -> Result<(), Failure> {
        match arguments.first() {
            None => Ok(()),
            Some(word) => Err(self.misused(&format!("unexpected {word:?}"))),
        }
    }

    /// The failure for arguments that the task cannot use.
    pub(crate) fn misused(&self, problem: &str) -> Failure {
        Failure::unusable(format!("{}: {problem}\n\n{}", self.name, self.help()))
    }

    fn help(&self) -> String {
        let Self { name, arguments, summary, details, .. } = self;
        let usage = format!("cargo xtask {name} {arguments}");
        format!("{summary}.\n\nUsage: {}\n\n{details}\n", usage.trim_end())
    }
}

/// What to hand on to a program: a leading `--` only ends our own options.
pub(crate) fn passed_on(arguments: &[String]) -> &[String] {
    match arguments.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => arguments,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_listed_on_one_line() {
        let overview = overview();
        for task in TASKS {
            assert!(!task.summary.ends_with('.'), "{}: help() adds the full stop", task.name);
            let line = overview.lines().find(|line| line.contains(task.summary));
            assert!(line.is_some_and(|line| line.len() <= 100), "{}", task.name);
        }
    }

    #[test]
    fn an_unknown_task_or_argument_is_refused() {
        assert!(run(&["nonsense".into()]).is_err());
        assert!(run(&["tidy".into(), "nonsense".into()]).is_err());
    }

    #[test]
    fn a_leading_separator_is_not_handed_on() {
        let words = ["--", "--help", "--"].map(String::from);
        assert_eq!(passed_on(&words), ["--help", "--"]);
        assert_eq!(passed_on(&words[1..]), ["--help", "--"]);
    }
}
