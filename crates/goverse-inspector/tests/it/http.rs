//! What the inspector answers to whom, and how it starts and ends.

use std::error::Error;

use expect_test::{Expect, expect};
use goverse_inspector::{Inspector, InspectorConfig};
use reqwest::Method;
use tokio::net::TcpStream;

use crate::fake_node::FakeNode;
use crate::harness::{Running, config};

#[tokio::test]
async fn all_nodes_are_one_exposition() {
    let (first, second) =
        (FakeNode::healthy("n1:47000", 2).await, FakeNode::healthy("n2:47000", 3).await);
    let inspector = Running::start(config(&[&first, &second])).await;
    inspector.ready_node(0).await;
    inspector.ready_node(1).await;
    let answer = inspector.get("/metrics").await;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    expect![[r##"
        # HELP goverse_objects_total Total number of distributed objects in the cluster
        # TYPE goverse_objects_total gauge
        goverse_objects_total{node="n1:47000",type="ChatRoom"} 2
        goverse_objects_total{node="n2:47000",type="ChatRoom"} 3
        # HELP goverse_build_info Always 1; the labels say which build of GoVerse is running
        # TYPE goverse_build_info gauge
        goverse_build_info{node="n1:47000",version="0.1.0"} 1
        goverse_build_info{node="n2:47000",version="0.1.0"} 1
    "##]]
    .assert_eq(&answer.text().await.unwrap());
}

#[tokio::test]
async fn the_page_shows_the_nodes() {
    let node = FakeNode::healthy("n1:47000", 2).await;
    let inspector = Running::start(config(&[&node])).await;
    inspector.ready_node(0).await;
    let answer = inspector.get("/").await;
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let page = answer.text().await.unwrap();
    assert!(page.contains("n1:47000") && page.contains("ChatRoom"), "{page}");
}

#[tokio::test]
async fn paths_and_methods() {
    let node = FakeNode::healthy("n1:47000", 2).await;
    let inspector = Running::start(config(&[&node])).await;
    let mut shown = String::new();
    let requests = [
        (Method::GET, "/livez"),
        (Method::GET, "/readyz"),
        (Method::HEAD, "/metrics"),
        (Method::GET, "/sd"),
        (Method::POST, "/metrics"),
        (Method::DELETE, "/"),
        (Method::GET, "/objects"),
        (Method::POST, "/objects"),
    ];
    for (method, path) in requests {
        let url = format!("{}{path}", inspector.url);
        let answer = inspector.client.request(method.clone(), url).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers());
        let (kind, allow) = (headers.get("content-type"), headers.get("allow"));
        shown += &format!("{method} {path}: {status}, {kind:?}, allow {allow:?}\n");
    }
    shown += &inspector.text("/nothing").await;
    expect![[r#"
        GET /livez: 200 OK, Some("text/plain; charset=utf-8"), allow None
        GET /readyz: 200 OK, Some("text/plain; charset=utf-8"), allow None
        HEAD /metrics: 200 OK, Some("text/plain; version=0.0.4; charset=utf-8"), allow None
        GET /sd: 200 OK, Some("application/json"), allow None
        POST /metrics: 405 Method Not Allowed, Some("text/plain; charset=utf-8"), allow Some("GET,HEAD")
        DELETE /: 405 Method Not Allowed, Some("text/plain; charset=utf-8"), allow Some("GET,HEAD")
        GET /objects: 404 Not Found, Some("text/plain; charset=utf-8"), allow None
        POST /objects: 404 Not Found, Some("text/plain; charset=utf-8"), allow None
        there is nothing here; try one of
          /           the page
          /metrics    the metrics of all nodes, for Prometheus
          /sd         the nodes, for Prometheus' HTTP service discovery
          /api/nodes  what the page shows, as JSON
          /livez      200 while the inspector runs
          /readyz     200 while the inspector runs
    "#]].assert_eq(&shown);
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let node = FakeNode::healthy("n1:47000", 2).await;
    let inspector = Running::start(config(&[&node])).await;
    let address = inspector.url.trim_start_matches("http://").to_owned();
    let _says_nothing = TcpStream::connect(&address).await.unwrap();
    assert_eq!(inspector.text("/livez").await, "alive\n");
    inspector.stop().await;
    assert!(TcpStream::connect(&address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn a_second_inspector_on_the_same_port_is_told_so() {
    let node = FakeNode::healthy("n1:47000", 2).await;
    let first = Inspector::bind(config(&[&node])).await.unwrap();
    let port = first.local_addr().port();
    let occupied =
        |host| InspectorConfig { listen_address: format!("{host}:{port}"), ..config(&[&node]) };
    check_bind_error(port, occupied("localhost"), expect![[r#""localhost:PORT": the port is in use by another program; stop that program, or choose another port"#]]).await;
    check_bind_error(port, occupied(""), expect![[r#"":PORT": the port is in use by another program; stop that program, or choose another port"#]]).await;
    check_bind_error(port, occupied("192.0.2.1"), expect![[r#""192.0.2.1:PORT": this machine has no such address; use one of its own, localhost, or :port for every interface"#]]).await;
}

async fn check_bind_error(port: u16, config: InspectorConfig, expected: Expect) {
    let error = Inspector::bind(config).await.unwrap_err();
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    expected.assert_eq(&format!("{error}{source}").replace(&port.to_string(), "PORT"));
}

#[tokio::test]
async fn every_interface_is_ipv4_too() {
    let node = FakeNode::healthy("n1:47000", 2).await;
    let everywhere = InspectorConfig { listen_address: ":0".to_owned(), ..config(&[&node]) };
    let inspector = Inspector::bind(everywhere).await.unwrap();
    let port = inspector.local_addr().port();
    TcpStream::connect(("127.0.0.1", port)).await.unwrap();
}
