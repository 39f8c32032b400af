//! GoVerse as its users have it: processes, a real Prometheus, and the configuration that we ship.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by a panic")]

mod alerts;
mod bad_input;
mod cluster;
mod configuration;
mod dashboard;
mod demo;
mod discovery;
mod getting_started;
mod names;
mod page;
mod promql;
mod rules;
mod scraping;
mod shutdown;
mod steady;
mod stores;
mod wallets;
