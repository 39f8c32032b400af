//! Configuration: where values come from, and what a wrong one is told.
//!
//! Values from the environment are tested with processes of their own, in the end-to-end tests.

use std::path::PathBuf;
use std::time::Duration;

use goverse_node::WritePolicy;
use goverse_node::{NodeSettings, TypeSettings};
use goverse_server::{ConfigArgs, ObjectsConfig, ServerConfig, StoreConfig, StoreUrl};

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
    assert_eq!(config.objects, ObjectsConfig::default());
}

#[test]
fn the_defaults_of_objects_are_those_of_the_page() {
    let page = include_str!("../../../../docs/objects.md");
    let defaults = serde_json::to_value(ObjectsConfig::default()).unwrap();
    for (field, value) in defaults.as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let row = format!("| `{field}` | `{value}` |");
        assert!(page.contains(&row), "{row} is not on the page");
    }
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

const OBJECTS: &str = r#"
[objects]
call_timeout = "2s"
chain_len_max = 7
payload_bytes_max = 1000
idle_timeout = "never"
waiting_max = 8
turn_limit = "3s"
long_turn = "20ms"

[objects.types.ChatRoom]
idle_timeout = "1h"
waiting_max = 9
turn_limit = "4s"
long_turn = "30ms"

[objects.types.ChatClient]
waiting_max = 10
"#;

fn calls(timeout: Duration, chain_len_max: usize, payload_bytes_max: usize) -> NodeSettings {
    let mut settings = NodeSettings::default();
    settings.call_timeout = timeout;
    settings.chain_len_max = chain_len_max;
    settings.payload_bytes_max = payload_bytes_max;
    settings
}

fn of_type(
    idle: Option<Duration>,
    waiting_max: usize,
    turn_limit: Duration,
    long_turn: Duration,
) -> TypeSettings {
    let mut settings = TypeSettings::default();
    settings.idle_timeout = idle;
    settings.waiting_max = waiting_max;
    settings.turn_limit = turn_limit;
    settings.long_turn = long_turn;
    settings
}

#[test]
fn a_type_has_the_settings_of_all_types_but_for_its_own() {
    let (seconds, millis) = (Duration::from_secs, Duration::from_millis);
    let config = load(OBJECTS, ConfigArgs::default()).unwrap().objects;
    assert_eq!(config.calls, calls(seconds(2), 7, 1_000));
    assert_eq!(config.defaults, of_type(None, 8, seconds(3), millis(20)));
    let room = of_type(Some(seconds(3_600)), 9, seconds(4), millis(30));
    assert_eq!(config.types["ChatRoom"], room);
    assert_eq!(config.types["ChatClient"], of_type(None, 10, seconds(3), millis(20)));
    assert_eq!(config.types.len(), 2);
}

#[test]
fn a_flag_overrides_what_the_file_says_of_all_types() {
    let args = ConfigArgs {
        call_timeout: Some("5s".to_owned()),
        idle_timeout: Some("1m".to_owned()),
        ..ConfigArgs::default()
    };
    let config = load(OBJECTS, args).unwrap().objects;
    assert_eq!(config.calls.call_timeout, Duration::from_secs(5));
    assert_eq!(config.defaults.idle_timeout, Some(Duration::from_secs(60)));
    assert_eq!(config.types["ChatClient"].idle_timeout, Some(Duration::from_secs(60)));
    assert_eq!(config.types["ChatRoom"].idle_timeout, Some(Duration::from_secs(3_600)));
}

#[test]
fn wrong_settings_of_objects_are_told_what_would_be_right() {
    check_error("[objects]", &["sets nothing"]);
    check_error("[objects]\nidle_timout = \"1m\"", &["line 2", "idle_timout", "`idle_timeout`"]);
    check_error("[objects.types.A]\ncall_timeout = \"1m\"", &["line 2", "unknown field"]);
    check_error("[object]\nidle_timeout = \"1m\"", &["unknown field `object`", "`objects`"]);
    check_error("[objects]\nwaiting_max = \"many\"", &["waiting_max = \"many\"", "expected i64"]);
    check_error("[objects]\npayload_bytes_max = 1.5", &["payload_bytes_max = 1.5"]);
    for (field, number) in [("waiting_max", -1), ("payload_bytes_max", 0), ("chain_len_max", 0)] {
        let field_and_value =
            format!("objects.{field} = {number}: write a number that is at least 1");
        check_error(&format!("[objects]\n{field} = {number}"), &[&field_and_value]);
    }
    let too_long = "objects.chain_len_max = 1001: write a number that is at least 1, at most 1000";
    check_error("[objects]\nchain_len_max = 1001", &[too_long]);
    for field in ["call_timeout", "turn_limit", "long_turn", "idle_timeout"] {
        let zero = format!("objects.{field} = \"0s\": it must be longer than 0");
        check_error(&format!("[objects]\n{field} = \"0s\""), &[&zero, "write a time such as"]);
    }
    check_error(
        "[objects]\ncall_timeout = \"never\"",
        &["objects.call_timeout = \"never\"", "30s"],
    );
    check_error(
        "[objects.types.ChatRoom]\nidle_timeout = \"15\"",
        &["objects.types.ChatRoom.idle_timeout = \"15\"", "such as 15m or 2h, or \"never\""],
    );
    check_error(
        "[objects.types.ChatRoom]\nwaiting_max = 0",
        &["objects.types.ChatRoom.waiting_max = 0", "at least 1"],
    );
}

