//! The inspector beside small stand-ins for nodes, over real sockets.

mod fake_node;
mod harness;
mod http;
mod nodes_that_fail;
