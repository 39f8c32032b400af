//! What a program has printed: its last lines, kept in memory.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// How many lines are kept; older ones are forgotten.
const LINES_MAX: usize = 5_000;

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The captured lines. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Output {
    lines: Arc<Mutex<Lines>>,
}

#[derive(Default)]
struct Lines {
    kept: VecDeque<(Stream, String)>,
    forgotten: usize,
}

// === impl Output ===

impl Output {
    /// Captures what comes from `source`, on a thread of its own that ends with it.
    pub(crate) fn capture(
        &self,
        stream: Stream,
        source: impl Read + Send + 'static,
    ) -> JoinHandle<()> {
        let output = self.clone();
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                output.push(stream, String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
                line.clear();
            }
        })
    }

    /// The first of the kept lines that the predicate wants.
    pub(crate) fn find(&self, predicate: impl Fn(&str) -> bool) -> Option<String> {
        let lines = self.lock();
        lines.kept.iter().map(|(_, line)| line).find(|line| predicate(line)).cloned()
    }

    /// The kept lines of one stream.
    pub(crate) fn text(&self, wanted: Stream) -> String {
        let lines = self.lock();
        let wanted = lines.kept.iter().filter(|(stream, _)| *stream == wanted);
        wanted.map(|(_, line)| line.clone() + "\n").collect()
    }

    /// All kept lines, for a person.
    pub(crate) fn transcript(&self) -> String {
        let lines = self.lock();
        let forgotten = match lines.forgotten {
            0 => String::new(),
            count => format!("  … {count} lines before\n"),
        };
        let kept = lines.kept.iter().map(|(stream, line)| match stream {
            Stream::Stdout => format!("  out| {line}\n"),
            Stream::Stderr => format!("  err| {line}\n"),
        });
        [forgotten].into_iter().chain(kept).collect()
    }

    fn push(&self, stream: Stream, line: String) {
        let mut lines = self.lock();
        if lines.kept.len() == LINES_MAX {
            lines.kept.pop_front();
            lines.forgotten += 1;
        }
        lines.kept.push_back((stream, line));
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES_MAX, Output, Stream};

    #[test]
    fn the_last_lines_are_kept() {
        let output = Output::default();
        let text: String = (0..LINES_MAX + 2).map(|number| format!("line {number}\n")).collect();
        output.capture(Stream::Stdout, std::io::Cursor::new(text)).join().unwrap();
        output.capture(Stream::Stderr, &b"\xff no newline"[..]).join().unwrap();
        assert_eq!(output.text(Stream::Stderr), "\u{fffd} no newline\n");
        assert!(output.transcript().starts_with("  … 3 lines before\n  out| line 3\n"));
        assert_eq!(output.find(|line| line.ends_with("17")), Some("line 17".to_owned()));
        assert_eq!(output.find(|line| line == "line 2"), None);
    }
}
