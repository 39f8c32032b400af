//! Prometheus' own checker.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::tool::cannot_start;

/// Runs `promtool` with `input` on its standard input.
///
/// # Panics
/// When there is no `promtool`.
pub fn run(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{}", cannot_start("promtool", &error)));
    let stdin = child.stdin.take();
    // It reads all of its input before it says anything, and it may end without reading.
    let _ = stdin.expect("it is piped").write_all(input.as_bytes());
    child.wait_with_output().expect("a child can be waited for")
}
