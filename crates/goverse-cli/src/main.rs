//! The `goverse` command: a demo cluster, a node, the inspector, what a store holds, and the catalogue of metrics.

mod command_line;
mod config_check;
mod demo;
mod failure;
mod inspector;
mod metrics;
mod objects;
mod output;
mod serve;

use clap::Parser;

use command_line::{Command, CommandLine, ConfigCommand};

#[tokio::main]
async fn main() {
    let result = match CommandLine::parse().command {
        Command::Demo(args) => demo::run(args).await,
        Command::Serve(args) => serve::run(&args).await,
        Command::Inspector(args) => inspector::run(args).await,
        Command::Objects(command) => objects::run(command).await,
        Command::Config(ConfigCommand::Check { file }) => config_check::run(file),
        Command::Metrics(args) => metrics::run(&args),
    };
    failure::exit_with(result)
}