#[test]
fn a_wrong_flag_of_objects_is_named() {
    let args = ConfigArgs { idle_timeout: Some("x".to_owned()), ..ConfigArgs::default() };
    let error = ServerConfig::load(&args).unwrap_err().to_string();
    assert!(error.starts_with("flag --idle-timeout: objects.idle_timeout = \"x\""), "{error}");
}

#[test]
fn a_store_is_a_file_unless_something_else_is_said() {
    let config = ServerConfig::load(&ConfigArgs::default()).unwrap();
    assert_eq!(config.store, StoreConfig::default());
    assert_eq!(config.store.url, StoreUrl::Sqlite("goverse.db".into()));
    let text = "[store]\nurl = \"postgres://a:secret@db/goverse\"\nschema = \"chat\"\nca_file = \"ca.pem\"\n\
                timeout = \"2s\"\ncall_results_kept = \"1h\"\n";
    let config = load(text, ConfigArgs::default()).unwrap();
    assert_eq!(config.store.url, StoreUrl::Postgres("postgres://a:secret@db/goverse".to_owned()));
    assert_eq!(config.store.schema.as_deref(), Some("chat"));
    assert_eq!(config.store.ca_file, Some("ca.pem".into()));
    assert_eq!(config.objects.calls.store_timeout, Duration::from_secs(2));
    assert_eq!(config.objects.calls.call_results_kept, Duration::from_secs(3_600));
    // A password is in no log and on no screen.
    let shown = serde_json::to_string(&config).unwrap() + &format!("{config:?}");
    assert!(shown.contains("postgres://a:***@db/goverse") && !shown.contains("secret"), "{shown}");
    let args = ConfigArgs { store: Some("memory".to_owned()), wait: true, ..ConfigArgs::default() };
    let config = load(text, args).unwrap();
    assert_eq!(config.store.url, StoreUrl::Memory);
    assert!(config.store.wait);
}

#[test]
fn a_type_is_saved_when_the_file_says() {
    let check = |write: &str, expected: WritePolicy| {
        let text = format!("[objects.types.A]\nwrite = \"{write}\"");
        let config = load(&text, ConfigArgs::default()).unwrap().objects;
        assert_eq!(config.types["A"].write, Some(expected));
        let shown = serde_json::to_value(&config).unwrap();
        assert_eq!(shown["types"]["A"]["write"], write);
    };
    check("every_call", WritePolicy::EveryCall);
    check("on_deactivate", WritePolicy::OnDeactivate);
    check("interval(1m 5s)", WritePolicy::Interval(Duration::from_secs(65)));
    assert_eq!(ObjectsConfig::default().defaults.write, None);
}

#[test]
fn wrong_settings_of_stores_are_told_what_would_be_right() {
    let right = "write sqlite:PATH, postgres://USER@HOST/DATABASE, or memory";
    check_error("[store]\nurl = \"goverse.db\"", &["store.url = \"goverse.db\"", right]);
    check_error("[store]\nurl = \"mysql://a@b/c\"", &[right]);
    check_error("[store]\npath = \"goverse.db\"", &["line 2", "unknown field `path`", "`url`"]);
    check_error("[store]\nschema = \"a-b\"", &["store.schema = \"a-b\"", "small letters"]);
    check_error("[store]\ntimeout = \"0s\"", &["store.timeout", "longer than 0"]);
    let often = "write every_call, on_deactivate, or interval(5s)";
    check_error("[objects]\nwrite = \"often\"", &["objects.write = \"often\"", often]);
    check_error("[objects]\nwrite = \"interval(0s)\"", &[often]);
    let args = ConfigArgs { store: Some("x".to_owned()), ..ConfigArgs::default() };
    let error = ServerConfig::load(&args).unwrap_err().to_string();
    assert!(error.starts_with("flag --store: store.url = \"x\": write sqlite:PATH"), "{error}");
}
