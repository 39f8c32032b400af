//! Tenures, and objects as they are read.

use goverse_node::{FenceKey, Load, Loaded, ObjectKey, StoreError, StoredState, Tenure, Version};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::Failed;
use crate::guard::not_fenced;
use crate::text;

/// Raises the fence above what it was, and at least to `now`.
pub(super) fn begin_tenure(
    connection: &Connection,
    key: FenceKey,
    now: u64,
) -> Result<Tenure, Failed> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO fences (key, since) VALUES (?1, max(?2, 1))
         ON CONFLICT (key) DO UPDATE SET since = max(excluded.since, since + 1)
         RETURNING since",
    )?;
    let since = statement.query_one(params![key.as_str(), text::stored(now)], |row| row.get(0))?;
    Ok(Tenure { key, since: text::number(since)? })
}

/// The fence of a tenure; 0 if there is none.
pub(super) fn fence(connection: &Connection, tenure: &Tenure) -> Result<u64, Failed> {
    let mut statement = connection.prepare_cached("SELECT since FROM fences WHERE key = ?1")?;
    let since = statement.query_one([tenure.key.as_str()], |row| row.get(0)).optional()?;
    Ok(text::number(since.unwrap_or(0))?)
}

/// Reads the object if that takes no change: the fence stands where the tenure has it.
pub(super) fn look(connection: &Connection, load: &Load) -> Result<Option<Loaded>, Failed> {
    let fence = fence(connection, &load.tenure)?;
    not_fenced(&load.tenure, fence)?;
    if fence < load.tenure.since || load.raise_to.is_some() {
        return Ok(None);
    }
    loaded(connection, &load.object).map(Some)
}

/// Raises the fence, then the version, then reads the object.
pub(super) fn raise(connection: &Connection, load: &Load) -> Result<Loaded, Failed> {
    not_fenced(&load.tenure, fence(connection, &load.tenure)?)?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO fences (key, since) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET since = excluded.since",
    )?;
    statement.execute(params![load.tenure.key.as_str(), text::stored(load.tenure.since)])?;
    if let Some(version) = load.raise_to {
        raise_version(connection, load, version)?;
    }
    loaded(connection, &load.object)
}

fn raise_version(connection: &Connection, load: &Load, to: Version) -> Result<(), Failed> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO objects (type, id, version, tenure, saved) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (type, id) DO UPDATE SET
             tenure = iif(version < excluded.version, max(tenure, excluded.tenure), tenure),
             version = max(version, excluded.version),
             saved = iif(state IS NULL, max(saved, excluded.saved), saved)",
    )?;
    statement.execute(params![
        load.object.type_name.as_str(),
        load.object.id.as_str(),
        text::stored(to.0),
        text::stored(load.tenure.since),
        text::stored(load.now),
    ])?;
    Ok(())
}

fn loaded(connection: &Connection, object: &ObjectKey) -> Result<Loaded, Failed> {
    let mut statement = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM calls WHERE type = ?1 AND id = ?2)")?;
    let key = [object.type_name.as_str(), object.id.as_str()];
    let has_call_records = statement.query_one(key, |row| row.get(0))?;
    let (version, state) = row(connection, object)?.unwrap_or_default();
    Ok(Loaded { version, state, has_call_records })
}

/// The row of an object, which has no state if the object was deleted.
pub(super) fn row(
    connection: &Connection,
    object: &ObjectKey,
) -> Result<Option<(Version, Option<StoredState>)>, Failed> {
    let mut statement = connection.prepare_cached(
        "SELECT version, schema, encoding, state FROM objects WHERE type = ?1 AND id = ?2",
    )?;
    let mut rows = statement.query([object.type_name.as_str(), object.id.as_str()])?;
    rows.next()?.map(versioned).transpose()
}

fn versioned(row: &Row<'_>) -> Result<(Version, Option<StoredState>), Failed> {
    let version = Version(text::number(row.get(0)?)?);
    let Some(bytes) = row.get(3)? else { return Ok((version, None)) };
    let schema: Option<i64> = row.get(1)?;
    let encoding: Option<String> = row.get(2)?;
    let (Some(schema), Some(encoding)) = (schema, encoding) else {
        return Err(StoreError::Corrupt("a state without schema or encoding".to_owned()).into());
    };
    let (schema, encoding) = (text::small(schema)?, text::encoding(&encoding)?);
    Ok((version, Some(StoredState { schema, encoding, bytes })))
}
