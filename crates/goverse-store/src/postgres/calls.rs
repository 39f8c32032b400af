//! Records of calls.

use goverse_node::{CallId, CallRecord, ObjectKey, StoreError};
use tokio_postgres::Row;

use super::error::of_read;
use super::session::Session;
use crate::text;

const RECORD: &str = "
    SELECT digest, failed, encoding, kept_until, answer FROM calls
    WHERE type = $1 AND id = $2 AND call_id = $3";

/// The record of a call.
pub(super) async fn record(
    session: &mut Session,
    object: &ObjectKey,
    call_id: CallId,
) -> Result<Option<CallRecord>, StoreError> {
    let values: [&str; 3] = [object.type_name.as_str(), object.id.as_str(), call_id.as_str()];
    let values = session.rows(RECORD, &[&values[0], &values[1], &values[2]]).await;
    let rows = values.map_err(of_read)?;
    rows.first().map(|row| of_row(row, call_id)).transpose()
}

fn of_row(row: &Row, call_id: CallId) -> Result<CallRecord, StoreError> {
    let (digest, encoding): (&[u8], &str) =
        (row.try_get(0).map_err(of_read)?, row.try_get(2).map_err(of_read)?);
    Ok(CallRecord {
        call_id,
        digest: text::digest(digest)?,
        failed: row.try_get(1).map_err(of_read)?,
        encoding: text::encoding(encoding)?,
        answer: row.try_get(4).map_err(of_read)?,
        kept_until: text::number(row.try_get(3).map_err(of_read)?)?,
    })
}
