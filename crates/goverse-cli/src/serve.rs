//! `goverse serve`: one node with the types of the samples.

use crate::command_line::ServeArgs;
use crate::failure::Failure;

pub(crate) async fn run(args: &ServeArgs) -> Result<(), Failure> {
    Ok(goverse_samples::register(goverse::app()).run_with(&args.config).await?)
}
