//! What every store has to do, and what each does on its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod conformance;
mod memory;
mod objects;
mod postgres;
mod sqlite;
