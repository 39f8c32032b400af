//! The inspector beside small stand-ins for nodes, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by a panic")]

mod fake_node;
mod harness;
mod http;
mod nodes_that_fail;
