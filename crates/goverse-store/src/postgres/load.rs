//! Tenures, and objects as they are read.

use futures_util::future;
use goverse_node::{FenceKey, Load, Loaded, ObjectKey, StoreError, StoredState, Tenure, Version};
use tokio_postgres::{Error, Row};

use super::error::{is_worth_another_try, of_read, of_write};
use super::session::{Session, transaction};
use crate::guard::not_fenced;
use crate::text;

const BEGIN_TENURE: &str = "
    INSERT INTO fences AS f (key, since) VALUES ($1, greatest($2::bigint, 1))
    ON CONFLICT (key) DO UPDATE SET since = greatest(excluded.since, f.since + 1)
    RETURNING since";

/// The fence and the object, both of one moment.
const LOOK: &str = "
    SELECT (SELECT since FROM fences WHERE key = $1),
        EXISTS (SELECT 1 FROM calls AS c WHERE c.type = $2 AND c.id = $3),
        o.version, o.schema, o.encoding, o.state
    FROM (VALUES (1)) AS one LEFT JOIN objects AS o ON o.type = $2 AND o.id = $3";

/// Locks the fence, also if it raises nothing.
const RAISE_FENCE: &str = "
    INSERT INTO fences AS f (key, since) VALUES ($1, $2)
    ON CONFLICT (key) DO UPDATE SET since = excluded.since WHERE f.since < excluded.since";

/// Raises nothing if the fence stands higher.
const RAISE_VERSION: &str = "
    INSERT INTO objects AS o (type, id, version, tenure, saved, gone)
    SELECT $1, $2, $3::bigint, $4::bigint, $5::bigint, $5::bigint
    WHERE EXISTS (SELECT 1 FROM fences WHERE key = $6 AND since = $4::bigint)
    ON CONFLICT (type, id) DO UPDATE SET
        tenure = CASE WHEN o.version < excluded.version
            THEN greatest(o.tenure, excluded.tenure) ELSE o.tenure END,
        version = greatest(o.version, excluded.version),
        gone = CASE WHEN o.gone IS NULL THEN NULL ELSE greatest(o.gone, excluded.gone) END";

const READ: &str =
    "SELECT version, schema, encoding, state FROM objects WHERE type = $1 AND id = $2";

/// How often a load that lost a race for locks is tried.
const TRIES: usize = 5;

/// Raises the fence above what it was, and at least to `now`.
pub(super) async fn begin_tenure(
    session: &mut Session,
    key: FenceKey,
    now: u64,
) -> Result<Tenure, StoreError> {
    let row = session.one(BEGIN_TENURE, &[&key.as_str(), &text::stored(now)]).await;
    let since = row.and_then(|row| row.try_get(0)).map_err(of_write)?;
    Ok(Tenure { key, since: text::number(since)? })
}

/// Reads an object; raises what is to be raised before.
pub(super) async fn load(session: &mut Session, load: &Load) -> Result<Loaded, StoreError> {
    let object = &load.object;
    let key = load.tenure.key.as_str();
    let values: [&str; 3] = [key, object.type_name.as_str(), object.id.as_str()];
    let row = session.one(LOOK, &[&values[0], &values[1], &values[2]]).await.map_err(of_read)?;
    let fence = fence(&row)?;
    not_fenced(&load.tenure, fence)?;
    // Within a tenure, all loads but the first change nothing.
    if fence == load.tenure.since && load.raise_to.is_none() {
        return loaded(&row);
    }
    let row = raise_and_look(session, load).await?;
    not_fenced(&load.tenure, self::fence(&row)?)?;
    loaded(&row)
}

async fn raise_and_look(session: &mut Session, load: &Load) -> Result<Row, StoreError> {
    for _ in 1..TRIES {
        match raise(session, load).await {
            Err(error) if is_worth_another_try(&error) => {}
            result => return result.map_err(of_write),
        }
    }
    raise(session, load).await.map_err(of_write)
}

/// Raises the fence, then the version, then reads: each statement sees what those before it waited for.
async fn raise(session: &mut Session, load: &Load) -> Result<Row, Error> {
    let raise_fence = session.prepared(RAISE_FENCE).await?;
    let raise_version = session.prepared(RAISE_VERSION).await?;
    let look = session.prepared(LOOK).await?;
    let client = session.client();
    let Load { object, tenure, raise_to, now } = load;
    let (type_name, id) = (object.type_name.as_str(), object.id.as_str());
    let (key, since, now) = (tenure.key.as_str(), text::stored(tenure.since), text::stored(*now));
    let work = async {
        let to = raise_to.map(|version| text::stored(version.0));
        let raise_version = async {
            let Some(to) = to else { return Ok(0) };
            client.execute(&raise_version, &[&type_name, &id, &to, &since, &now, &key]).await
        };
        let (fenced, raised, row) = future::join3(
            client.execute(&raise_fence, &[&key, &since]),
            raise_version,
            client.query_one(&look, &[&key, &type_name, &id]),
        )
        .await;
        fenced?;
        raised?;
        row
    };
    transaction(client, work).await
}

fn fence(row: &Row) -> Result<u64, StoreError> {
    let since: Option<i64> = row.try_get(0).map_err(of_read)?;
    text::number(since.unwrap_or(0))
}

fn loaded(row: &Row) -> Result<Loaded, StoreError> {
    let version: Option<i64> = row.try_get(2).map_err(of_read)?;
    Ok(Loaded {
        version: Version(text::number(version.unwrap_or(0))?),
        state: state(row, 3)?,
        has_call_records: row.try_get(1).map_err(of_read)?,
    })
}

/// Reads an object as it is.
pub(super) async fn read(
    session: &mut Session,
    object: &ObjectKey,
) -> Result<Option<(Version, StoredState)>, StoreError> {
    let values: [&str; 2] = [object.type_name.as_str(), object.id.as_str()];
    let rows = session.rows(READ, &[&values[0], &values[1]]).await.map_err(of_read)?;
    let Some(row) = rows.first() else { return Ok(None) };
    let version = Version(text::number(row.try_get(0).map_err(of_read)?)?);
    Ok(state(row, 1)?.map(|state| (version, state)))
}

/// Schema, encoding and bytes, in the columns from `at` on.
fn state(row: &Row, at: usize) -> Result<Option<StoredState>, StoreError> {
    let Some(bytes) = row.try_get(at + 2).map_err(of_read)? else { return Ok(None) };
    let schema: Option<i64> = row.try_get(at).map_err(of_read)?;
    let encoding: Option<&str> = row.try_get(at + 1).map_err(of_read)?;
    let (Some(schema), Some(encoding)) = (schema, encoding) else {
        return Err(StoreError::Corrupt("a state without schema or encoding".to_owned()));
    };
    let (schema, encoding) = (text::small(schema)?, text::encoding(encoding)?);
    Ok(Some(StoredState { schema, encoding, bytes }))
}
