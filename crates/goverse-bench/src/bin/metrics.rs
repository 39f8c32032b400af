//! What metrics cost, beside the bare exporter and prometheus-client.

use clap::Parser;
use goverse_bench::arguments::Arguments;
use goverse_bench::metrics::{self, memory};

/// What metrics cost, beside the bare exporter and prometheus-client
#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,
    /// The bench runs itself with this, to see memory grow from nothing
    #[arg(long = memory::CHILD_OPTION, value_enum, hide = true)]
    child: Option<memory::Contender>,
}

fn main() {
    let command_line = CommandLine::parse();
    match command_line.child {
        Some(contender) => memory::child(contender),
        None => metrics::run(&command_line.arguments),
    }
}
