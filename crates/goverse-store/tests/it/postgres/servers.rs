//! Servers that cannot be used, that go away, and that would lose what they acknowledge.

use std::sync::Arc;
use std::time::Duration;

use goverse_node::{StateStore, StoreError};
use goverse_store::scratch_postgres::ScratchPostgres;
use goverse_store::{OpenError, PostgresSettings, PostgresStore};
use tokio::time::timeout;
use tokio_postgres::NoTls;

use super::{server, settings};
use crate::conformance::records::{load, put, raising, save, stored, wallet};

/// Carries out statements beside the store.
async fn execute(statements: &str) {
    execute_on(&server().url(), statements).await;
}

async fn execute_on(url: &str, statements: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(statements).await.unwrap();
}

async fn refused(settings: &PostgresSettings) -> String {
    let refused = PostgresStore::open(settings).await.unwrap_err().to_string();
    refused.replace(&server().folder().display().to_string(), "SERVER")
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let settings = settings("newer");
    drop(PostgresStore::open(&settings).await.unwrap());
    execute("UPDATE newer.format SET version = 2").await;
    assert_eq!(
        refused(&settings).await,
        "the store SERVER/postgres, schema newer has schema 2, and this program knows none above 1; \
         use the program that wrote it, or a newer one"
    );
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    execute("CREATE SCHEMA other; CREATE TABLE other.objects (id text)").await;
    let expected = "the store SERVER/postgres, schema other is not of GoVerse: its schema has other tables \
         and no version; name another place, or move it away";
    assert_eq!(refused(&settings("other")).await, expected);
    execute("CREATE SCHEMA others; CREATE TABLE others.format (id text)").await;
    assert_eq!(refused(&settings("others")).await, expected.replace("other is", "others is"));
}

#[tokio::test]
async fn many_open_a_new_schema_at_once() {
    let opening = (0..8).map(|_| async { PostgresStore::open(&settings("at once")).await });
    for store in futures_util::future::join_all(opening).await {
        assert_eq!(store.unwrap().check().await, Ok(()));
    }
}

#[tokio::test]
async fn a_role_without_rights_to_make_schemas_is_given_one() {
    execute("CREATE ROLE poor LOGIN; CREATE SCHEMA given AUTHORIZATION poor").await;
    let url = server().url().replace("user=postgres", "user=poor");
    let given =
        PostgresSettings { schema: "given".to_owned(), ..PostgresSettings::new(url.clone()) };
    let (store, a) = (PostgresStore::open(&given).await.unwrap(), wallet("a"));
    assert_eq!(save(&store, put(&a, 1, 0, "one")).await, Ok(()));
    let made = PostgresSettings { schema: "made".to_owned(), ..given };
    let expected = "the store SERVER/postgres, schema made is not available: \
         permission denied for database postgres (42501)";
    assert_eq!(refused(&made).await, expected);
}

#[tokio::test]
async fn names_and_addresses_that_cannot_be_are_told() {
    for name in ["", "pg_mine", &"x".repeat(64), "a\0b"] {
        let refused = refused(&settings(name)).await;
        assert!(refused.contains("cannot be the name of a schema"), "{refused}");
    }
    let nonsense = PostgresSettings::new("postgres://user:secret@host:port/");
    let refused = refused(&nonsense).await;
    assert!(refused.contains("its address cannot be read"), "{refused}");
    let elsewhere = server().url().replace("dbname=postgres", "dbname=missing");
    let refused = self::refused(&PostgresSettings::new(elsewhere)).await;
    assert!(refused.contains("make the database, or name another"), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_the_password() {
    let url = "host=/nowhere user=me password=secret dbname=mine";
    let error = PostgresStore::open(&PostgresSettings::new(url)).await.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable { .. }), "{error:?}");
    let told = format!("{error} {error:?}");
    assert!(told.contains("/nowhere/mine, schema goverse") && !told.contains("secret"), "{told}");
}

#[tokio::test]
async fn commits_are_waited_for_whatever_is_usual_on_the_server() {
    execute("CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET synchronous_commit = off")
        .await;
    let url = server().url().replace("user=postgres", "user=hasty");
    let hasty = PostgresSettings { schema: "hasty".to_owned(), ..PostgresSettings::new(url) };
    let store = PostgresStore::open(&hasty).await.unwrap();
    assert_eq!(store.synchronous_commit().await.as_deref(), Ok("on"));
    execute(
        "CREATE ROLE careful LOGIN SUPERUSER; ALTER ROLE careful SET synchronous_commit = local",
    )
    .await;
    let url = server().url().replace("user=postgres", "user=careful");
    let careful = PostgresSettings { schema: "hasty".to_owned(), ..PostgresSettings::new(url) };
    let store = PostgresStore::open(&careful).await.unwrap();
    assert_eq!(store.synchronous_commit().await.as_deref(), Ok("local"), "it is no less");
}

