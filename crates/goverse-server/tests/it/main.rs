//! What a server promises, with its real recorder and its operations port.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod application_metrics;
mod calls;
mod cardinality;
mod config;
mod exactness;
mod families;
mod fixture;
mod operations_port;
mod runtime;
mod scrape;
mod starting;
mod worker;
