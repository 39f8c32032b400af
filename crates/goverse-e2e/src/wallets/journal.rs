//! What clients were answered, written down at once.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What clients were answered. What is written here survives the process, though not the machine.
pub struct Journal {
    file: Option<File>,
    history: Mutex<History>,
}

/// What a journal says.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// By the number of the operation.
    pub answers: BTreeMap<u64, Vec<Answer>>,
    /// Calls that were not answered.
    pub failures: Vec<(u64, Failure)>,
    /// No operation has had a number above this, unless it is under way.
    highest: u64,
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A run begins; its operations have this number and higher ones.
    Began(u64),
    /// The operation of this number was answered.
    Answered(u64, Answer),
    /// A call for the operation of this number failed.
    Failed(u64, Failure),
}

/// What a wallet has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done, and this is in the wallet then.
    Done(u64),
    /// This is in the wallet, which is too little.
    TooLittle(u64),
}

/// How a call has failed, in the words of the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether the method ran: `no`, `maybe`, `yes`.
    pub ran: String,
    /// The error's code.
    pub code: String,
}

// === impl Journal ===

impl Journal {
    /// A journal that is kept in memory alone.
    pub fn in_memory() -> Self {
        Self { file: None, history: Mutex::default() }
    }

    /// Opens a journal, to go on with it.
    ///
    /// # Errors
    /// When the file cannot be opened or read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: Some(file), history: Mutex::new(History::read(path)?) })
    }

    /// What it says now.
    pub fn history(&self) -> History {
        self.lock().clone()
    }

    /// Begins a run of so many clients, and returns the number of its first operation.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn begin(&self, clients: u64) -> u64 {
        // Each client of the run before may have had one operation under way, which nobody has heard of.
        let first = self.lock().highest + clients + 1;
        self.add(Line::Began(first));
        first
    }

    /// Writes a line.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn add(&self, line: Line) {
        let mut history = self.lock();
        if let Some(mut file) = self.file.as_ref() {
            // One system call a line, so that it is there as a whole or not at all.
            let written = file.write_all(format!("{line}\n").as_bytes());
            written.expect("the journal can be written");
        }
        history.add(line);
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl History ===

impl History {
    /// What the journal at `path` says; nothing if it is not there.
    ///
    /// # Errors
    /// When it cannot be read, or has a line that is none.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let mut history = Self::default();
        for line in text.lines() {
            history.add(line.parse().map_err(io::Error::other)?);
        }
        Ok(history)
    }

    /// How many operations were answered.
    pub fn answered(&self) -> usize {
        self.answers.len()
    }

    fn add(&mut self, line: Line) {
        let number = match line {
            Line::Began(number) => number,
            Line::Answered(number, answer) => {
                self.answers.entry(number).or_default().push(answer);
                number
            }
            Line::Failed(number, failure) => {
                self.failures.push((number, failure));
                number
            }
        };
        self.highest = self.highest.max(number);
    }
}

// === impl Line ===

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began(number) => write!(f, "began {number}"),
            Self::Answered(number, Answer::Done(balance)) => {
                write!(f, "answered {number} done {balance}")
            }
            Self::Answered(number, Answer::TooLittle(balance)) => {
                write!(f, "answered {number} too-little {balance}")
            }
            Self::Failed(number, Failure { ran, code }) => {
                write!(f, "failed {number} {ran} {code}")
            }
        }
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |word: &str| word.parse().map_err(|_| format!("no line: {text:?}"));
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            ["began", first] => Ok(Self::Began(number(first)?)),
            ["answered", of, "done", balance] => {
                Ok(Self::Answered(number(of)?, Answer::Done(number(balance)?)))
            }
            ["answered", of, "too-little", balance] => {
                Ok(Self::Answered(number(of)?, Answer::TooLittle(number(balance)?)))
            }
            ["failed", of, ran, code] => {
                let failure = Failure { ran: ran.to_owned(), code: code.to_owned() };
                Ok(Self::Failed(number(of)?, failure))
            }
            _ => Err(format!("no line: {text:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Failure, History, Journal, Line};

    #[test]
    fn a_journal_is_read_as_it_was_written() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.begin(4), 5);
        journal.add(Line::Answered(6, Answer::Done(7)));
        journal.add(Line::Answered(6, Answer::TooLittle(8)));
        let failure = Failure { ran: "maybe".to_owned(), code: "outcome_unknown".to_owned() };
        journal.add(Line::Failed(9, failure.clone()));
        drop(journal);
        let history = History::read(&path).unwrap();
        assert_eq!(history.answers[&6], [Answer::Done(7), Answer::TooLittle(8)]);
        assert_eq!(history.failures, [(9, failure)]);
        assert_eq!(Journal::open(&path).unwrap().begin(4), 14);
        assert_eq!(Journal::open(&path).unwrap().begin(4), 19);
    }
}
