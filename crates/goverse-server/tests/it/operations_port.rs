//! The operations port answers what it should, refuses what it should, and outlives its clients.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use goverse_server::{OperationsLimits, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::fixture::{Plain, Response, Touch, config, get, page, port, send, server, short_limits};
use crate::scrape::Scrape;

#[tokio::test]
async fn pages_and_what_is_no_page() {
    let server = server().start().await.unwrap();
    let check = async |request: &str, status: u16, body: &str| {
        let request = format!("{request} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        let response = send(port(&server), &request).await;
        assert_eq!(response.status, status, "{request}: {response:?}");
        assert!(response.text().contains(body), "{request}: {}", response.text());
    };
    check("GET /livez", 200, "alive").await;
    check("GET /readyz", 200, "ready").await;
    check("GET /", 200, "href=\"/metrics\"").await;
    check("GET /metrics", 200, "goverse_objects_total").await;
    check("GET /metrics?name[]=up", 200, "goverse_objects_total").await;
    check("HEAD /metrics", 200, "").await;
    check("GET /", 200, "href=\"/debug/hot\"").await;
    check("GET /debug/hot", 200, "by_calls").await;
    check("POST /debug/hot", 405, "").await;
    check("GET /nope", 404, "/metrics /livez /readyz /objects /debug/hot").await;
    check("GET /metrics/", 404, "no such page").await;
    check("POST /metrics", 405, "").await;
    check("DELETE /objects", 405, "").await;
    check("PUT /", 405, "").await;
    check("GET /objects?limit=ten", 400, "limit").await;
    check("GET /objects?limit=10001", 400, "at most 10000").await;
    check("GET /objects?order=age", 400, "order").await;
    check("GET /objects?after=nowhere", 400, "next").await;
}

#[tokio::test]
async fn the_page_says_its_format_and_is_compressed_when_asked() {
    let server = server().start().await.unwrap();
    let plain = get(port(&server), "/metrics").await;
    assert!(
        plain.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{}",
        plain.head
    );
    assert!(!plain.head.contains("content-encoding"), "{}", plain.head);
    let request =
        "GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n";
    let packed = send(port(&server), request).await;
    assert!(packed.head.contains("content-encoding: gzip"), "{}", packed.head);
    assert!(
        packed.body.len() * 3 < plain.body.len(),
        "{} of {}",
        packed.body.len(),
        plain.body.len()
    );
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut unpacked).unwrap();
    let names = |page: &str| Scrape::parse(page).families.into_keys().collect::<Vec<_>>();
    assert_eq!(names(&unpacked), names(&plain.text()));
}

