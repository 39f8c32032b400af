//! Stores as their operators meet them: what a command shows and changes, what is refused at the start, and what a node
//! says while its store is away.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;

use goverse::prelude::*;
use goverse::store::{SqliteSettings, SqliteStore};
use goverse_e2e::poll::{LATER, SOON, expect, until};
use goverse_e2e::{Process, Stream, goverse_command, http, port};
use goverse_samples::wallet::Wallet;
use goverse_store::scratch_postgres::ScratchPostgres;

/// Runs `goverse objects …` with its standard input from `input`, and gives what it printed.
fn objects(arguments: &[&str], store: &Path, input: Option<&Path>) -> Output {
    let mut command = goverse_command();
    command
        .arg("objects")
        .args(arguments)
        .env("GOVERSE_STORE", format!("sqlite:{}", store.display()));
    command.stdin(input.map_or_else(Stdio::null, |input| File::open(input).unwrap().into()));
    command.output().unwrap()
}

#[track_caller]
fn printed(output: &Output) -> &str {
    assert!(output.status.success(), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap()
}

#[track_caller]
fn refused(output: &Output, fragments: &[&str]) {
    let message = std::str::from_utf8(&output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    for fragment in fragments {
        assert!(message.contains(fragment), "{fragment:?} in:\n{message}");
    }
}

fn node(store: &Path) -> Node {
    let store = SqliteStore::open(&SqliteSettings::new(store)).unwrap();
    let address = "localhost:47000".parse().unwrap();
    Node::builder(address).object::<Wallet>().store(Arc::new(store)).build().unwrap()
}

#[tokio::test]
async fn what_a_store_holds_is_listed_shown_moved_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let [store, copy] = ["a.db", "b.db"].map(|name| folder.path().join(name));
    let before = node(&store);
    for (id, n) in [("ann", 5), ("it's ü", 7)] {
        before.object::<Wallet>(id).deposit(n).await.unwrap();
    }
    drop(before);
    let listed = objects(&["list"], &store, None);
    let lines: Vec<&str> = printed(&listed).lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("Wallet\tann\t") && lines[1].starts_with("Wallet\tit's ü\t"));
    assert_eq!(printed(&objects(&["list", "--limit", "1"], &store, None)).lines().count(), 1);
    assert_eq!(printed(&objects(&["list", "--type", "Other"], &store, None)), "");
    let shown = objects(&["show", "Wallet", "ann"], &store, None);
    assert!(printed(&shown).contains("\"balance\": 5"), "{shown:?}");

    let lines = folder.path().join("objects.jsonl");
    fs::write(&lines, printed(&objects(&["export"], &store, None))).unwrap();
    drop(node(&copy));
    let imported = objects(&["import"], &copy, Some(&lines));
    assert_eq!(printed(&imported), "imported 2 objects\n");
    refused(
        &objects(&["import"], &copy, Some(&lines)),
        &["line 1", "is there already", "--replace"],
    );
    printed(&objects(&["import", "--replace"], &copy, Some(&lines)));
    printed(&objects(&["delete", "Wallet", "ann"], &copy, None));
    refused(
        &objects(&["delete", "Wallet", "ann"], &copy, None),
        &["the store has no Wallet \"ann\""],
    );
    refused(
        &objects(&["show", "Wallet", "ann"], &copy, None),
        &["the store has no Wallet \"ann\""],
    );
    let after = node(&copy);
    assert_eq!(after.object::<Wallet>("ann").balance().await, Ok(0));
    assert_eq!(after.object::<Wallet>("ann").deposit(1).await, Ok(1));
    assert_eq!(after.object::<Wallet>("it's ü").deposit(1).await, Ok(8));
    drop(after);
    // What was deleted can come back.
    printed(&objects(&["delete", "Wallet", "ann"], &copy, None));
    printed(&objects(&["import", "--replace"], &copy, Some(&lines)));
    assert_eq!(node(&copy).object::<Wallet>("ann").balance().await, Ok(5));

    fs::write(&lines, "{}\n").unwrap();
    refused(&objects(&["import"], &copy, Some(&lines)), &["line 1", "no exported object"]);
    refused(&objects(&["list"], &folder.path().join("none.db"), None), &["there is no such file"]);
    assert!(!folder.path().join("none.db").exists());
}

