//! What a node promises: typed errors, hooks, listing, shutdown, and an exact gauge through all of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod errors;
mod fixture;
mod listing;
mod shutdown;
