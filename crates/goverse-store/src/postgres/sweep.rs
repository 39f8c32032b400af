//! Deleting what is past its time. Several nodes may sweep: each leaves what another has at hand.

use goverse_node::StoreError;

use super::error::of_write;
use super::session::Session;
use crate::text;

const CALLS: &str = "
    DELETE FROM calls WHERE (type, id, call_id) IN (
        SELECT type, id, call_id FROM calls WHERE kept_until < $1
        LIMIT $2 FOR UPDATE SKIP LOCKED)";

const OBJECTS: &str = "
    DELETE FROM objects WHERE (type, id) IN (
        SELECT o.type, o.id FROM objects AS o
        WHERE o.gone IS NOT NULL AND o.gone < $1
            AND NOT EXISTS (SELECT 1 FROM outgoing AS c WHERE c.type = o.type AND c.id = o.id)
        LIMIT $2 FOR UPDATE OF o SKIP LOCKED)";

/// Deletes records of calls, then what is left of deleted objects; at most `limit` rows.
pub(super) async fn sweep(
    session: &mut Session,
    now: u64,
    deleted_before: u64,
    limit: u32,
) -> Result<u64, StoreError> {
    let now = text::stored(now);
    let records = session.execute(CALLS, &[&now, &i64::from(limit)]).await.map_err(of_write)?;
    let left = text::stored(u64::from(limit).saturating_sub(records));
    let deleted_before = text::stored(deleted_before);
    let objects = session.execute(OBJECTS, &[&deleted_before, &left]).await.map_err(of_write)?;
    Ok(records + objects)
}
