//! Objects in the order of type and id.

use std::cmp::Ordering;

use goverse_core::{ObjectId, TypeName};
use goverse_node::{Listed, StoreError, Version};
use tokio_postgres::Row;

use super::error::of_read;
use super::session::Session;
use crate::text;

const ALL: &str = "
    SELECT type, id, version, schema, octet_length(state)::bigint, saved FROM objects
    WHERE (type, id) > ($1, $2) AND gone IS NULL ORDER BY type, id LIMIT $3";

const OF_TYPE: &str = "
    SELECT type, id, version, schema, octet_length(state)::bigint, saved FROM objects
    WHERE type = $1 AND id > $2 AND gone IS NULL ORDER BY id LIMIT $3";

/// Objects with a state, those after `after` alone.
pub(super) async fn list(
    session: &mut Session,
    type_name: Option<&TypeName>,
    after: Option<&(TypeName, ObjectId)>,
    limit: u32,
) -> Result<Vec<Listed>, StoreError> {
    // No name is empty, so this comes before all.
    let (after_type, after_id) =
        after.map_or(("", ""), |(type_name, id)| (type_name.as_str(), id.as_str()));
    let limit = i64::from(limit);
    let (statement, type_name, id) = match type_name.map(TypeName::as_str) {
        None => (ALL, after_type, after_id),
        Some(only) => match only.cmp(after_type) {
            Ordering::Less => return Ok(Vec::new()),
            Ordering::Equal => (OF_TYPE, only, after_id),
            Ordering::Greater => (OF_TYPE, only, ""),
        },
    };
    let rows = session.rows(statement, &[&type_name, &id, &limit]).await.map_err(of_read)?;
    rows.iter().map(one).collect()
}

fn one(row: &Row) -> Result<Listed, StoreError> {
    let (type_name, id): (&str, &str) =
        (row.try_get(0).map_err(of_read)?, row.try_get(1).map_err(of_read)?);
    let number = |at| row.try_get::<_, i64>(at).map_err(of_read);
    Ok(Listed {
        object: text::object(type_name, id)?,
        version: Version(text::number(number(2)?)?),
        schema: text::small(number(3)?)?,
        len: text::number(number(4)?)?,
        saved: text::number(number(5)?)?,
    })
}
