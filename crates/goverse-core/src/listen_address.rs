//! An address to listen at: `host:port`, or `:port` for every interface.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

use crate::NodeAddress;

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
    /// The host to listen at; `None` for every interface. An IPv6 address stands in brackets.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The port to listen at; 0 for any free one.
    pub fn port(&self) -> u16 {
        self.port
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

#[cfg(test)]
mod tests {
    use super::ListenAddress;

    #[test]
    fn listen_addresses() {
        let check = |text: &str, expected: Result<(Option<&str>, u16), &str>| {
            let parsed = text.parse::<ListenAddress>();
            let parsed = parsed.as_ref().map(|address| (address.host(), address.port()));
            match expected {
                Ok(expected) => assert_eq!(parsed, Ok(expected), "{text:?}"),
                Err(part) => {
                    let message = parsed.expect_err(text).to_string();
                    assert!(message.contains(part), "{text:?}: {message}");
                }
            }
        };
        check("localhost:9090", Ok((Some("localhost"), 9090)));
        check(":9090", Ok((None, 9090)));
        check("127.0.0.1:0", Ok((Some("127.0.0.1"), 0)));
        check("[::1]:9090", Ok((Some("[::1]"), 9090)));
        check("9090", Err("no port"));
        check("localhost:", Err("no port"));
        check("localhost:+1", Err("no port"));
        check("localhost:65536", Err("no port"));
        check("a b:1", Err("no host name"));
        check("http://localhost:1", Err("no host name"));
    }
}
