//! An address to listen at: `host:port`, or `:port` for every interface.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use goverse_core::NodeAddress;
use serde::Serialize;
use thiserror::Error;
use tokio::net::TcpListener;

/// Where to listen: `host:port`, or `:port` for every interface. Port 0 means any free one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct ListenAddress {
    /// `None`: every interface.
    host: Option<String>,
    port: u16,
}

/// Why a text is no address to listen at.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidListenAddress {
    /// No port, or not a number up to 65535.
    #[error(
        "it has no port from 0 to 65535; write host:port such as localhost:9090, or :9090 for every interface"
    )]
    Port,
    /// A host that is neither a DNS name nor an IP address.
    #[error("{0}")]
    Host(String),
}

// === impl ListenAddress ===

impl ListenAddress {
    /// What a node that listens here is known as by default, or what is missing to know it.
    pub(super) fn advertised(&self) -> Result<NodeAddress, String> {
        let unknown = || {
            format!(
                "this does not say how other nodes reach this one; set advertise_address too, such as \"10.0.0.5:{}\"",
                if self.port == 0 { 47_000 } else { self.port }
            )
        };
        let host = self.host.as_ref().filter(|_| self.port != 0).ok_or_else(unknown)?;
        format!("{host}:{}", self.port).parse().map_err(|_| unknown())
    }

    /// Listens here.
    ///
    /// # Errors
    /// When the name does not resolve, or the address is taken or not this machine's.
    pub async fn bind(&self) -> io::Result<TcpListener> {
        let Some(host) = &self.host else {
            let every: SocketAddr = (Ipv6Addr::UNSPECIFIED, self.port).into();
            return match TcpListener::bind(every).await {
                // A machine without IPv6.
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                    TcpListener::bind((Ipv4Addr::UNSPECIFIED, self.port)).await
                }
                bound => bound,
            };
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let resolved: Vec<SocketAddr> = tokio::net::lookup_host((host, self.port)).await?.collect();
        // One address only: were it taken, listening at the next would hide that.
        let first = resolved.iter().find(|address| address.is_ipv4()).or(resolved.first());
        let address = first.ok_or_else(|| io::Error::other("the name has no address"))?;
        TcpListener::bind(address).await
    }
}

impl From<&NodeAddress> for ListenAddress {
    fn from(address: &NodeAddress) -> Self {
        address.as_str().parse().expect("a node's address has a host and a port")
    }
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, InvalidListenAddress> {
        let (host, port) = text.rsplit_once(':').ok_or(InvalidListenAddress::Port)?;
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits).ok_or(InvalidListenAddress::Port)?;
        if host.is_empty() {
            return Ok(Self { host: None, port });
        }
        let checked: Result<NodeAddress, _> = format!("{host}:1").parse();
        checked.map_err(|_| {
            InvalidListenAddress::Host(format!(
                "{host:?} is no host name or IP address; write host:port such as localhost:9090 or [::1]:9090, or :9090 for every interface"
            ))
        })?;
        Ok(Self { host: Some(host.to_owned()), port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host.as_deref().unwrap_or_default(), self.port)
    }
}

impl From<ListenAddress> for String {
    fn from(address: ListenAddress) -> Self {
        address.to_string()
    }
}
