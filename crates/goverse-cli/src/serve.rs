//! `goverse serve`: one node with the types of the samples.

use goverse_samples::chat;

use crate::command_line::ServeArgs;
use crate::failure::Failure;

pub(crate) async fn run(args: &ServeArgs) -> Result<(), Failure> {
    Ok(chat::register(goverse::app()).run_with(&args.config).await?)
}
