//! What the user gets wrong: exit code 2, and one message that says what, where, and what would be right.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use goverse_e2e::poll::SOON;
use goverse_e2e::{Process, Stream, goverse_command, port};

/// Runs a command line, and expects a message with these fragments.
async fn check(line: &str, fragments: &[&str]) {
    let mut command = goverse_command();
    command.args(line.split(' '));
    check_command(command, fragments).await;
}

async fn check_command(command: Command, fragments: &[&str]) {
    let line = format!("{command:?}");
    let mut process = Process::start(command);
    let status = process.wait_exit(SOON).await;
    let message = process.printed(Stream::Stderr);
    assert_eq!(status.code(), Some(2), "{line}:\n{message}");
    // One message, with nothing before it.
    assert!(message.starts_with("error: "), "{line}:\n{message}");
    assert_eq!(message.matches("error: ").count(), 1, "{line}:\n{message}");
    assert_eq!(process.printed(Stream::Stdout), "", "{line}");
    for fragment in fragments {
        assert!(message.contains(fragment), "{line}: {fragment:?} in:\n{message}");
    }
}

/// Checks a configuration file by both commands that read one.
async fn check_file(text: &str, fragments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    fs::write(&file, text).unwrap();
    for arguments in [&["config", "check"][..], &["serve", "--config"]] {
        let mut command = goverse_command();
        command.args(arguments).arg(&file);
        check_command(command, &[&["node.toml"], fragments].concat()).await;
    }
}

#[tokio::test]
async fn files() {
    check_file(
        "metric_listen_address = \"localhost:9090\"\n",
        &["unknown field `metric_listen_address`", "`metrics_listen_address`"],
    )
    .await;
    check_file(
        "metrics_listen_address = 9090\n",
        &["metrics_listen_address = 9090", "expected a string", "integer `9090`"],
    )
    .await;
    check_file(
        "metrics_listen_address = \"localhost\"\n",
        &["metrics_listen_address = \"localhost\"", "no port", "localhost:9090"],
    )
    .await;
    check_file("metrics_listen_address = \"localhost:65536\"\n", &["65536", "0 to 65535"]).await;
    check_file(
        "metrics_listen_address = \"no host:1\"\n",
        &["metrics_listen_address = \"no host:1\"", "\"no host\" is no host name"],
    )
    .await;
    check_file(
        "advertise_address = \"localhost\"\n",
        &["advertise_address = \"localhost\"", "has no port"],
    )
    .await;
    check_file("shutdown_timeout = \"soon\"\n", &["shutdown_timeout = \"soon\"", "such as 30s"])
        .await;
    check_file(
        "listen_address = \":47000\"\n",
        &["listen_address = \":47000\"", "set advertise_address too"],
    )
    .await;
    check_file(
        "listen_address = \"localhost:1\"\nlisten_address = \"localhost:2\"\n",
        &["line 2", "duplicate key"],
    )
    .await;
    check_file(
        "[objects.types.ChatRoom]\nidle_timeout = \"0s\"\n",
        &["objects.types.ChatRoom.idle_timeout = \"0s\"", "longer than 0", "\"never\""],
    )
    .await;
    check_file("", &["the file is empty", "metrics_listen_address = \"localhost:9090\""]).await;
    check_file(" \n", &["the file is empty"]).await;
    check_file("listen_address\n", &["line 1"]).await;
}

