//! A TCP proxy of ours between a program and a server: connections can be cut, refused, or left without an answer.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Carries every byte.
    Flows,
    /// Keeps connections, and carries nothing: both sides wait.
    Stalls,
    /// Carries what the program sends, and keeps the answers back.
    AnswersStall,
    /// Closes connections that there are, and each new one.
    Cut,
}

/// A proxy that listens on a port of this machine, until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    traffic: watch::Sender<Traffic>,
    /// Ended with the proxy.
    _tasks: JoinSet<()>,
}

// === impl Proxy ===

impl Proxy {
    /// A proxy in front of a server.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let traffic = watch::Sender::new(Traffic::Flows);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server, traffic.subscribe()));
        Self { address, traffic, _tasks: tasks }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Does this with all connections from now on.
    pub fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, traffic: watch::Receiver<Traffic>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if *traffic.borrow() != Traffic::Cut {
            connections.spawn(carry(client, server, traffic.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(client: TcpStream, server: SocketAddr, traffic: watch::Receiver<Traffic>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = traffic.clone();
    let requests = pump(from_client, to_server, traffic.clone(), |traffic| {
        matches!(traffic, Traffic::Flows | Traffic::AnswersStall)
    });
    let answers = pump(from_server, to_client, traffic, |traffic| traffic == Traffic::Flows);
    tokio::select! {
        () = async { let _ = tokio::join!(requests, answers); } => {}
        _ = cut.wait_for(|traffic| *traffic == Traffic::Cut) => {}
    }
}

/// Carries one direction while it may.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut traffic: watch::Receiver<Traffic>,
    flows: impl Fn(Traffic) -> bool,
) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = match from.read(&mut buffer).await {
            Ok(length) if length > 0 => length,
            _ => break,
        };
        if traffic.wait_for(|traffic| flows(*traffic)).await.is_err() {
            break;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn what_flows_comes_back_and_what_is_cut_ends() {
        let proxy = Proxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(b"one").await.unwrap();
        let mut answer = [0; 3];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"one");
        proxy.set(Traffic::AnswersStall);
        stream.write_all(b"two").await.unwrap();
        proxy.set(Traffic::Flows);
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"two");
        proxy.set(Traffic::Cut);
        assert!(matches!(stream.read(&mut answer).await, Ok(0) | Err(_)));
    }
}
