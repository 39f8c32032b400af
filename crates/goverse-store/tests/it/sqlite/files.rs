//! Files that cannot be used: what is said of them, and that they are left as they are.

use std::path::Path;
use std::time::Duration;

use goverse_node::{StateStore, StoreError};
use goverse_store::{OpenError, SqliteSettings, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::conformance::records::{load, put, save, stored, wallet};

/// Opening must fail so, and leave the file as it was.
fn check_refused(path: &Path, expected: &str) {
    let before = std::fs::read(path).ok();
    let error = SqliteStore::open(&SqliteSettings::new(path)).unwrap_err();
    let shown = error.to_string().replace(&path.display().to_string(), "FILE");
    assert_eq!(shown, expected);
    assert_eq!(std::fs::read(path).ok(), before, "{expected}");
}

#[test]
fn a_file_of_another_program_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "dear diary").unwrap();
    let advice = "name another place, or move it away";
    check_refused(
        &path,
        &format!("the store FILE is not of GoVerse: it is no SQLite file; {advice}"),
    );
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA application_id = 66; CREATE TABLE fences (key)").unwrap();
    other.close().unwrap();
    let problem = "its application id is 0x42, not 0x476f5673";
    check_refused(&path, &format!("the store FILE is not of GoVerse: {problem}; {advice}"));
}

#[test]
fn a_folder_is_no_file() {
    let folder = TempDir::new().unwrap();
    let error = SqliteStore::open(&SqliteSettings::new(folder.path())).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    drop(SqliteStore::open(&SqliteSettings::new(&path)).unwrap());
    let newer = Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    newer.close().unwrap();
    check_refused(
        &path,
        "the store FILE has schema 2, and this program knows none above 1; \
         use the program that wrote it, or a newer one",
    );
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let folder = TempDir::new().unwrap();
    check_refused(
        &folder.path().join("missing/state.db"),
        "the store FILE is not available: unable to open database file: FILE: \
         the folder must be there, and this user must be able to write to it",
    );
}

#[test]
fn a_file_that_may_not_be_written_is_told() {
    // Nobody may write there, not even root.
    let error = SqliteStore::open(&SqliteSettings::new("/proc/state.db")).unwrap_err().to_string();
    assert!(error.contains("this user must be able to write to it"), "{error}");
}

#[tokio::test]
async fn a_locked_file_is_waited_for_and_then_told() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let settings =
        SqliteSettings { patience: Duration::from_millis(50), ..SqliteSettings::new(&path) };
    let (store, a) = (SqliteStore::open(&settings).unwrap(), wallet("a"));
    store.load(load(&a, 1)).await.unwrap();
    let locker = Connection::open(&path).unwrap();
    locker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = save(&store, put(&a, 1, 0, "late")).await;
    let expected = "database is locked: another program has the file locked; end it";
    assert_eq!(refused, Err(StoreError::Unavailable(expected.to_owned())));
    assert!(store.check().await.is_err());
    assert_eq!(stored(&store, &a).await, None, "reading goes on");
    locker.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.check().await, Ok(()));
    assert_eq!(save(&store, put(&a, 1, 0, "now")).await, Ok(()));
}

#[test]
fn a_file_that_is_locked_at_the_start_is_told() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let locker = Connection::open(&path).unwrap();
    locker.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let settings =
        SqliteSettings { patience: Duration::from_millis(50), ..SqliteSettings::new(&path) };
    let error = SqliteStore::open(&settings).unwrap_err();
    assert!(matches!(error, OpenError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().ends_with("another program has the file locked; end it"), "{error}");
}

#[tokio::test]
async fn a_full_disk_fails_the_save_and_harms_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let settings = SqliteSettings { file_bytes_max: Some(256 << 10), ..SqliteSettings::new(&path) };
    let (store, a, b) = (SqliteStore::open(&settings).unwrap(), wallet("a"), wallet("b"));
    save(&store, put(&a, 1, 0, "small")).await.unwrap();
    let large = "x".repeat(1 << 20);
    let refused = save(&store, put(&b, 1, 0, &large)).await;
    let expected = "database or disk is full: there is no room; free some, or raise the limit";
    assert_eq!(refused, Err(StoreError::Unavailable(expected.to_owned())));
    assert_eq!(stored(&store, &b).await, None);
    assert_eq!(stored(&store, &a).await, Some((1, "small".to_owned())));
    assert_eq!(save(&store, put(&b, 1, 0, "small")).await, Ok(()), "what has room is let in");
}
