//! Why an inspector cannot start.

use std::io;

use goverse_core::InvalidAddress;
use thiserror::Error;

/// Why an inspector cannot start.
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
        "{address:?} is no address to listen on; write host:port such as localhost:8080, or :8080 for every interface"
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
    /// The address cannot be listened on.
    #[error("{address:?}: {}", goverse_http::explain(error))]
    Listen {
        /// The address to listen on.
        address: String,
        /// Why; the message tells of it.
        error: io::Error,
    },
    /// The HTTP client that asks the nodes cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}
