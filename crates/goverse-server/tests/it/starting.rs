//! What keeps a server from starting, and what it says then.

use std::time::Duration;

use goverse_metrics::CATALOGUE;
use goverse_node::{Object, TypeSettings};
use goverse_server::{ConfigArgs, Recorder, Server, ServerConfig, StartError};

use crate::fixture::{Plain, Touch, config, page, port, server};

#[tokio::test]
async fn a_port_in_use_is_named_with_its_field() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config();
    let address = taken.local_addr().unwrap().to_string();
    config.metrics_listen_address = Some(address.parse().unwrap());
    let error = Server::builder(config).start().await.err().unwrap().to_string();
    let expected =
        format!("metrics_listen_address = \"{address}\": the port is in use by another program");
    assert!(error.starts_with(&expected), "{error}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused() {
    let mut config = config();
    config.metrics_listen_address = Some("192.0.2.1:9090".parse().unwrap());
    let error = Server::builder(config).start().await.err().unwrap().to_string();
    assert!(error.contains("this machine has no such address"), "{error}");
}

#[tokio::test]
async fn two_nodes_of_one_process_need_two_addresses() {
    let first = config();
    let mut second = first.clone();
    second.metrics_listen_address = None;
    let running = Server::builder(first.clone()).start().await.unwrap();
    let error = Server::builder(second.clone()).start().await.err().unwrap();
    assert!(
        matches!(&error, StartError::AddressTaken(address) if *address == first.advertise_address)
    );
    assert!(error.to_string().contains("give each node its own"), "{error}");
    let _ = running.shutdown().await;
    let again = Server::builder(second).start().await.unwrap();
    let _ = again.shutdown().await;
}

#[tokio::test]
async fn the_series_of_a_node_leave_with_it() {
    let server = server().start().await.unwrap();
    let node = server.node().address().to_string();
    assert!(page(&server).await.contains(&format!("node=\"{node}\"")));
    let _ = server.shutdown().await;
    let recorder = Recorder::installed().unwrap();
    assert!(!recorder.render(&node).contains(&format!("node=\"{node}\"")));
    assert!(recorder.render(&node).contains(CATALOGUE[0].name));
}

#[tokio::test]
async fn a_server_without_an_operations_port_opens_none() {
    let mut config = config();
    config.metrics_listen_address = None;
    let server = Server::builder(config).object::<Plain>().start().await.unwrap();
    assert_eq!(server.operations_address(), None);
    server.node().create_object("Plain", "a").await.unwrap();
    assert_eq!(server.shutdown().await.deactivated, 1);
}

#[tokio::test]
async fn every_interface_is_listened_at() {
    let mut config = config();
    config.metrics_listen_address = Some(":0".parse().unwrap());
    let server = Server::builder(config).start().await.unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port(&server).port()));
    assert_eq!(crate::fixture::get(address, "/livez").await.status, 200);
}

#[tokio::test]
async fn settings_of_a_type_that_is_not_registered_are_named() {
    let mut config = config();
    config.objects.types.insert("ChatRom".to_owned(), TypeSettings::default());
    let error = Server::builder(config.clone()).object::<Plain>().start().await.err().unwrap();
    let expected =
        "objects.types.ChatRom: no type of this name is registered; registered are: Plain";
    assert_eq!(error.to_string(), expected);
    let error = Server::builder(config).start().await.err().unwrap().to_string();
    assert!(error.ends_with("registered are: none"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    std::fs::write(&path, "[objects.types.ChatRom]").unwrap();
    let args = ConfigArgs { config: Some(path.clone()), ..ConfigArgs::default() };
    let error = Server::builder(ServerConfig::load(&args).unwrap()).start().await.err().unwrap();
    let expected = format!("{}: objects.types.ChatRom: ", path.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn the_settings_reach_the_objects() {
    #[derive(Default)]
    struct Short;
    impl Object for Short {
        const TYPE: &'static str = "Short";
    }

    let mut config = config();
    config.objects.defaults.idle_timeout = None;
    let mut short = config.objects.defaults;
    short.idle_timeout = Some(Duration::from_millis(20));
    config.objects.types.insert("Short".to_owned(), short);
    let server = Server::builder(config).object::<Plain>().object::<Short>().start().await.unwrap();
    let node = server.node();
    for type_name in ["Plain", "Short"] {
        node.create_object(type_name, "a").await.unwrap();
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while node.find("Short", "a").is_some() {
        assert!(tokio::time::Instant::now() < deadline, "it was idle for long enough");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(node.find("Plain", "a").is_some());
}

#[tokio::test]
async fn a_task_runs_beside_the_objects_until_the_shutdown() {
    let (held, released) = tokio::sync::oneshot::channel::<()>();
    let (called, call) = tokio::sync::oneshot::channel();
    let server = server().task(async move |node| {
        // Dropped with the task.
        let _held = held;
        called.send(node.reference::<Plain>("a").call(Touch).await).unwrap();
        std::future::pending().await
    });
    let server = server.start().await.unwrap();
    call.await.unwrap().unwrap();
    let deactivated = server.shutdown().await.deactivated;
    assert_eq!(deactivated, 1);
    assert!(released.await.is_err(), "the task was dropped");
}
