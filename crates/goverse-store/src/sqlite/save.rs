//! Saving a batch: each save on its own, all in one transaction. Saving one.

use std::slice;

use goverse_node::{CallRecord, Change, Outgoing, Save, StoreError, Version};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::{Failed, is_of_the_value};
use super::load::fence;
use crate::guard::Standing;
use crate::{limits, text};

/// One answer for each save. A failure of the file fails all of them.
pub(super) fn save(
    connection: &Connection,
    saves: &[Save],
) -> Result<Vec<Result<(), StoreError>>, Failed> {
    let mut answers = limits::check_saves(saves);
    for (answer, save) in answers.iter_mut().zip(saves) {
        if answer.is_ok() {
            *answer = save_one(connection, save)?;
        }
    }
    Ok(answers)
}

/// Saves one in a transaction that is rolled back if this fails.
pub(super) fn save_alone(connection: &Connection, save: &Save) -> Result<(), Failed> {
    limits::check_saves(slice::from_ref(save)).remove(0)?;
    standing(connection, save)?.admits(save)?;
    Ok(write(connection, save)?)
}

/// Saves one of several, or leaves nothing of it.
fn save_one(connection: &Connection, save: &Save) -> Result<Result<(), StoreError>, Failed> {
    let standing = standing(connection, save)?;
    if let Err(conflict) = standing.admits(save) {
        return Ok(Err(conflict.into()));
    }
    connection.prepare_cached("SAVEPOINT one")?.execute([])?;
    let written = match write(connection, save) {
        Ok(()) => Ok(()),
        Err(error) if is_of_the_value(&error) => {
            connection.prepare_cached("ROLLBACK TO one")?.execute([])?;
            Err(Failed::from(error).into())
        }
        Err(error) => return Err(error.into()),
    };
    connection.prepare_cached("RELEASE one")?.execute([])?;
    Ok(written)
}

fn standing(connection: &Connection, save: &Save) -> Result<Standing, Failed> {
    let fence = fence(connection, &save.tenure)?;
    let mut statement = connection
        .prepare_cached("SELECT version, tenure FROM objects WHERE type = ?1 AND id = ?2")?;
    let key = [save.object.type_name.as_str(), save.object.id.as_str()];
    let row = statement.query_one(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (version, tenure) = row.unwrap_or_default();
    Ok(Standing { fence, version: Version(text::number(version)?), tenure: text::number(tenure)? })
}

fn write(connection: &Connection, save: &Save) -> rusqlite::Result<()> {
    write_state(connection, save)?;
    save.calls.iter().try_for_each(|call| write_call(connection, save, call))?;
    save.outgoing.iter().try_for_each(|call| write_outgoing(connection, call))
}

fn write_state(connection: &Connection, save: &Save) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO objects (type, id, version, tenure, saved, schema, encoding, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (type, id) DO UPDATE SET
             version = excluded.version, tenure = excluded.tenure, saved = excluded.saved,
             schema = excluded.schema, encoding = excluded.encoding, state = excluded.state",
    )?;
    let state = match &save.change {
        Change::Put(state) => Some(state),
        Change::Delete => None,
    };
    statement.execute(params![
        save.object.type_name.as_str(),
        save.object.id.as_str(),
        text::stored(save.next.0),
        text::stored(save.tenure.since),
        text::stored(save.now),
        state.map(|state| state.schema),
        state.map(|state| state.encoding.as_str()),
        state.map(|state| &state.bytes),
    ])?;
    Ok(())
}

fn write_call(connection: &Connection, save: &Save, call: &CallRecord) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO calls
             (type, id, call_id, digest, failed, encoding, kept_until, answer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    statement.execute(params![
        save.object.type_name.as_str(),
        save.object.id.as_str(),
        call.call_id.as_str(),
        call.digest,
        call.failed,
        call.encoding.as_str(),
        text::stored(call.kept_until),
        call.answer,
    ])?;
    Ok(())
}

fn write_outgoing(connection: &Connection, call: &Outgoing) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO outgoing
             (type, id, version, place, to_type, to_id, method, encoding, call_id, committed,
              attempts, not_before, arguments)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    statement.execute(params![
        call.key.from.type_name.as_str(),
        call.key.from.id.as_str(),
        text::stored(call.key.version.0),
        call.key.index,
        call.to.type_name.as_str(),
        call.to.id.as_str(),
        call.method,
        call.encoding.as_str(),
        call.call_id.as_str(),
        text::stored(call.committed),
        call.attempts,
        text::stored(call.not_before),
        call.arguments,
    ])?;
    Ok(())
}
