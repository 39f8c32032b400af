//! Benches of GoVerse beside its peers; not in the default members, because the peers are heavy.
//!
//! A bench is a small binary under `src/bin` over a module of this library. What all of them share:
//! [`arguments`] is their command line, [`measure`] takes times, ours and the peer's in turn, [`process`]
//! weighs memory, and [`report`] prints a figure as a row of a table or as a line of JSON.

pub mod arguments;
pub mod engine;
pub mod measure;
pub mod metrics;
pub mod process;
pub mod report;
pub mod store;
