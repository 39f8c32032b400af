//! Saving a batch, or one, in one statement, which is its own transaction.

mod columns;
mod lone;

use std::collections::HashSet;

use goverse_node::{Save, StoreError, Version};
use tokio_postgres::Error;

use self::columns::Columns;
use self::lone::is_lone;
use super::error::{is_worth_another_try, of_read, of_write};
use super::session::Session;
use crate::guard::Standing;
use crate::{limits, text};

/// Saves what the guards let in, and says which.
///
/// `standing`: the tenures that no fence is above; FOR SHARE holds the fences where they are until the end, and looks at
/// them again after it has waited for a lock. `updated` looks again at version and tenure of a row that it waited for.
/// `IS TRUE` keeps the planner from making a join of it, which would compare everything with everything.
const SAVE: &str = "
    WITH standing AS MATERIALIZED (
        SELECT t.at FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS t (key, since, at)
        JOIN fences AS f ON f.key = t.key
        WHERE f.since <= t.since ORDER BY t.at FOR SHARE OF f
    ), admitted AS MATERIALIZED (
        SELECT * FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::bytea[])
            WITH ORDINALITY AS s (standing, type, id, expected, version, tenure, saved, gone, schema,
                encoding, state, place)
        WHERE (s.standing IN (SELECT at FROM standing)) IS TRUE
    ), updated AS (
        UPDATE objects AS o SET version = a.version, tenure = a.tenure, saved = a.saved,
            gone = a.gone, schema = a.schema, encoding = a.encoding, state = a.state
        FROM admitted AS a
        WHERE a.expected > 0 AND o.type = a.type AND o.id = a.id
            AND o.version = a.expected AND o.tenure <= a.tenure
        RETURNING a.place
    ), inserted AS (
        INSERT INTO objects (type, id, version, tenure, saved, gone, schema, encoding, state)
        SELECT type, id, version, tenure, saved, gone, schema, encoding, state
        FROM admitted WHERE expected = 0
        ON CONFLICT (type, id) DO NOTHING
        RETURNING type, id
    ), saved AS MATERIALIZED (
        SELECT place FROM updated
        UNION ALL
        SELECT place FROM admitted WHERE ((type, id) IN (SELECT type, id FROM inserted)) IS TRUE
    ), recorded AS (
        INSERT INTO calls AS c
            (type, id, call_id, digest, failed, encoding, kept_until, answer)
        SELECT type, id, call_id, digest, failed, encoding, kept_until, answer
        FROM unnest($14::bigint[], $15::text[], $16::text[], $17::text[], $18::bytea[],
            $19::boolean[], $20::text[], $21::bigint[], $22::bytea[])
            AS r (place, type, id, call_id, digest, failed, encoding, kept_until, answer)
        WHERE (r.place IN (SELECT place FROM saved)) IS TRUE
        ON CONFLICT (type, id, call_id) DO UPDATE SET digest = excluded.digest,
            failed = excluded.failed, encoding = excluded.encoding,
            kept_until = excluded.kept_until, answer = excluded.answer
    ), sent AS (
        INSERT INTO outgoing (type, id, version, place, to_type, to_id, method, encoding, call_id,
            committed, attempts, not_before, arguments)
        SELECT type, id, version, index, to_type, to_id, method, encoding, call_id,
            committed, attempts, not_before, arguments
        FROM unnest($23::bigint[], $24::text[], $25::text[], $26::bigint[], $27::bigint[],
            $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::bigint[],
            $34::bigint[], $35::bigint[], $36::bytea[])
            AS m (place, type, id, version, index, to_type, to_id, method, encoding, call_id,
                committed, attempts, not_before, arguments)
        WHERE (m.place IN (SELECT place FROM saved)) IS TRUE
    )
    SELECT place FROM saved";

/// What stands where a save would go.
const STANDING: &str = "
    SELECT (SELECT since FROM fences WHERE key = $1), o.version, o.tenure
    FROM (VALUES (1)) AS one LEFT JOIN objects AS o ON o.type = $2 AND o.id = $3";

/// A fence has to be there to be held.
const PUT_FENCE: &str = "INSERT INTO fences (key, since) VALUES ($1, 0) ON CONFLICT DO NOTHING";

/// How often a save is tried that lost a race, or that found no fence.
const TRIES: usize = 5;

