//! Deleting what is past its time.

use rusqlite::{Connection, params};

use super::error::Failed;
use crate::text;

/// Deletes records of calls, then what is left of deleted objects; at most `limit` rows.
pub(super) fn sweep(
    connection: &Connection,
    now: u64,
    deleted_before: u64,
    limit: u32,
) -> Result<u64, Failed> {
    let mut calls = connection.prepare_cached(
        "DELETE FROM calls WHERE (type, id, call_id) IN
             (SELECT type, id, call_id FROM calls WHERE kept_until < ?1 LIMIT ?2)",
    )?;
    let records = calls.execute(params![text::stored(now), limit])? as u64;
    let mut gone = connection.prepare_cached(
        "DELETE FROM objects WHERE rowid IN
             (SELECT o.rowid FROM objects AS o
              WHERE o.state IS NULL AND o.saved < ?1
                  AND NOT EXISTS (SELECT 1 FROM outgoing AS c WHERE c.type = o.type AND c.id = o.id)
              LIMIT ?2)",
    )?;
    let left = u64::from(limit).saturating_sub(records);
    let objects = gone.execute(params![text::stored(deleted_before), text::stored(left)])? as u64;
    Ok(records + objects)
}
