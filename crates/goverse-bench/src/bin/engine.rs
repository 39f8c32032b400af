//! The object engine beside ractor, kameo, actix, xtra, and a mailbox written by hand.

use clap::Parser;
use goverse_bench::arguments::Arguments;
use goverse_bench::engine::{self, idle_memory};

/// The object engine beside ractor, kameo, actix, xtra, and a mailbox written by hand
///
/// A figure whose name ends in a peer's, such as many_objects/ractor, is that peer's own, in the column of
/// ours, beside the mailbox's.
#[derive(Parser)]
#[command(mut_arg("runs", |runs| runs.default_value("5")))]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,
    /// Weigh a million idle objects of ours instead of a hundred thousand
    #[arg(long)]
    million: bool,
    /// The bench runs itself with this, to see memory grow from nothing
    #[arg(long = idle_memory::CHILD_OPTION, value_name = "NAME:OBJECTS", hide = true)]
    child: Option<idle_memory::Child>,
}

fn main() {
    let command_line = CommandLine::parse();
    match command_line.child {
        Some(child) => idle_memory::child(&child),
        None => engine::run(&command_line.arguments, command_line.million),
    }
}
