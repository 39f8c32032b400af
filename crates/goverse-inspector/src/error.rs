//! Why an inspector cannot start.

use std::io;

use goverse_core::InvalidAddress;
use thiserror::Error;

/// Why an inspector cannot start, or stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InspectorError {
    /// The configuration names no node.
    #[error(
        "there is no node to show; give the operations address of at least one, such as localhost:9090"
    )]
    NoNodes,
    /// A node is not given as `host:port` or `http://host:port`.
    #[error(
        "{address:?} is no operations address of a node; write host:port, such as localhost:9090"
    )]
    NodeAddress {
        /// What was given.
        address: String,
        /// What is wrong with it.
        source: InvalidAddress,
    },
    /// The same node is given twice.
    #[error("the node {address} is given twice; give each node once")]
    RepeatedNode {
        /// The operations address.
        address: String,
    },
    /// The address to listen on is neither `host:port` nor `:port`.
    #[error(
        "{address:?} is no address to listen on; write --listen-address localhost:8080, or --listen-address :8080 for every interface"
    )]
    ListenAddress {
        /// What was given.
        address: String,
    },
    /// `refresh` or `timeout` is zero.
    #[error("{name} is zero; it must be longer, such as {example}")]
    ZeroDuration {
        /// The field of the configuration.
        name: &'static str,
        /// A value that would be right.
        example: &'static str,
    },
    /// Another program listens there.
    #[error(
        "{address} is in use by another program; stop that program or choose another address, such as --listen-address localhost:8081"
    )]
    AddressInUse {
        /// The address to listen on.
        address: String,
    },
    /// The address cannot be listened on for another reason.
    #[error(
        "cannot listen on {address}; check that it is an address of this machine (--listen-address)"
    )]
    Listen {
        /// The address to listen on.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The HTTP client that asks the nodes cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    /// The server stopped by itself.
    #[error("the HTTP server stopped")]
    Serve(#[source] io::Error),
}
