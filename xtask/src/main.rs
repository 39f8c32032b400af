//! The tasks of this repository: `cargo xtask --help` lists them.

mod bench;
mod ci;
mod dashboard;
mod demo;
mod docs;
mod failure;
mod model;
mod process;
mod promtool;
mod protoc;
mod sim;
mod soak;
mod task;
mod test;
mod tidy;
mod tool;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match task::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
