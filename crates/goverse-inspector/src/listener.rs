//! Opening the port that the inspector serves.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use goverse_core::ListenAddress;
use tokio::net::{TcpListener, lookup_host};

use crate::InspectorError;

/// Opens the port, or says why it cannot be.
pub(crate) async fn open(address: &ListenAddress) -> Result<TcpListener, InspectorError> {
    let opened = match address.host() {
        None => open_every_interface(address.port()).await,
        Some(_) => open_named(&address.to_string()).await,
    };
    opened.map_err(|source| {
        let address = address.to_string();
        match source.kind() {
            io::ErrorKind::AddrInUse => InspectorError::AddressInUse { address },
            _ => InspectorError::Listen { address, source },
        }
    })
}

/// The IPv6 wildcard takes IPv4 connections too; where there is no IPv6, the IPv4 wildcard serves.
async fn open_every_interface(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Err(error) if is_worth_ipv4(&error) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        opened => opened,
    }
}

fn is_worth_ipv4(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

async fn open_named(name: &str) -> io::Result<TcpListener> {
    let addresses: Vec<SocketAddr> = lookup_host(name).await?.collect();
    let address = choose(&addresses).ok_or_else(|| io::Error::other("the name has no address"))?;
    TcpListener::bind(address).await
}

/// One address alone, of IPv4 if there is one: had `localhost` two, a second inspector would silently
/// take the other one.
fn choose(addresses: &[SocketAddr]) -> Option<&SocketAddr> {
    addresses.iter().find(|address| address.is_ipv4()).or(addresses.first())
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn of_several_addresses_ipv4_is_chosen() {
        let [v6, v4] = ["[::1]:8080", "127.0.0.1:8080"].map(|text| text.parse().unwrap());
        assert_eq!(choose(&[v6, v4]), Some(&v4));
        assert_eq!(choose(&[v6]), Some(&v6));
        assert_eq!(choose(&[]), None);
    }
}
