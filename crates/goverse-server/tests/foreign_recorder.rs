//! A program that has a recorder of another kind: a process of its own, as a recorder is for life.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
use goverse_node::Object;
use goverse_server::{Server, ServerConfig, StartError};
use metrics_exporter_prometheus::PrometheusBuilder;

#[derive(Default)]
struct Plain;

impl Object for Plain {
    const TYPE: &'static str = "Plain";
}

#[tokio::test]
async fn a_foreign_recorder_is_named_with_the_ways_out() {
    let foreign = PrometheusBuilder::new().build_recorder();
    let handle = foreign.handle();
    metrics::set_global_recorder(foreign).unwrap();

    let mut config = ServerConfig::new("localhost:47000".parse().unwrap());
    config.metrics_listen_address = Some("127.0.0.1:0".parse().unwrap());
    let error = Server::builder(config.clone()).object::<Plain>().start().await.err().unwrap();
    assert!(matches!(error, StartError::Recorder(_)));
    let message = error.to_string();
    assert!(
        message.contains("another metrics recorder") && message.contains("install()"),
        "{message}"
    );

    // Without a page of our own, the node reports to the recorder that is there.
    config.metrics_listen_address = None;
    let server = Server::builder(config).object::<Plain>().start().await.unwrap();
    server.node().create_object("Plain", "a").await.unwrap();
    let page = handle.render();
    assert!(
        page.contains("goverse_objects_total{node=\"localhost:47000\",type=\"Plain\"} 1"),
        "{page}"
    );
    assert!(page.contains(
        "# HELP goverse_objects_total Total number of distributed objects in the cluster"
    ));
}
