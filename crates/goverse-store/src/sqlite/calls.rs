//! Records of calls, calls that are to be made, and those that failed for good.

use goverse_node::{
    CallId, CallRecord, DeadLetter, ObjectKey, Outgoing, OutgoingKey, Settlement, Version,
};
use rusqlite::{Connection, Row, params};

use super::error::Failed;
use crate::{limits, text};

/// The record of a call.
pub(super) fn record(
    connection: &Connection,
    object: &ObjectKey,
    call_id: CallId,
) -> Result<Option<CallRecord>, Failed> {
    let mut statement = connection.prepare_cached(
        "SELECT digest, failed, encoding, kept_until, answer FROM calls
         WHERE type = ?1 AND id = ?2 AND call_id = ?3",
    )?;
    let key = [object.type_name.as_str(), object.id.as_str(), call_id.as_str()];
    let mut rows = statement.query(key)?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (digest, encoding): (Vec<u8>, String) = (row.get(0)?, row.get(2)?);
    Ok(Some(CallRecord {
        call_id,
        digest: text::digest(&digest)?,
        failed: row.get(1)?,
        encoding: text::encoding(&encoding)?,
        answer: row.get(4)?,
        kept_until: text::number(row.get(3)?)?,
    }))
}

/// Calls that are to be made.
pub(super) fn outgoing(
    connection: &Connection,
    after: Option<&OutgoingKey>,
    limit: u32,
) -> Result<Vec<Outgoing>, Failed> {
    let statement = "SELECT type, id, version, place, to_type, to_id, method, encoding, call_id,
             committed, attempts, not_before, arguments FROM outgoing
         WHERE (type, id, version, place) > (?1, ?2, ?3, ?4) AND died IS NULL
         ORDER BY type, id, version, place LIMIT ?5";
    page(connection, statement, after, limit, call)
}

/// Calls that failed for good.
pub(super) fn dead_letters(
    connection: &Connection,
    after: Option<&OutgoingKey>,
    limit: u32,
) -> Result<Vec<DeadLetter>, Failed> {
    let statement = "SELECT type, id, version, place, to_type, to_id, method, encoding, call_id,
             committed, attempts, not_before, arguments, died, reason FROM outgoing
         WHERE (type, id, version, place) > (?1, ?2, ?3, ?4) AND died IS NOT NULL
         ORDER BY type, id, version, place LIMIT ?5";
    page(connection, statement, after, limit, |row| {
        Ok(DeadLetter { call: call(row)?, at: text::number(row.get(13)?)?, reason: row.get(14)? })
    })
}

fn page<T>(
    connection: &Connection,
    statement: &str,
    after: Option<&OutgoingKey>,
    limit: u32,
    read: impl Fn(&Row<'_>) -> Result<T, Failed>,
) -> Result<Vec<T>, Failed> {
    // No name is empty, so this comes before all.
    let start = ("", "", 0, 0);
    let (type_name, id, version, index) = after.map_or(start, parts);
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query(params![type_name, id, version, index, limit])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

fn parts(key: &OutgoingKey) -> (&str, &str, i64, u32) {
    let OutgoingKey { from, version, index } = key;
    (from.type_name.as_str(), from.id.as_str(), text::stored(version.0), *index)
}

fn call(row: &Row<'_>) -> Result<Outgoing, Failed> {
    let words: [String; 7] =
        [row.get(0)?, row.get(1)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?];
    let [type_name, id, to_type, to_id, method, encoding, call_id] = words;
    let from = text::object(&type_name, &id)?;
    let version = Version(text::number(row.get(2)?)?);
    Ok(Outgoing {
        key: OutgoingKey { from, version, index: text::small(row.get(3)?)? },
        to: text::object(&to_type, &to_id)?,
        method,
        encoding: text::encoding(&encoding)?,
        arguments: row.get(12)?,
        call_id: text::call_id(&call_id)?,
        committed: text::number(row.get(9)?)?,
        attempts: text::small(row.get(10)?)?,
        not_before: text::number(row.get(11)?)?,
    })
}

/// Writes down what became of calls.
pub(super) fn settle(connection: &Connection, settlements: &[Settlement]) -> Result<(), Failed> {
    settlements.iter().try_for_each(|settlement| settle_one(connection, settlement))
}

fn settle_one(connection: &Connection, settlement: &Settlement) -> Result<(), Failed> {
    match settlement {
        Settlement::Delivered(key) => {
            let mut statement = connection.prepare_cached(
                "DELETE FROM outgoing
                 WHERE (type, id, version, place) = (?1, ?2, ?3, ?4) AND died IS NULL",
            )?;
            statement.execute(parts(key))?;
        }
        Settlement::Again { key, attempts, not_before } => {
            let mut statement = connection.prepare_cached(
                "UPDATE outgoing SET attempts = ?5, not_before = ?6
                 WHERE (type, id, version, place) = (?1, ?2, ?3, ?4) AND died IS NULL",
            )?;
            let (type_name, id, version, index) = parts(key);
            let not_before = text::stored(*not_before);
            statement.execute(params![type_name, id, version, index, attempts, not_before])?;
        }
        Settlement::Dead { key, at, reason } => {
            let mut statement = connection.prepare_cached(
                "UPDATE outgoing SET died = ?5, reason = ?6
                 WHERE (type, id, version, place) = (?1, ?2, ?3, ?4) AND died IS NULL",
            )?;
            let (type_name, id, version, index) = parts(key);
            let (at, reason) = (text::stored(*at), limits::reason(reason));
            statement.execute(params![type_name, id, version, index, at, reason])?;
        }
    }
    Ok(())
}

/// Deletes a dead letter, or makes it a call again.
pub(super) fn resolve(
    connection: &Connection,
    key: &OutgoingKey,
    retry: bool,
) -> Result<bool, Failed> {
    let statement = if retry {
        "UPDATE outgoing SET died = NULL, reason = NULL, attempts = 0, not_before = 0
         WHERE (type, id, version, place) = (?1, ?2, ?3, ?4) AND died IS NOT NULL"
    } else {
        "DELETE FROM outgoing
         WHERE (type, id, version, place) = (?1, ?2, ?3, ?4) AND died IS NOT NULL"
    };
    Ok(connection.prepare_cached(statement)?.execute(parts(key))? > 0)
}
