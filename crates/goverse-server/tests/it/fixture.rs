//! Servers on free ports, HTTP by hand, and a strict reading of a page.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use goverse_node::{Ctx, Method, MethodEntry, Never, NoArguments, Object};
use goverse_server::{ConnectionLimits, OperationsLimits, Server, ServerBuilder, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A type without hooks, and with one method.
#[derive(Default)]
pub(crate) struct Plain;

/// The method of [`Plain`], which does nothing.
pub(crate) struct Touch;

impl Object for Plain {
    const TYPE: &'static str = "Plain";
    const METHODS: &'static [MethodEntry<Self>] = &[MethodEntry::of::<Touch>()];
}

impl Method for Touch {
    type Object = Plain;
    type Arguments = NoArguments;
    type Output = ();
    type Error = Never;
    const NAME: &'static str = "touch";
    const PLAIN: bool = true;

    fn from_arguments(_: NoArguments) -> Self {
        Self
    }

    fn into_arguments(self) -> NoArguments {
        NoArguments
    }

    async fn run_exclusive(self, _: &mut Plain, _: &Ctx) -> Result<(), Never> {
        Ok(())
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A configuration with an address that no other test has, and an operations port that is free.
pub(crate) fn config() -> ServerConfig {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let address = format!("test:{}", NEXT.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
    let mut config = ServerConfig::new(address);
    config.metrics_listen_address = Some("127.0.0.1:0".parse().unwrap());
    config
}

/// A server with the type [`Plain`].
pub(crate) fn server() -> ServerBuilder {
    Server::builder(config()).object::<Plain>()
}

/// Limits short enough for a test to meet them.
pub(crate) fn short_limits() -> OperationsLimits {
    let time = Duration::from_millis(200);
    let limits = ConnectionLimits { head_timeout: time, write_timeout: time, ..Default::default() };
    OperationsLimits { connections: limits, ..Default::default() }
}

/// The operations port.
pub(crate) fn port(server: &Server) -> SocketAddr {
    server.operations_address().expect("the configuration has one")
}

/// Sends `request` as it is, and reads until the server closes or `Content-Length` is met.
pub(crate) async fn send(port: SocketAddr, request: &str) -> Response {
    let mut stream = TcpStream::connect(port).await.unwrap();
    // A server that has refused already may have closed.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    read.expect("an answer within 20 s").unwrap_or_default();
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(head);
    let head = String::from_utf8(head.to_vec()).unwrap();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Response { status, head, body: body.get(4..).unwrap_or_default().to_vec() }
}

/// `GET` on a connection of its own.
pub(crate) async fn get(port: SocketAddr, path: &str) -> Response {
    send(port, &format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")).await
}

/// The text of `/metrics`.
pub(crate) async fn page(server: &Server) -> String {
    let response = get(port(server), "/metrics").await;
    assert_eq!(response.status, 200, "{response:?}");
    response.text()
}

impl Response {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
