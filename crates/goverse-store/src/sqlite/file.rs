//! Opening the file: whose it is, and that it keeps what is committed.

use std::fs::File;
use std::io::Read;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::SqliteSettings;
use super::error::explain;
use super::schema::{APPLICATION, NEWEST, migrate};
use crate::{OpenError, text};

/// `PRAGMA synchronous`: each commit is synced before it returns.
const FULL: i64 = 2;

/// How many prepared statements a connection keeps; there are fewer.
const STATEMENTS: usize = 64;

/// Opens the connection that writes; the file gets its tables if it is new.
pub(super) fn open_writer(settings: &SqliteSettings) -> Result<Connection, OpenError> {
    refuse_foreign(settings)?;
    let mut connection = connect(settings, OpenFlags::SQLITE_OPEN_CREATE)?;
    let failed = |error: rusqlite::Error| unavailable(settings, &error);
    bring_up(settings, &mut connection)?;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        let problem = format!("its journal mode stays {mode:?}; put it on a disk of this machine");
        return Err(unusable(settings, problem));
    }
    if let Some(bytes) = settings.file_bytes_max {
        limit(&connection, bytes).map_err(failed)?;
    }
    make_durable(settings, &connection)?;
    Ok(connection)
}

/// Opens a connection that reads.
pub(super) fn open_reader(settings: &SqliteSettings) -> Result<Connection, OpenError> {
    let connection = connect(settings, OpenFlags::empty())?;
    let query_only = connection.pragma_update(None, "query_only", true);
    query_only.map_err(|error| unavailable(settings, &error))?;
    make_durable(settings, &connection)?;
    Ok(connection)
}

/// What the connection's `PRAGMA synchronous` is.
pub(super) fn synchronous(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "synchronous", |row| row.get(0))
}

/// Reads the head of the file, before SQLite may change anything by opening it.
fn refuse_foreign(settings: &SqliteSettings) -> Result<(), OpenError> {
    let Ok(mut file) = File::open(&settings.path) else {
        return Ok(()); // SQLite will make it, or say why it cannot.
    };
    let mut head = [0; 72];
    let problem = match file.read_exact(&mut head) {
        Err(_) if file.metadata().is_ok_and(|file| file.is_file() && file.len() == 0) => {
            return Ok(());
        }
        Ok(()) if head.starts_with(b"SQLite format 3\0") => {
            let [.., a, b, c, d] = head;
            match i64::from(u32::from_be_bytes([a, b, c, d])) {
                APPLICATION => return Ok(()),
                other => format!("its application id is {other:#x}, not {APPLICATION:#x}"),
            }
        }
        _ => "it is no SQLite file".to_owned(),
    };
    Err(OpenError::Foreign { place: place(settings), problem })
}

fn connect(settings: &SqliteSettings, more: OpenFlags) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(&settings.path, flags);
    let connection = connection.map_err(|error| unavailable(settings, &error))?;
    let patient = connection.busy_timeout(settings.patience);
    patient.map_err(|error| unavailable(settings, &error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Brings the schema up to date, in one transaction that excludes others who try the same.
///
/// A new file gets its tables before it gets its write-ahead log, so that its head says whose it is from the start.
fn bring_up(settings: &SqliteSettings, connection: &mut Connection) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| unavailable(settings, &error);
    let found = version(connection).map_err(failed)?;
    if found == NEWEST {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(failed)?;
    let found = version(&transaction).map_err(failed)?;
    if found > NEWEST {
        return Err(OpenError::Newer { place: place(settings), found, known: NEWEST });
    }
    if found < NEWEST {
        migrate(&transaction, found).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn limit(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = (text::stored(bytes) / page).max(1);
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

/// Has each commit synced, also to the medium itself where that is another matter, and checks that it took.
fn make_durable(settings: &SqliteSettings, connection: &Connection) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| unavailable(settings, &error);
    connection.pragma_update(None, "synchronous", FULL).map_err(failed)?;
    connection.pragma_update(None, "fullfsync", true).map_err(failed)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true).map_err(failed)?;
    match synchronous(connection).map_err(failed)? {
        FULL => Ok(()),
        found => Err(unusable(settings, format!("its PRAGMA synchronous stays {found}, not FULL"))),
    }
}

fn place(settings: &SqliteSettings) -> String {
    settings.path.display().to_string()
}

fn unavailable(settings: &SqliteSettings, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            unusable(settings, format!("{error}; bring back a copy"))
        }
        _ => OpenError::Unavailable { place: place(settings), problem: explain(error) },
    }
}

fn unusable(settings: &SqliteSettings, problem: String) -> OpenError {
    OpenError::Unusable { place: place(settings), problem }
}