/// One answer for each save.
pub(super) async fn save(
    session: &mut Session,
    saves: &[Save],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut answers = limits::check_saves(saves);
    let mut left: Vec<usize> = (0..saves.len()).filter(|at| answers[*at].is_ok()).collect();
    for _ in 0..TRIES {
        if left.is_empty() {
            return Ok(answers);
        }
        if let Err(error) = attempt(session, saves, &mut left, &mut answers).await {
            return told_to_the_rest(error, &left, answers);
        }
    }
    let slower = StoreError::Unavailable("others were always faster".to_owned());
    told_to_the_rest(slower, &left, answers)
}

/// An error is of those alone that have no answer yet.
fn told_to_the_rest(
    error: StoreError,
    left: &[usize],
    mut answers: Vec<Result<(), StoreError>>,
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    if left.len() == answers.len() {
        return Err(error);
    }
    for at in left {
        answers[*at] = Err(error.clone());
    }
    Ok(answers)
}

/// Tries those that are left; those that have their answer are left no more.
async fn attempt(
    session: &mut Session,
    saves: &[Save],
    left: &mut Vec<usize>,
    answers: &mut [Result<(), StoreError>],
) -> Result<(), StoreError> {
    let result = match left.as_slice() {
        [only] if is_lone(&saves[*only]) => save_lone(session, saves, *only).await,
        these => save_all(session, saves, these).await,
    };
    let saved = match result {
        Ok(saved) => saved,
        Err(error) if is_worth_another_try(&error) => return Ok(()),
        Err(error) => match of_write(error) {
            // The fault is with one of them, and nothing was saved: each alone, so that the others are.
            StoreError::Refused(_) if left.len() > 1 => {
                return one_by_one(session, saves, left, answers).await;
            }
            StoreError::Refused(problem) => {
                for at in left.drain(..) {
                    answers[at] = Err(StoreError::Refused(problem.clone()));
                }
                return Ok(());
            }
            error => return Err(error),
        },
    };
    left.retain(|at| !saved.contains(at));
    for at in left.clone() {
        if let Err(conflict) = find_out(session, &saves[at]).await? {
            answers[at] = Err(conflict);
            left.retain(|other| *other != at);
        }
    }
    Ok(())
}

async fn one_by_one(
    session: &mut Session,
    saves: &[Save],
    left: &mut Vec<usize>,
    answers: &mut [Result<(), StoreError>],
) -> Result<(), StoreError> {
    for at in left.clone() {
        let mut alone = vec![at];
        Box::pin(attempt(session, saves, &mut alone, answers)).await?;
        if alone.is_empty() {
            left.retain(|other| *other != at);
        }
    }
    Ok(())
}

/// Saves this one, and says whether it was let in.
async fn save_lone(
    session: &mut Session,
    saves: &[Save],
    this: usize,
) -> Result<HashSet<usize>, Error> {
    let is_saved = lone::save(session, &saves[this]).await?;
    Ok(is_saved.then_some(this).into_iter().collect())
}

/// Saves these in one statement, and says which were let in.
async fn save_all(
    session: &mut Session,
    saves: &[Save],
    these: &[usize],
) -> Result<HashSet<usize>, Error> {
    let columns = Columns::of(these.iter().map(|at| &saves[*at]));
    let rows = session.rows(SAVE, &columns.values()).await?;
    let index = |row: &tokio_postgres::Row| row.try_get::<_, i64>(0);
    let places: Result<Vec<i64>, Error> = rows.iter().map(index).collect();
    let these = |place: i64| usize::try_from(place - 1).ok().and_then(|place| these.get(place));
    Ok(places?.into_iter().filter_map(these).copied().collect())
}

/// Why a save was refused; nothing if it would be let in now. Puts a fence where there is none.
async fn find_out(
    session: &mut Session,
    save: &Save,
) -> Result<Result<(), StoreError>, StoreError> {
    let key = save.tenure.key.as_str();
    let object: [&str; 2] = [save.object.type_name.as_str(), save.object.id.as_str()];
    let row = session.one(STANDING, &[&key, &object[0], &object[1]]).await.map_err(of_read)?;
    let column = |at| row.try_get::<_, Option<i64>>(at).map_err(of_read);
    let (fence, version, tenure) = (column(0)?, column(1)?, column(2)?);
    let number = |column: Option<i64>| text::number(column.unwrap_or(0));
    let standing = Standing {
        fence: number(fence)?,
        version: Version(number(version)?),
        tenure: number(tenure)?,
    };
    if let Err(conflict) = standing.admits(save) {
        return Ok(Err(conflict.into()));
    }
    if fence.is_none() {
        session.execute(PUT_FENCE, &[&key]).await.map_err(of_write)?;
    }
    Ok(Ok(()))
}
