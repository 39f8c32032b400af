//! What a node promises: typed errors, hooks, listing, shutdown, and an exact gauge through all of it.

mod errors;
mod fixture;
mod listing;
mod shutdown;
