//! Saving one object that is there, and nothing with it, as most saves are: the server needs less time for that than for
//! a batch of one.

use goverse_node::{Change, Save};
use tokio_postgres::Error;

use super::super::session::Session;
use crate::text::stored;

/// `standing`: the fence if it is not above the tenure, held as in a batch. It depends on nothing in `objects`, so it is
/// looked at once, and before.
const UPDATE: &str = "
    WITH standing AS MATERIALIZED (
        SELECT FROM fences WHERE key = $1 AND since <= $2 FOR SHARE
    )
    UPDATE objects SET version = $3, tenure = $2, saved = $4, gone = $5, schema = $6, encoding = $7, state = $8
    WHERE type = $9 AND id = $10 AND version = $11 AND tenure <= $2
        AND EXISTS (SELECT FROM standing)";

/// Whether it can be saved so.
pub(super) fn is_lone(save: &Save) -> bool {
    save.expected.0 > 0 && save.calls.is_empty() && save.outgoing.is_empty()
}

/// Saves it, and says whether it was let in.
pub(super) async fn save(session: &mut Session, save: &Save) -> Result<bool, Error> {
    let state = match &save.change {
        Change::Put(state) => Some(state),
        Change::Delete => None,
    };
    let saved = stored(save.now);
    let updated = session
        .execute(
            UPDATE,
            &[
                &save.tenure.key.as_str(),
                &stored(save.tenure.since),
                &stored(save.next.0),
                &saved,
                &state.is_none().then_some(saved),
                &state.map(|state| i64::from(state.schema)),
                &state.map(|state| state.encoding.as_str()),
                &state.map(|state| state.bytes.as_slice()),
                &save.object.type_name.as_str(),
                &save.object.id.as_str(),
                &stored(save.expected.0),
            ],
        )
        .await?;
    Ok(updated > 0)
}
