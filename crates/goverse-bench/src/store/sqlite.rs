//! SQLite: the store, and a bare loop on the same file.

use std::sync::Arc;
use std::time::Instant;

use goverse_store::{SqliteSettings, SqliteStore};
use rusqlite::{Connection, params};
use tokio::runtime::Runtime;

use super::{Contest, RUN_TIME, STATE_BYTES};
use crate::report::Report;

pub(super) fn run(runtime: &Runtime, report: &Report, runs: usize) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("state.db");
    let store = SqliteStore::open(&SqliteSettings::new(&path)).expect("the file is new");
    let connection = Connection::open(&path).expect("the file is there");
    connection.pragma_update(None, "synchronous", 2).expect("it can be set");
    grow_log(&connection).expect("the file is new");
    let mut bare = || upserts_per_second(&connection).expect("the file is not locked");
    Contest { name: "sqlite", store: Arc::new(store), bare: &mut bare }.run(runtime, report, runs);
}

/// Lets the log have its size. While it grows, a sync has to write the file's size too, and takes several times as long
/// for whoever comes first.
fn grow_log(connection: &Connection) -> rusqlite::Result<()> {
    let insert = "INSERT INTO objects (type, id, version, tenure, saved, schema, encoding, state)
        VALUES ('Bare', 'large', 1, 1, 1, 1, 'json', zeroblob(8000000))";
    connection.execute(insert, [])?;
    connection.execute("DELETE FROM objects WHERE id = 'large'", [])?;
    connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))
}

/// One row, changed and committed again and again.
fn upserts_per_second(connection: &Connection) -> rusqlite::Result<f64> {
    let mut statement = connection.prepare(
        "INSERT INTO objects (type, id, version, tenure, saved, schema, encoding, state)
         VALUES ('Bare', 'a', ?1, 1, 1, 1, 'json', ?2)
         ON CONFLICT (type, id) DO UPDATE SET
             version = excluded.version, tenure = excluded.tenure, saved = excluded.saved,
             schema = excluded.schema, encoding = excluded.encoding, state = excluded.state",
    )?;
    let (begun, state, mut upserts) = (Instant::now(), [7_u8; STATE_BYTES], 0);
    while begun.elapsed() < RUN_TIME {
        upserts += 1;
        statement.execute(params![upserts, state.as_slice()])?;
    }
    Ok(upserts as f64 / begun.elapsed().as_secs_f64())
}
