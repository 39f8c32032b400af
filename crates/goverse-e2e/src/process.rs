//! A program that runs: its output, its signals, its end.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::output::{Output, Stream};
use crate::poll;
use crate::tool::cannot_start;

/// A program that runs in a folder of its own, until it ends or this is dropped.
///
/// What it prints is captured, and shown when the test fails while this exists.
pub struct Process {
    name: String,
    child: Child,
    /// Known once the process is reaped; its id may be another's from then on.
    status: Option<ExitStatus>,
    output: Output,
    readers: Vec<JoinHandle<()>>,
    folder: TempDir,
}

// === impl Process ===

impl Process {
    /// Starts a program, without the settings of GoVerse that the environment of the tests may have.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn start(command: Command) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        Self::try_start(command)
            .unwrap_or_else(|error| panic!("{}", cannot_start(&program, &error)))
    }

    fn try_start(mut command: Command) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let given: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        for (name, _) in std::env::vars_os() {
            let ours = name.to_string_lossy().starts_with("GOVERSE_") || name == "RUST_LOG";
            if ours && !given.contains(&name) {
                command.env_remove(name);
            }
        }
        if command.get_current_dir().is_none() {
            command.current_dir(folder.path());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let output = Output::default();
        let stdout = child.stdout.take().map(|stdout| output.capture(Stream::Stdout, stdout));
        let stderr = child.stderr.take().map(|stderr| output.capture(Stream::Stderr, stderr));
        let readers = stdout.into_iter().chain(stderr).collect();
        let program = Path::new(command.get_program()).file_name().unwrap_or_default();
        let name = format!("{} (process {})", program.to_string_lossy(), child.id());
        Ok(Self { name, child, status: None, output, readers, folder })
    }

    /// The folder that the process runs in, which is removed with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The last lines that it printed to a stream.
    pub fn printed(&self, stream: Stream) -> String {
        self.output.text(stream)
    }

    /// Writes a line to its standard input.
    ///
    /// # Panics
    /// When it does not read.
    #[track_caller]
    pub fn write_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("standard input is never closed");
        if let Err(error) = writeln!(stdin, "{line}").and_then(|()| stdin.flush()) {
            panic!("{} does not read {line:?}: {error}", self.name);
        }
    }

    /// Waits until it has printed a line that the predicate wants, and returns the first such line.
    ///
    /// # Panics
    /// At the deadline, or as soon as the process has ended without such a line.
    #[track_caller]
    pub fn wait_for_line(
        &mut self,
        what: &str,
        predicate: impl Fn(&str) -> bool,
        deadline: Duration,
    ) -> impl Future<Output = String> {
        let name = self.name.clone();
        let what = format!("{name} to print {what}");
        let waiting = poll::until(what, deadline, async move || {
            // Looked at first: once the end is seen, all lines are there.
            let ended = self.try_exit();
            match (self.output.find(&predicate), ended) {
                (Some(line), _) => Ok(Ok(line)),
                (None, Some(status)) => Ok(Err(status)),
                (None, None) => Err("no such line".to_owned()),
            }
        });
        let caller = std::panic::Location::caller();
        async move {
            waiting.await.unwrap_or_else(|status| {
                panic!("{name} ended ({status}) before it printed what was waited for at {caller}")
            })
        }
    }

    /// Its exit status, if it has ended.
    pub fn try_exit(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("a child can be waited for");
            if self.status.is_some() {
                for reader in self.readers.drain(..) {
                    let _ = reader.join();
                }
            }
        }
        self.status
    }

    /// Waits until it has ended. From then on its output is complete.
    ///
    /// # Panics
    /// At the deadline.
    #[track_caller]
    pub fn wait_exit(&mut self, deadline: Duration) -> impl Future<Output = ExitStatus> {
        let what = format!("the end of {}", self.name);
        poll::until(what, deadline, async move || {
            self.try_exit().ok_or_else(|| "it still runs".to_owned())
        })
    }

    /// Asks it to stop: SIGTERM.
    pub fn terminate(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Does what Ctrl-C does: SIGINT.
    pub fn interrupt(&mut self) {
        self.signal(Signal::INT);
    }

    /// Ends it at once: SIGKILL.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
    }

    /// Lets it stand still, with all its threads: SIGSTOP.
    pub fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on: SIGCONT.
    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    fn signal(&mut self, signal: Signal) {
        assert!(self.try_exit().is_none(), "{} has ended already", self.name);
        kill_process(Pid::from_child(&self.child), signal).expect("a child can be signalled");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.try_exit().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("{} printed:\n{}", self.name, self.output.transcript());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use super::Process;
    use crate::Stream;
    use crate::poll::SOON;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start(command)
    }

    /// The state of a process as Linux has it, such as `T` for one that is stopped.
    fn state(id: u32) -> Option<char> {
        let line = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        line.rsplit(") ").next()?.chars().next()
    }

    #[tokio::test]
    async fn lines_are_captured_and_the_end_is_seen() {
        let mut process = shell("echo one; echo two >&2; read line; echo got $line; exit 3");
        process.wait_for_line("two", |line| line == "two", SOON).await;
        process.write_line("three");
        assert_eq!(process.wait_exit(SOON).await.code(), Some(3));
        assert_eq!(process.printed(Stream::Stdout), "one\ngot three\n");
        assert_eq!(process.printed(Stream::Stderr), "two\n");
    }

    #[tokio::test]
    #[should_panic(expected = "ended (exit status: 1) before it printed what was waited for at")]
    async fn an_early_end_is_not_waited_for() {
        let long = Duration::from_secs(3_600);
        shell("exit 1").wait_for_line("anything", |_| true, long).await;
    }

    #[tokio::test]
    async fn signals_reach_it() {
        let mut process =
            shell("trap 'echo stopping; exit 7' TERM; echo ready; while :; do :; done");
        process.wait_for_line("ready", |line| line == "ready", SOON).await;
        process.pause();
        crate::poll::until("it to stand still", SOON, async || {
            let state = state(process.child.id());
            crate::poll::expect(state == Some('T'), state)
        })
        .await;
        process.resume();
        process.terminate();
        assert_eq!(process.wait_exit(SOON).await.code(), Some(7));
        assert_eq!(process.printed(Stream::Stdout), "ready\nstopping\n");
    }

    #[test]
    fn nothing_is_left_of_it() {
        let mut process = shell("sleep 1000");
        process.pause();
        let (id, folder) = (process.child.id(), process.folder().to_owned());
        assert!(folder.is_dir());
        drop(process);
        assert_eq!(state(id), None);
        assert!(!Path::new(&folder).exists());
    }
}
