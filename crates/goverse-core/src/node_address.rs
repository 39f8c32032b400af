//! The address that a node is known by, and is reached at.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

/// The longest address, in bytes: a DNS name and a port.
const BYTES_MAX: usize = 260;

/// `host:port`, with both parts present: what other nodes dial and what the label `node` shows.
///
/// The host is kept in lower case and the port without leading zeros, so that one address has one form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct NodeAddress(Arc<str>);

/// Why a text is no address of a node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidAddress {
    /// No `:port`, or not a number from 1 to 65535.
    #[error("{0:?} has no port; write host:port, such as localhost:47000")]
    Port(String),
    /// Nothing before the port.
    #[error("{0:?} has no host; write host:port, such as localhost:47000")]
    NoHost(String),
    /// A host that is neither a DNS name nor an IP address.
    #[error(
        "{0:?} is no host name or IP address with a port; write host:port, such as localhost:47000 or [::1]:47000"
    )]
    Host(String),
}

// === impl NodeAddress ===

impl NodeAddress {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let shown = || text.chars().take(64).collect::<String>();
        let (host, port) = text.rsplit_once(':').ok_or_else(|| InvalidAddress::Port(shown()))?;
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port: u16 = port
            .parse()
            .ok()
            .filter(|port| digits && *port > 0)
            .ok_or_else(|| InvalidAddress::Port(shown()))?;
        if host.is_empty() {
            return Err(InvalidAddress::NoHost(shown()));
        }
        if text.len() > BYTES_MAX || !is_host(host) {
            return Err(InvalidAddress::Host(shown()));
        }
        Ok(Self(format!("{}:{port}", host.to_ascii_lowercase()).into()))
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::NodeAddress;

    fn check(text: &str, expected: Result<(), &str>) {
        let result = text.parse::<NodeAddress>().map(drop).map_err(|error| error.to_string());
        match expected {
            Ok(()) => assert_eq!(result, Ok(()), "{text:?}"),
            Err(part) => {
                let message = result.expect_err(text);
                assert!(message.contains(part), "{text:?}: {message}");
            }
        }
    }

    #[test]
    fn addresses() {
        check("localhost:47000", Ok(()));
        check("10.0.0.5:1", Ok(()));
        check("node-1.chat.svc.cluster.local:47000", Ok(()));
        check("[::1]:47000", Ok(()));
        let canonical: NodeAddress = "LocalHost:047000".parse().unwrap();
        assert_eq!(canonical.as_str(), "localhost:47000");
        check("localhost", Err("has no port"));
        check("localhost:", Err("has no port"));
        check("localhost:0", Err("has no port"));
        check("localhost:+80", Err("has no port"));
        check("localhost:65536", Err("has no port"));
        check(":47000", Err("has no host"));
        check("::1:47000", Err("is no host name"));
        check("a b:1", Err("is no host name"));
        check("http://a:1", Err("is no host name"));
        check("a..b:1", Err("is no host name"));
    }
}
