//! Listening at an address, and what to say when that fails.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use goverse_core::ListenAddress;
use tokio::net::{TcpListener, lookup_host};

/// Listens at `address`.
///
/// # Errors
/// When the name does not resolve, or the address is taken or not this machine's.
pub async fn listen(address: &ListenAddress) -> io::Result<TcpListener> {
    let Some(host) = address.host() else { return listen_everywhere(address.port()).await };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let resolved: Vec<SocketAddr> = lookup_host((host, address.port())).await?.collect();
    // One address only: were it taken, listening at the next would hide that.
    let first = resolved.iter().find(|address| address.is_ipv4()).or(resolved.first());
    TcpListener::bind(first.ok_or_else(|| io::Error::other("the name has no address"))?).await
}

/// The IPv6 wildcard takes IPv4 connections too; a machine without IPv6 has the other one.
async fn listen_everywhere(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        bound => bound,
    }
}

/// What is wrong when an address cannot be listened at, and what would be right.
pub fn explain(error: &io::Error) -> String {
    let (problem, right) = match error.kind() {
        io::ErrorKind::AddrInUse => {
            ("the port is in use by another program", "stop that program, or choose another port")
        }
        io::ErrorKind::AddrNotAvailable => (
            "this machine has no such address",
            "use one of its own, localhost, or :port for every interface",
        ),
        io::ErrorKind::PermissionDenied => {
            ("it is not permitted", "ports below 1024 need a privilege, so choose a higher one")
        }
        // Names that do not resolve have no kind of their own.
        _ => {
            let right = "write an address of this machine such as localhost:9090, or :9090 for every interface";
            return format!("cannot listen there ({error}); {right}");
        }
    };
    format!("{problem}; {right}")
}
