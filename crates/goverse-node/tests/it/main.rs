//! What a node promises: typed errors, hooks, listing, shutdown, and an exact gauge through all of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod compile_errors;
mod errors;
mod fixture;
mod interface_macro;
mod listing;
mod object_macro;
mod shutdown;