#[tokio::test]
async fn another_usual_isolation_makes_no_difference() {
    execute(
        "CREATE ROLE strict LOGIN SUPERUSER;
         ALTER ROLE strict SET default_transaction_isolation = 'repeatable read'",
    )
    .await;
    let url = server().url().replace("user=postgres", "user=strict");
    let strict = PostgresSettings { schema: "strict".to_owned(), ..PostgresSettings::new(url) };
    let store = Arc::new(PostgresStore::open(&strict).await.unwrap());
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        racers.spawn(async move { save(&*store, put(&wallet("a"), 1, 0, "one")).await });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let others = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(others.clone().all(|error| matches!(error, StoreError::Conflict(_))), "{answers:?}");
}

#[tokio::test]
async fn a_server_that_does_not_sync_is_refused() {
    let server = ScratchPostgres::start(&["fsync=off"]).unwrap();
    let error = PostgresStore::open(&PostgresSettings::new(server.url())).await.unwrap_err();
    assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
    assert!(error.to_string().contains("the server has fsync = off"), "{error}");
}

#[tokio::test]
async fn a_connection_that_was_cut_is_made_anew() {
    let mut settings = settings("cut");
    settings.url += " application_name=cut";
    let (store, a) = (PostgresStore::open(&settings).await.unwrap(), wallet("a"));
    store.load(load(&a, 1)).await.unwrap();
    save(&store, put(&a, 1, 0, "one")).await.unwrap();
    execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'cut'",
    )
    .await;
    let expected = "one".to_owned();
    let again = async {
        // The first that uses the cut connection may be told so.
        while stored_if_any(&store).await != Ok(Some((1, expected.clone()))) {}
    };
    timeout(Duration::from_secs(20), again).await.expect("it connects again");
    assert_eq!(save(&store, put(&a, 1, 1, "two")).await, Ok(()));
}

async fn stored_if_any(store: &PostgresStore) -> Result<Option<(u64, String)>, StoreError> {
    let read = store.read(&wallet("a")).await?;
    Ok(read.map(|(version, state)| (version.0, String::from_utf8(state.bytes).unwrap())))
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash_of_the_server() {
    let mut server = ScratchPostgres::start(&[]).unwrap();
    let (settings, a) = (PostgresSettings::new(server.url()), wallet("a"));
    let store = Arc::new(PostgresStore::open(&settings).await.unwrap());
    store.load(load(&a, 1)).await.unwrap();
    for round in 0..3 {
        let (writer, first) =
            (Arc::clone(&store), store.load(load(&a, 1)).await.unwrap().version.0);
        let writing = tokio::spawn(async move {
            let mut version = first;
            loop {
                match save(&*writer, put(&wallet("a"), 1, version, "state")).await {
                    Ok(()) => version += 1,
                    Err(error) => return (version, error),
                }
            }
        });
        let seen = async {
            while store.read(&a).await.unwrap().map_or(0, |(version, _)| version.0) < first + 20 {}
        };
        timeout(Duration::from_secs(20), seen).await.expect("it is written to");
        server.crash().unwrap();
        let (acknowledged, error) =
            timeout(Duration::from_secs(20), writing).await.unwrap().unwrap();
        let is_honest = matches!(error, StoreError::Unknown(_) | StoreError::Unavailable(_));
        assert!(is_honest, "round {round}: {error:?}");
        assert!(store.check().await.is_err(), "nobody is there");
        server.resume().unwrap();
        // The save without an answer may have been committed, and nothing else.
        let version = stored(&*store, &a).await.unwrap().0;
        let possible = acknowledged..=acknowledged + 1;
        assert!(possible.contains(&version), "round {round}: {version} of {possible:?}");
        let loaded = store.load(raising(&a, 1, acknowledged + 1)).await.unwrap();
        assert_eq!(loaded.version.0, acknowledged + 1);
        let late = save(&*store, put(&a, 1, acknowledged, "late")).await;
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    }
}

#[tokio::test]
async fn a_caller_who_leaves_keeps_no_transaction_open() {
    let store = PostgresStore::open(&settings("leaving")).await.unwrap();
    for number in 0..50 {
        let object = wallet(&number.to_string());
        // Polled once: what is sent is sent, and nobody waits for the answer.
        let leaving = store.load(raising(&object, number + 1, 3));
        let _ = futures_util::FutureExt::now_or_never(leaving);
    }
    let locks = "SELECT count(*) FROM pg_stat_activity
         WHERE state = 'idle in transaction' AND application_name = 'goverse'";
    let (client, connection) = tokio_postgres::connect(&server().url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let none_is_open = async {
        loop {
            assert_eq!(store.check().await, Ok(()));
            let row = client.query_one(locks, &[]).await.unwrap();
            if row.get::<_, i64>(0) == 0 {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), none_is_open).await.expect("all are closed");
    let a = wallet("a");
    store.load(load(&a, 99)).await.unwrap();
    assert_eq!(save(&store, put(&a, 99, 0, "one")).await, Ok(()));
}
