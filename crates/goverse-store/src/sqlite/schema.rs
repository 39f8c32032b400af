//! The tables, and how an older file gets them.

use rusqlite::{Connection, Result};

/// Marks the file as ours: "GoVs".
pub(super) const APPLICATION: i64 = 0x476f_5673;

/// What leads from each version of the schema to the next, beginning with an empty file.
const STEPS: &[&str] = &["
    CREATE TABLE fences (
        key TEXT PRIMARY KEY,
        since INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- The state comes last: what is before it is read without it.
    CREATE TABLE objects (
        type TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        tenure INTEGER NOT NULL,
        saved INTEGER NOT NULL,
        schema INTEGER,
        encoding TEXT,
        state BLOB,
        PRIMARY KEY (type, id)
    ) STRICT;
    CREATE INDEX objects_gone ON objects (saved) WHERE state IS NULL;

    CREATE TABLE calls (
        type TEXT NOT NULL,
        id TEXT NOT NULL,
        call_id TEXT NOT NULL,
        digest BLOB NOT NULL,
        failed INTEGER NOT NULL,
        encoding TEXT NOT NULL,
        kept_until INTEGER NOT NULL,
        answer BLOB NOT NULL,
        PRIMARY KEY (type, id, call_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX calls_kept ON calls (kept_until);

    -- With a time of death, a dead letter.
    CREATE TABLE outgoing (
        type TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        place INTEGER NOT NULL,
        to_type TEXT NOT NULL,
        to_id TEXT NOT NULL,
        method TEXT NOT NULL,
        encoding TEXT NOT NULL,
        call_id TEXT NOT NULL,
        committed INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        not_before INTEGER NOT NULL,
        died INTEGER,
        reason TEXT,
        arguments BLOB NOT NULL,
        PRIMARY KEY (type, id, version, place)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outgoing_dead ON outgoing (type, id, version, place) WHERE died IS NOT NULL;
    "];

/// The newest version of the schema.
pub(super) const NEWEST: i64 = STEPS.len() as i64;

/// Brings the schema from version `found` to the newest, and marks the file as ours.
pub(super) fn migrate(connection: &Connection, found: i64) -> Result<()> {
    let done = usize::try_from(found).unwrap_or(0);
    for step in STEPS.iter().skip(done) {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", NEWEST)
}
