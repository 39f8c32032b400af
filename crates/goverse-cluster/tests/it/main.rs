//! What every coordinator promises, and what each promises beside it.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by a panic")]

mod conformance;
mod driver;
mod embedded;
mod etcd;
mod node;
mod readings;
mod steps;
