//! Durable calls beside a bare loop of the same committed upserts on the same database.

use clap::Parser;
use goverse_bench::arguments::Arguments;
use goverse_bench::store;

/// Durable calls beside a bare loop of the same committed upserts on the same database
///
/// The bare loop is one caller who waits for each commit, also beside many callers of ours. PostgreSQL is one of the
/// bench's own, with the settings that Debian gives it.
#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,
}

fn main() {
    store::run(&CommandLine::parse().arguments);
}
