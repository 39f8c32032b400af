//! Calls that are to be made, and those that failed for good.

use futures_util::future;
use goverse_node::{DeadLetter, Outgoing, OutgoingKey, Settlement, StoreError, Version};
use tokio_postgres::{Error, Row};

use super::error::{of_read, of_write};
use super::session::{Session, transaction};
use crate::{limits, text};

const OUTGOING: &str = "
    SELECT type, id, version, place, to_type, to_id, method, encoding, call_id,
        committed, attempts, not_before, arguments FROM outgoing
    WHERE (type, id, version, place) > ($1, $2, $3, $4) AND died IS NULL
    ORDER BY type, id, version, place LIMIT $5";

const DEAD: &str = "
    SELECT type, id, version, place, to_type, to_id, method, encoding, call_id,
        committed, attempts, not_before, arguments, died, reason FROM outgoing
    WHERE (type, id, version, place) > ($1, $2, $3, $4) AND died IS NOT NULL
    ORDER BY type, id, version, place LIMIT $5";

const DELIVERED: &str = "
    DELETE FROM outgoing AS o
    USING unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS k (type, id, version, place)
    WHERE (o.type, o.id, o.version, o.place) = (k.type, k.id, k.version, k.place)
        AND o.died IS NULL";

const AGAIN: &str = "
    UPDATE outgoing AS o SET attempts = k.attempts, not_before = k.not_before
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
        AS k (type, id, version, place, attempts, not_before)
    WHERE (o.type, o.id, o.version, o.place) = (k.type, k.id, k.version, k.place)
        AND o.died IS NULL";

const DIED: &str = "
    UPDATE outgoing AS o SET died = k.died, reason = k.reason
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
        AS k (type, id, version, place, died, reason)
    WHERE (o.type, o.id, o.version, o.place) = (k.type, k.id, k.version, k.place)
        AND o.died IS NULL";

const TRY_AGAIN: &str = "
    UPDATE outgoing SET died = NULL, reason = NULL, attempts = 0, not_before = 0
    WHERE type = $1 AND id = $2 AND version = $3 AND place = $4 AND died IS NOT NULL";

const FORGET: &str = "
    DELETE FROM outgoing
    WHERE type = $1 AND id = $2 AND version = $3 AND place = $4 AND died IS NOT NULL";

/// Keys, column by column.
#[derive(Default)]
struct Keys<'a> {
    type_names: Vec<&'a str>,
    ids: Vec<&'a str>,
    versions: Vec<i64>,
    indices: Vec<i64>,
}

/// Settlements of each kind, column by column.
#[derive(Default)]
struct Kinds<'a> {
    delivered: Keys<'a>,
    again: Keys<'a>,
    attempts: Vec<i64>,
    not_before: Vec<i64>,
    dead: Keys<'a>,
    died: Vec<i64>,
    reasons: Vec<String>,
}

/// Calls that are to be made.
pub(super) async fn outgoing(
    session: &mut Session,
    after: Option<&OutgoingKey>,
    limit: u32,
) -> Result<Vec<Outgoing>, StoreError> {
    page(session, OUTGOING, after, limit).await?.iter().map(call).collect()
}

/// Calls that failed for good.
pub(super) async fn dead_letters(
    session: &mut Session,
    after: Option<&OutgoingKey>,
    limit: u32,
) -> Result<Vec<DeadLetter>, StoreError> {
    let letter = |row: &Row| {
        let at = text::number(row.try_get(13).map_err(of_read)?)?;
        Ok(DeadLetter { call: call(row)?, at, reason: row.try_get(14).map_err(of_read)? })
    };
    page(session, DEAD, after, limit).await?.iter().map(letter).collect()
}

async fn page(
    session: &mut Session,
    statement: &'static str,
    after: Option<&OutgoingKey>,
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    // No name is empty, so this comes before all.
    let (type_name, id, version, index) = after.map_or(("", "", 0, 0), parts);
    let limit = i64::from(limit);
    session.rows(statement, &[&type_name, &id, &version, &index, &limit]).await.map_err(of_read)
}

