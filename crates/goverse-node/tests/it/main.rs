//! What a node promises: turns, chains, deadlines, typed errors, hooks, listing, shutdown, timers, and exact counts
//! through all of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod activation_races;
mod actor;
mod brief_turns;
mod bytes_calls;
mod cancelled;
mod chains;
mod compile_errors;
mod deadlines;
mod errors;
mod fixture;
mod idle;
mod interface_macro;
mod limits;
mod listing;
mod log_lines;
mod node_end;
mod object_macro;
mod panics;
mod scripted;
mod shutdown;
mod stage;
mod stress;
mod timers;
mod turns;
mod wishes;
mod without_hooks;
mod world;
mod yields;
