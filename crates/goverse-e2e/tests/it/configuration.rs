//! Which source of a setting counts: a flag before a variable, and that before the file.

use std::fs;

use goverse_e2e::poll::SOON;
use goverse_e2e::{Process, Stream, goverse_command};

/// The sources that are given.
struct Given {
    file: bool,
    variable: bool,
    flag: bool,
}

/// Starts a node whose sources say different things, and expects what the one that counts says.
async fn check(given: Given, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    // Each source has another address of the loopback network.
    let settings = "advertise_address = \"file:1\"\nmetrics_listen_address = \"127.0.0.1:0\"\n";
    fs::write(&file, settings).unwrap();
    let mut command = goverse_command();
    command.arg("serve");
    if given.file {
        command.arg("--config").arg(&file);
    }
    if given.variable {
        command.env("GOVERSE_ADVERTISE_ADDRESS", "variable:1");
        command.env("GOVERSE_METRICS_LISTEN_ADDRESS", "127.0.0.2:0");
    }
    if given.flag {
        command.args(["--advertise-address", "flag:1", "--metrics-listen-address", "127.0.0.3:0"]);
    }
    let mut process = Process::start(command);
    process.wait_for_line("that it is ready", |line| line.contains("node ready"), SOON).await;
    let log = process.printed(Stream::Stderr);
    assert_eq!(log.matches("operations port open").count(), 1, "{log}");
    assert!(log.contains(expected), "{expected} in:\n{log}");
}

#[tokio::test]
async fn flags_override_variables_and_those_the_file() {
    let file = Given { file: true, variable: false, flag: false };
    check(file, "node=file:1 address=127.0.0.1:").await;
    let variable = Given { file: true, variable: true, flag: false };
    check(variable, "node=variable:1 address=127.0.0.2:").await;
    let flag = Given { file: true, variable: true, flag: true };
    check(flag, "node=flag:1 address=127.0.0.3:").await;
    let flag_and_file = Given { file: true, variable: false, flag: true };
    check(flag_and_file, "node=flag:1 address=127.0.0.3:").await;
    let no_file = Given { file: false, variable: true, flag: false };
    check(no_file, "node=variable:1 address=127.0.0.2:").await;
}

#[tokio::test]
async fn a_checked_file_is_shown_with_its_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    let settings = "metrics_listen_address = \":9090\"\netcd_address = \"localhost:2379\"\n\
        [objects]\nidle_timeout = \"1h\"\n[objects.types.ChatRoom]\nidle_timeout = \"never\"\n";
    fs::write(&file, settings).unwrap();
    let mut command = goverse_command();
    command.args(["config", "check"]).arg(&file);
    let mut process = Process::start(command);
    assert_eq!(process.wait_exit(SOON).await.code(), Some(0));
    let printed = process.printed(Stream::Stdout);
    for line in [
        "  advertise_address = \"localhost:47000\"",
        "  listen_address = \"localhost:47000\"",
        "  metrics_listen_address = \":9090\"",
        "  objects.call_timeout = \"10s\"",
        "  objects.idle_timeout = \"1h\"",
        "  objects.types.ChatRoom.idle_timeout = \"never\"",
        "  objects.types.ChatRoom.waiting_max = 4096",
        "  shutdown_timeout = \"30s\"",
        "note: etcd_address has no effect in this version",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line} in:\n{printed}");
    }
}
