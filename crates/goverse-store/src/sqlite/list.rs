//! Objects in the order of type and id.

use goverse_core::{ObjectId, TypeName};
use goverse_node::{Listed, Version};
use rusqlite::{CachedStatement, Connection, Params, Row, params};

use super::error::Failed;
use crate::text;

/// Objects with a state, those after `after` alone.
pub(super) fn list(
    connection: &Connection,
    type_name: Option<&TypeName>,
    after: Option<&(TypeName, ObjectId)>,
    limit: u32,
) -> Result<Vec<Listed>, Failed> {
    // No name is empty, so this comes before all.
    let (after_type, after_id) =
        after.map_or(("", ""), |(type_name, id)| (type_name.as_str(), id.as_str()));
    let Some(only) = type_name.map(TypeName::as_str) else {
        let statement = connection.prepare_cached(
            "SELECT type, id, version, schema, length(state), saved FROM objects
             WHERE (type, id) > (?1, ?2) AND state IS NOT NULL ORDER BY type, id LIMIT ?3",
        )?;
        return collect(statement, params![after_type, after_id, limit]);
    };
    let statement = connection.prepare_cached(
        "SELECT type, id, version, schema, length(state), saved FROM objects
         WHERE type = ?1 AND id > ?2 AND state IS NOT NULL ORDER BY id LIMIT ?3",
    )?;
    match only.cmp(after_type) {
        std::cmp::Ordering::Less => Ok(Vec::new()),
        std::cmp::Ordering::Equal => collect(statement, params![only, after_id, limit]),
        std::cmp::Ordering::Greater => collect(statement, params![only, "", limit]),
    }
}

fn collect(mut statement: CachedStatement<'_>, these: impl Params) -> Result<Vec<Listed>, Failed> {
    let mut rows = statement.query(these)?;
    let mut listed = Vec::new();
    while let Some(row) = rows.next()? {
        listed.push(one(row)?);
    }
    Ok(listed)
}

fn one(row: &Row<'_>) -> Result<Listed, Failed> {
    let (type_name, id): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(Listed {
        object: text::object(&type_name, &id)?,
        version: Version(text::number(row.get(2)?)?),
        schema: text::small(row.get(3)?)?,
        len: text::number(row.get(4)?)?,
        saved: text::number(row.get(5)?)?,
    })
}