#[tokio::test]
async fn objects_are_listed_in_pages() {
    let server = server().start().await.unwrap();
    let ids = ["a b", "c/d?e=f&g", "é", "plain"];
    for id in ids {
        server.node().create_object("Plain", id).await.unwrap();
    }
    let mut listed = Vec::new();
    let mut path = "/objects?limit=1&type=Plain".to_owned();
    loop {
        let page = get(port(&server), &path).await.json();
        assert_eq!((&page["total"], &page["types"]["Plain"]), (&4.into(), &4.into()));
        assert_eq!(page["node"], server.node().address().as_str());
        listed
            .extend(page["objects"].as_array().unwrap().iter().map(|object| object["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        let next: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
        path = format!("/objects?limit=1&type=Plain&after={next}");
    }
    assert_eq!(listed, ["a b", "c/d?e=f&g", "plain", "é"]);
}

#[tokio::test]
async fn the_busiest_objects_come_first() {
    let server = server().start().await.unwrap();
    // What JSON must escape, and what HTML would read as something else.
    let ids = ["<b>\"hot\"</b> \\ é\u{2028}", "warm", "cold"];
    for (id, calls) in ids.into_iter().zip([300, 100, 1]) {
        for _ in 0..calls {
            server.node().reference::<Plain>(id).call(Touch).await.unwrap();
        }
    }
    let response = get(port(&server), "/debug/hot").await;
    assert!(response.head.contains("content-type: application/json"), "{}", response.head);
    let report = response.json();
    assert_eq!(report["node"], server.node().address().as_str());
    for list in ["by_calls", "by_time"] {
        let objects = report[list].as_array().unwrap();
        let mut listed: Vec<&str> =
            objects.iter().map(|object| object["id"].as_str().unwrap()).collect();
        assert!(objects.iter().all(|object| object["type"] == "Plain"), "{report}");
        if list == "by_time" {
            // Calls of so few nanoseconds may be in any order.
            listed.sort_by_key(|id| ids.iter().position(|known| known == id));
        }
        assert_eq!(listed, ids, "{report}");
    }
    let rate = |value: &serde_json::Value| value["calls_per_second"].as_f64().unwrap();
    let objects: f64 = report["by_calls"].as_array().unwrap().iter().map(rate).sum();
    let all = rate(&report);
    assert!(all > 0.0 && (objects - all).abs() < all / 1_000.0, "{report}");
}

#[tokio::test]
async fn a_node_without_calls_has_no_busy_objects() {
    let server = server().start().await.unwrap();
    server.node().create_object("Plain", "a").await.unwrap();
    let report = get(port(&server), "/debug/hot").await.json();
    for list in ["by_calls", "by_time"] {
        assert_eq!(report[list], serde_json::json!([]), "{report}");
    }
    for rate in ["calls_per_second", "seconds_per_second", "by_calls_absent_max"] {
        assert_eq!(report[rate], 0.0, "{report}");
    }
    assert!(report["window_seconds"].as_f64().unwrap() >= 1.0, "{report}");
}

#[tokio::test]
async fn an_oversized_head_is_refused() {
    let server = server().start().await.unwrap();
    let padding = "x".repeat(64 << 10);
    let request = format!("GET /livez HTTP/1.1\r\nHost: t\r\nX-Padding: {padding}\r\n\r\n");
    assert_eq!(send(port(&server), &request).await.status, 431);
    let many: String = (0..1_000).map(|index| format!("X-{index}: y\r\n")).collect();
    assert_eq!(
        send(port(&server), &format!("GET /livez HTTP/1.1\r\n{many}\r\n")).await.status,
        431
    );
    assert_eq!(send(port(&server), "rubbish\r\n\r\n").await.status, 400);
    assert_eq!(get(port(&server), "/livez").await.status, 200);
}

#[tokio::test]
async fn a_client_that_sends_slowly_is_cut_off() {
    let server = server().operations_limits(short_limits()).start().await.unwrap();
    for sent in ["", "GET /metr", "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"] {
        // The last one sends a whole request, and then stands idle.
        let mut stream = TcpStream::connect(port(&server)).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let closed =
            tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "after {sent:?} the connection is still open: {answer:?}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_makes_room() {
    let mut limits = short_limits();
    limits.connections.connections_max = 1;
    let server = server().operations_limits(limits).start().await.unwrap();
    let mut deaf = TcpStream::connect(port(&server)).await.unwrap();
    // More answers than the buffers of a connection hold, none of which is read.
    let requests = "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n".repeat(20_000);
    let _ = tokio::time::timeout(Duration::from_secs(5), deaf.write_all(requests.as_bytes())).await;
    // The only place is the deaf client's until it is cut off.
    assert_eq!(get(port(&server), "/livez").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_scrapes_at_once_are_answered_or_refused_while_the_node_goes_on() {
    let server = server().start().await.unwrap();
    let port = port(&server);
    let scrapes: Vec<_> = (0..1_000).map(|_| tokio::spawn(get(port, "/metrics"))).collect();
    let mut created = 0;
    for index in 0..1_000 {
        server.node().create_object("Plain", &index.to_string()).await.unwrap();
        created += 1;
    }
    let mut answered = 0;
    for scrape in scrapes {
        let response = scrape.await.unwrap();
        match response.status {
            200 => {
                Scrape::parse(&response.text());
                answered += 1;
            }
            503 => assert!(response.head.contains("retry-after: 1"), "{}", response.head),
            other => panic!("{other}: {response:?}"),
        }
    }
    assert!(answered > 0 && created == 1_000, "{answered} scrapes answered");
    let scrape = Scrape::parse(&page(&server).await);
    let node = server.node().address();
    let refused =
        scrape.value(&format!("goverse_metrics_scrapes_refused_total{{node=\"{node}\"}}"));
    assert_eq!(refused, Some(f64::from(1_000 - answered)));
}

#[tokio::test]
async fn a_scrape_that_finds_no_place_to_wait_is_refused_and_counted() {
    let limits = OperationsLimits { scrapes_waiting_max: 0, ..OperationsLimits::default() };
    let server = server().operations_limits(limits).start().await.unwrap();
    let response = get(port(&server), "/metrics").await;
    assert_eq!(response.status, 503);
    assert!(response.head.contains("retry-after: 1"), "{}", response.head);
    let node = server.node().address();
    let scrape =
        Scrape::parse(&goverse_server::Recorder::installed().unwrap().render(node.as_str()));
    let refused =
        scrape.value(&format!("goverse_metrics_scrapes_refused_total{{node=\"{node}\"}}"));
    assert_eq!(refused, Some(1.0));
}

#[test]
fn a_client_that_hangs_up_leaves_its_scrape_in_its_place() {
    // One thread renders, and it is kept busy, so that the first scrape stays where it is.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).max_blocking_threads(1).enable_all().build().unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        let limits = OperationsLimits { scrapes_waiting_max: 1, ..OperationsLimits::default() };
        let server = server().operations_limits(limits).start().await.unwrap();
        let port = port(&server);
        let busy = tokio::task::spawn_blocking(move || released.recv());

        // One renders, one waits, and the third is refused, which tells that the others are in.
        let mut scrapes = three_scrapes(port);
        assert!(is_refused(&mut scrapes, PATIENCE).await);
        scrapes.shutdown().await;
        // The render goes on without its client, so there is a place to wait and none to render.
        loop {
            let mut scrapes = three_scrapes(port);
            assert!(
                is_refused(&mut scrapes, PATIENCE).await
                    && is_refused(&mut scrapes, PATIENCE).await
            );
            // All three are refused until the server has noticed that the one that waited hung up.
            if !is_refused(&mut scrapes, Duration::from_millis(100)).await {
                release.send(()).unwrap();
                assert_eq!(scrapes.join_next().await.unwrap().unwrap().status, 200);
                break;
            }
        }
        busy.await.unwrap().unwrap();
    });
}

const PATIENCE: Duration = Duration::from_secs(10);

fn three_scrapes(port: SocketAddr) -> JoinSet<Response> {
    (0..3).map(|_| get(port, "/metrics")).collect()
}

/// Whether one of the scrapes is answered with 503 in time.
async fn is_refused(scrapes: &mut JoinSet<Response>, patience: Duration) -> bool {
    let answer = tokio::time::timeout(patience, scrapes.join_next()).await;
    answer.is_ok_and(|answer| answer.is_some_and(|answer| answer.unwrap().status == 503))
}

#[tokio::test]
async fn readiness_and_the_gauge_follow_a_shutdown_while_the_page_is_still_served() {
    #[derive(Default)]
    struct Lingering;
    impl goverse_node::Object for Lingering {
        const TYPE: &'static str = "Lingering";

        async fn on_deactivate(
            &mut self,
            _: &goverse_node::Ctx,
            _: goverse_node::DeactivationReason,
        ) -> Result<(), goverse_node::HookError> {
            RELEASE.notified().await;
            Ok(())
        }
    }
    static RELEASE: tokio::sync::Notify = tokio::sync::Notify::const_new();

    let server = Server::builder(config()).object::<Lingering>().start().await.unwrap();
    server.node().create_object("Lingering", "a").await.unwrap();
    let (port, node) = (port(&server), server.node().address().clone());
    let stopping = tokio::spawn(server.shutdown());
    while get(port, "/readyz").await.status != 503 {
        tokio::task::yield_now().await;
    }
    let scrape = Scrape::parse(&get(port, "/metrics").await.text());
    let gauge = format!("goverse_objects_total{{node=\"{node}\",type=\"Lingering\"}}");
    assert_eq!(scrape.value(&gauge), Some(1.0));
    assert_eq!(scrape.value(&format!("goverse_node_ready{{node=\"{node}\"}}")), Some(0.0));
    assert_eq!(get(port, "/livez").await.status, 200);
    RELEASE.notify_one();
    let drained = stopping.await.unwrap();
    assert_eq!((drained.deactivated, drained.cut_off, drained.left), (1, 0, 0));
    assert!(TcpStream::connect(port).await.is_err(), "the port is closed at the end");
}