#[tokio::test]
async fn a_dead_letter_is_listed_tried_again_and_deleted() {
    // Built before anything is waited for.
    drop(goverse_command());
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("a.db");
    let before = node(&store);
    let (ann, full) = (before.object::<Wallet>("ann"), before.object::<Wallet>("full"));
    ann.deposit(10).await.unwrap();
    full.deposit(u64::MAX).await.unwrap();
    ann.pay("full".to_owned(), 1).await.unwrap();
    let letter = until("the payment is given up", SOON, async || {
        let listed = objects(&["dead-letters"], &store, None);
        let line = printed(&listed).lines().next().map(str::to_owned);
        line.ok_or_else(|| format!("{listed:?}"))
    });
    let letter = letter.await;
    assert!(
        letter.contains("Wallet \"full\".credit")
            && letter.contains("the method returned its error")
    );
    let key = letter.split('\t').next().unwrap();
    drop((ann, full, before));
    let again = objects(&["dead-letters", "--retry", key], &store, None);
    assert_eq!(printed(&again), format!("{key} is to be made again\n"));
    assert_eq!(printed(&objects(&["dead-letters"], &store, None)), "");
    refused(
        &objects(&["dead-letters", "--delete", key], &store, None),
        &["there is no dead letter"],
    );
    refused(&objects(&["dead-letters", "--delete", "x"], &store, None), &["no key"]);
    // Whoever has the store next makes it again, and there is still no room.
    let after = node(&store);
    after.open_store().await.unwrap();
    until("it is given up again", SOON, async || {
        let listed = objects(&["dead-letters"], &store, None);
        expect(printed(&listed).starts_with(key), &listed)
    })
    .await;
    drop(after);
    printed(&objects(&["dead-letters", "--delete", key], &store, None));
    assert_eq!(printed(&objects(&["dead-letters"], &store, None)), "");
}

/// Starts a node with a store that it cannot have, and expects a message.
async fn check(store: &str, fragments: &[&str]) {
    let mut command = goverse_command();
    command.args(["serve", "--store", store]).env("RUST_LOG", "error");
    let mut process = Process::start(command);
    let status = process.wait_exit(LATER).await;
    let message = process.printed(Stream::Stderr);
    assert_eq!(status.code(), Some(2), "{store}:\n{message}");
    for fragment in ["error: flag --store: "].iter().chain(fragments) {
        assert!(message.contains(fragment), "{store}: {fragment:?} in:\n{message}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_had_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| folder.path().join(name).display().to_string();
    check(&format!("sqlite:{}", in_folder("none/a.db")), &["is not available", "--wait"]).await;
    fs::write(in_folder("text.db"), "this is a letter, and no database at all").unwrap();
    check(
        &format!("sqlite:{}", in_folder("text.db")),
        &["is not of GoVerse", "name another place"],
    )
    .await;
    assert_eq!(
        fs::read_to_string(in_folder("text.db")).unwrap(),
        "this is a letter, and no database at all"
    );
    let nobody = format!("postgres://goverse:secret@localhost:{}/goverse", port::free_port());
    check(&nobody, &["is not available", "--wait"]).await;
    check("mysql://localhost/goverse", &["write sqlite:PATH"]).await;
}

#[tokio::test]
async fn a_node_waits_for_its_store_and_says_when_it_has_gone() {
    let mut postgres = ScratchPostgres::start(&[]).unwrap();
    let folder = postgres.folder().display().to_string().replace('/', "%2F");
    let url = format!("postgres://postgres@{folder}/postgres");
    postgres.crash().unwrap();
    let operations = port::free_port();
    let mut command = goverse_command();
    command.args(["serve", "--wait", "--store", &url]);
    command.args(["--metrics-listen-address", &format!("localhost:{operations}")]);
    let mut process = Process::start(command);
    process
        .wait_for_line("that it waits", |line| line.contains("waiting for the store"), LATER)
        .await;
    postgres.resume().unwrap();
    let is_ready = |ready: bool| {
        until(format!("ready: {ready}"), LATER, async move || {
            let reply = http::get(&format!("http://localhost:{operations}/readyz")).await?;
            let said = if ready { "ready" } else { "not ready: the store is not available" };
            let status = if ready { 200 } else { 503 };
            expect(reply.status == status && reply.body.starts_with(said), &reply)
        })
    };
    is_ready(true).await;
    postgres.crash().unwrap();
    is_ready(false).await;
    // It is alive all the same.
    assert_eq!(
        http::get(&format!("http://localhost:{operations}/livez")).await.unwrap().status,
        200
    );
    postgres.resume().unwrap();
    is_ready(true).await;
}
