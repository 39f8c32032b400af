//! Configuration: where values come from, and what a wrong one is told.
//!
//! Values from the environment are tested with processes of their own, in the end-to-end tests.

use std::path::PathBuf;

use goverse_server::{ConfigArgs, ServerConfig};

/// Loads a file with this text, and gives the configuration or the message.
fn load(text: &str, args: ConfigArgs) -> Result<ServerConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    std::fs::write(&path, text).unwrap();
    let args = ConfigArgs { config: Some(path), ..args };
    ServerConfig::load(&args).map_err(|error| error.to_string())
}

fn check_error(text: &str, fragments: &[&str]) {
    let error = load(text, ConfigArgs::default()).expect_err(text);
    for fragment in ["node.toml"].iter().chain(fragments) {
        assert!(error.contains(fragment), "{fragment:?} is not in:\n{error}");
    }
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = ServerConfig::load(&ConfigArgs::default()).unwrap();
    assert_eq!(config.listen_address.to_string(), "localhost:47000");
    assert_eq!(config.advertise_address.as_str(), "localhost:47000");
    assert!(config.metrics_listen_address.is_none() && config.etcd_address.is_none());
    assert_eq!(config.shutdown_timeout.as_secs(), 30);
}

#[test]
fn a_flag_overrides_the_file() {
    let text = "listen_address = \"localhost:1\"\nmetrics_listen_address = \":9090\"\nshutdown_timeout = \"5s\"";
    let flag = || Some("localhost:2".to_owned());
    let config =
        load(text, ConfigArgs { listen_address: flag(), ..ConfigArgs::default() }).unwrap();
    assert_eq!(config.listen_address.to_string(), "localhost:2");
    assert_eq!(config.advertise_address.as_str(), "localhost:2");
    assert_eq!(config.metrics_listen_address.unwrap().to_string(), ":9090");
    assert_eq!(config.shutdown_timeout.as_secs(), 5);
}

#[test]
fn every_interface_needs_an_advertise_address() {
    check_error(
        "listen_address = \":47000\"",
        &["listen_address", "set advertise_address", "10.0.0.5:47000"],
    );
    let text = "listen_address = \":47000\"\nadvertise_address = \"node-1:47000\"";
    assert_eq!(
        load(text, ConfigArgs::default()).unwrap().advertise_address.as_str(),
        "node-1:47000"
    );
}

#[test]
fn wrong_files_are_told_what_would_be_right() {
    check_error("", &["the file is empty", "metrics_listen_address"]);
    check_error("\n# only a comment\n", &["sets nothing"]);
    check_error(
        "listen_adress = \"localhost:1\"",
        &["listen_adress", "line 1", "`listen_address`"],
    );
    check_error(
        "metrics_listen_address = 9090",
        &["metrics_listen_address = 9090", "expected a string"],
    );
    check_error("listen_address = ", &["line 1"]);
    check_error(
        "metrics_listen_address = \"9090\"",
        &["metrics_listen_address = \"9090\"", "no port", ":9090"],
    );
    check_error("metrics_listen_address = \"a b:1\"", &["no host name or IP address"]);
    check_error(
        "advertise_address = \"node-1\"",
        &["advertise_address = \"node-1\"", "write host:port"],
    );
    check_error("shutdown_timeout = \"soon\"", &["shutdown_timeout = \"soon\"", "such as 30s"]);
    check_error(
        "etcd_address = \"localhost\"",
        &["etcd_address = \"localhost\"", "write host:port"],
    );
}

#[test]
fn an_unreadable_file_is_named() {
    for path in [PathBuf::from("/nonexistent/node.toml"), std::env::temp_dir()] {
        let args = ConfigArgs { config: Some(path.clone()), ..ConfigArgs::default() };
        let error = ServerConfig::load(&args).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn a_wrong_flag_is_named() {
    let args = ConfigArgs { metrics_listen_address: Some("x".to_owned()), ..ConfigArgs::default() };
    let error = ServerConfig::load(&args).unwrap_err().to_string();
    assert!(
        error.starts_with("flag --metrics-listen-address: metrics_listen_address = \"x\""),
        "{error}"
    );
}

#[test]
fn settings_for_later_versions_are_accepted_and_pointed_out() {
    let text = "etcd_address = \"http://localhost:2379, localhost:22379\"\nclient_listen_address = \":8000\"";
    let config = load(text, ConfigArgs::default()).unwrap();
    assert_eq!(config.without_effect(), ["client_listen_address", "etcd_address"]);
}