fn parts(key: &OutgoingKey) -> (&str, &str, i64, i64) {
    let OutgoingKey { from, version, index } = key;
    let index = i64::from(*index);
    (from.type_name.as_str(), from.id.as_str(), text::stored(version.0), index)
}

fn call(row: &Row) -> Result<Outgoing, StoreError> {
    let word = |at| row.try_get::<_, &str>(at).map_err(of_read);
    let number = |at| row.try_get::<_, i64>(at).map_err(of_read);
    let from = text::object(word(0)?, word(1)?)?;
    let version = Version(text::number(number(2)?)?);
    Ok(Outgoing {
        key: OutgoingKey { from, version, index: text::small(number(3)?)? },
        to: text::object(word(4)?, word(5)?)?,
        method: word(6)?.to_owned(),
        encoding: text::encoding(word(7)?)?,
        arguments: row.try_get(12).map_err(of_read)?,
        call_id: text::call_id(word(8)?)?,
        committed: text::number(number(9)?)?,
        attempts: text::small(number(10)?)?,
        not_before: text::number(number(11)?)?,
    })
}

/// Writes down what became of calls.
pub(super) async fn settle(
    session: &mut Session,
    settlements: &[Settlement],
) -> Result<(), StoreError> {
    if settlements.is_empty() {
        return Ok(());
    }
    settle_all(session, &Kinds::of(settlements)).await.map_err(of_write)
}

async fn settle_all(session: &mut Session, kinds: &Kinds<'_>) -> Result<(), Error> {
    let delivered = session.prepared(DELIVERED).await?;
    let again = session.prepared(AGAIN).await?;
    let died = session.prepared(DIED).await?;
    let client = session.client();
    let work = async {
        let Kinds { delivered: of_delivered, again: of_again, dead: of_dead, .. } = kinds;
        let [a, b, c, d] = of_delivered.values();
        let delivered_values = [a, b, c, d];
        let [a, b, c, d] = of_again.values();
        let again_values = [a, b, c, d, &kinds.attempts, &kinds.not_before];
        let [a, b, c, d] = of_dead.values();
        let dead_values = [a, b, c, d, &kinds.died as _, &kinds.reasons as _];
        let (delivered, again, died) = future::join3(
            client.execute(&delivered, &delivered_values),
            client.execute(&again, &again_values),
            client.execute(&died, &dead_values),
        )
        .await;
        delivered.and(again).and(died)
    };
    transaction(client, work).await.map(|_| ())
}

/// Deletes a dead letter, or makes it a call again.
pub(super) async fn resolve(
    session: &mut Session,
    key: &OutgoingKey,
    retry: bool,
) -> Result<bool, StoreError> {
    let (type_name, id, version, index) = parts(key);
    let statement = if retry { TRY_AGAIN } else { FORGET };
    let changed = session.execute(statement, &[&type_name, &id, &version, &index]).await;
    Ok(changed.map_err(of_write)? > 0)
}

// === impl Keys ===

impl<'a> Keys<'a> {
    fn push(&mut self, key: &'a OutgoingKey) {
        let (type_name, id, version, index) = parts(key);
        self.type_names.push(type_name);
        self.ids.push(id);
        self.versions.push(version);
        self.indices.push(index);
    }

    fn values(&self) -> [&(dyn tokio_postgres::types::ToSql + Sync); 4] {
        [&self.type_names, &self.ids, &self.versions, &self.indices]
    }
}

// === impl Kinds ===

impl<'a> Kinds<'a> {
    fn of(settlements: &'a [Settlement]) -> Self {
        let mut kinds = Self::default();
        for settlement in settlements {
            match settlement {
                Settlement::Delivered(key) => kinds.delivered.push(key),
                Settlement::Again { key, attempts, not_before } => {
                    kinds.again.push(key);
                    kinds.attempts.push(i64::from(*attempts));
                    kinds.not_before.push(text::stored(*not_before));
                }
                Settlement::Dead { key, at, reason } => {
                    kinds.dead.push(key);
                    kinds.died.push(text::stored(*at));
                    kinds.reasons.push(limits::reason(reason));
                }
            }
        }
        kinds
    }
}
