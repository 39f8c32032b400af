//! What was acknowledged had been synced: a crash test cannot tell, as the machine's memory of files outlives a process.

use std::path::Path;
use std::process::{Command, Stdio};

use goverse_node::StateStore;
use goverse_store::{SqliteSettings, SqliteStore};
use tempfile::TempDir;

use crate::conformance::records::{delete, load, put, raising, save, wallet};

/// Tells the child where its file is.
const PATH: &str = "GOVERSE_DURABILITY_PATH";

/// What the child prints, with a number, once a change is acknowledged.
const ACKNOWLEDGED: &str = "acknowledged";

/// What a line of the trace is about.
#[derive(Debug, PartialEq)]
enum Event {
    /// Something was written to the log of the database.
    Written,
    /// The log was synced.
    Synced,
    Acknowledged,
}

#[tokio::test]
async fn every_connection_syncs_each_commit() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&SqliteSettings::new(folder.path().join("state.db"))).unwrap();
    assert_eq!(store.synchronous().await, Ok(2), "2 is FULL");
}

#[test]
fn every_acknowledged_change_was_synced_before() {
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let mut child = Command::new("strace");
    child.args(["-f", "-y", "-e", "trace=pwrite64,write,fsync,fdatasync", "-o"]).arg(&trace);
    child.arg(std::env::current_exe().unwrap());
    child.args(["--exact", "sqlite::durability::child_that_saves", "--ignored", "--nocapture"]);
    child.env(PATH, folder.path().join("state.db")).stdout(Stdio::null());
    let output = child.output().expect("the package strace is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trace = std::fs::read_to_string(trace).unwrap();
    let (mut acknowledged, mut since) = (0, Vec::new());
    for event in trace.lines().filter_map(Event::of_line) {
        if event != Event::Acknowledged {
            since.push(event);
            continue;
        }
        acknowledged += 1;
        let is_kept = since.contains(&Event::Written) && since.last() == Some(&Event::Synced);
        assert!(is_kept, "before acknowledgement {acknowledged}: {since:?}");
        since.clear();
    }
    assert_eq!(acknowledged, CHANGES);
}

/// How many changes the child makes.
const CHANGES: usize = 24;

#[test]
#[ignore = "another test runs it, under strace"]
fn child_that_saves() {
    let path = std::env::var(PATH).expect("it is run by another test");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(change_again_and_again(Path::new(&path)));
}

async fn change_again_and_again(path: &Path) {
    let (store, a) = (SqliteStore::open(&SqliteSettings::new(path)).unwrap(), wallet("a"));
    let mut number = 0;
    let mut acknowledge = || {
        number += 1;
        println!("{ACKNOWLEDGED} {number}");
    };
    for version in 0..10 {
        save(&store, put(&a, 1, version, "state")).await.unwrap();
        acknowledge();
    }
    for version in 10..15 {
        let others = (0..50).map(|other| put(&wallet(&format!("{version}.{other}")), 1, 0, "b"));
        let batch = others.chain([put(&a, 1, version, "a")]).collect();
        assert!(store.save(batch).await.unwrap().iter().all(Result::is_ok));
        acknowledge();
    }
    for since in 2..6 {
        store.load(load(&a, since)).await.unwrap();
        acknowledge();
        store.load(raising(&wallet(&since.to_string()), since, 3)).await.unwrap();
        acknowledge();
    }
    save(&store, delete(&a, 5, 15)).await.unwrap();
    acknowledge();
}

// === impl Event ===

impl Event {
    /// A call that another thread interrupts is two lines: the file is in the first, its end in the second.
    fn of_line(line: &str) -> Option<Self> {
        let is_of_log = line.contains("state.db-wal");
        let is_sync = line.contains("fsync") || line.contains("fdatasync");
        if is_of_log && line.contains("write") {
            Some(Event::Written)
        } else if is_sync && line.ends_with("= 0") && (is_of_log || line.contains("resumed")) {
            Some(Event::Synced)
        } else if line.contains("write(1<") && line.contains(ACKNOWLEDGED) {
            Some(Event::Acknowledged)
        } else {
            None
        }
    }
}