#[tokio::test]
async fn files_that_cannot_be_read() {
    check("config check missing.toml", &["cannot read", "missing.toml", "No such file"]).await;
    check("serve --config missing.toml", &["cannot read", "missing.toml", "No such file"]).await;
    check("config check .", &["cannot read", "directory"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    fs::write(&file, b"listen_address = \"\xff\"\n").unwrap();
    check(&format!("config check {}", file.display()), &["cannot read", "node.toml", "UTF-8"])
        .await;
}

#[tokio::test]
async fn flags() {
    check(
        "serve --metrics-listen-address localhost",
        &["flag --metrics-listen-address", "metrics_listen_address = \"localhost\""],
    )
    .await;
    check(
        "serve --shutdown-timeout 10",
        &["flag --shutdown-timeout", "shutdown_timeout = \"10\"", "such as 30s"],
    )
    .await;
    check(
        "serve --idle-timeout sometimes",
        &["flag --idle-timeout", "objects.idle_timeout = \"sometimes\"", "such as 15m"],
    )
    .await;
    check("demo --duration soon", &["--duration <TIME>", "'soon'"]).await;
    check("demo --metrics-port 70000", &["--metrics-port <PORT>", "'70000'", "65535"]).await;
    check("demo --metrics-port 65534", &["--metrics-port 65534", "1 to 65533"]).await;
    check(
        "demo --metrics-port 18079 --inspector-port 18080",
        &["--inspector-port 18080", "18079 to 18081", "--metrics-port PORT"],
    )
    .await;
    check("demo --node-port 65535", &["--node-port 65535", "1 to 65533"]).await;
    check(
        "inspector --node localhost:9090 --node http://LOCALHOST:9090",
        &["the node localhost:9090 is given twice"],
    )
    .await;
    check(
        "inspector --node localhost",
        &["\"localhost\" is no operations address", "such as localhost:9090"],
    )
    .await;
    check("inspector", &["--node <HOST:PORT>"]).await;
    check("inspector --node localhost:1 --refresh 0s", &["refresh is zero"]).await;
    check("inspector --node localhost:1 --timeout often", &["--timeout <TIME>", "'often'"]).await;
    check(
        "inspector --node localhost:1 --listen-address 8080",
        &["\"8080\" is no address", "such as localhost:8080", "--listen-address says"],
    )
    .await;
}

#[tokio::test]
async fn variables() {
    let mut command = goverse_command();
    command.arg("serve").env("GOVERSE_METRICS_LISTEN_ADDRESS", "9090");
    check_command(
        command,
        &["variable GOVERSE_METRICS_LISTEN_ADDRESS", "metrics_listen_address = \"9090\""],
    )
    .await;
    let mut command = goverse_command();
    command.arg("serve").env("GOVERSE_CONFIG", "missing.toml");
    check_command(command, &["cannot read", "missing.toml"]).await;
}

#[tokio::test]
async fn settings_of_a_type_that_is_not_registered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml").display().to_string();
    fs::write(&file, "[objects.types.ChatRom]\nidle_timeout = \"1h\"\n").unwrap();
    check_quiet(
        &["serve", "--config", &file],
        &[&format!("{file}: objects.types.ChatRom: "), "ChatClient, ChatRoom, Counter"],
    )
    .await;
}

#[tokio::test]
async fn ports_in_use() {
    let first = port::free_ports_in_a_row(3);
    // The last of the three, so that the first two open before.
    let _taken = TcpListener::bind(("127.0.0.1", first + 2)).unwrap();
    let address = format!("localhost:{}", first + 2);
    check_quiet(
        &["serve", "--metrics-listen-address", &address],
        &[&format!("metrics_listen_address = \"{address}\""), "in use", "another port"],
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml").display().to_string();
    fs::write(&file, format!("metrics_listen_address = \"{address}\"\n")).unwrap();
    check_quiet(
        &["serve", "--config", &file],
        &[&format!("{file}: metrics_listen_address = \"{address}\""), "in use"],
    )
    .await;
    check_quiet(
        &["inspector", "--node", "localhost:1", "--listen-address", &address],
        &[&address, "in use", "another port", "--listen-address says"],
    )
    .await;
    let inspector = port::free_port().to_string();
    check_quiet(
        &["demo", "--metrics-port", &first.to_string(), "--inspector-port", &inspector],
        &[&address, "in use", "--metrics-port PORT (three in a row)"],
    )
    .await;
    let others = port::free_ports_in_a_row(3).to_string();
    check_quiet(
        &["demo", "--metrics-port", &others, "--inspector-port", &(first + 2).to_string()],
        &[&address, "in use", "--inspector-port PORT"],
    )
    .await;
}

/// Like [`check`], for a command that has logged what it did before it failed.
async fn check_quiet(arguments: &[&str], fragments: &[&str]) {
    let mut command = goverse_command();
    command.args(arguments).env("RUST_LOG", "error");
    check_command(command, fragments).await;
}
