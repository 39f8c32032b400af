//! The tables, and how an older schema gets them.

use tokio_postgres::{Client, Error};

use super::connect::Connector;
use super::error::tell;
use crate::OpenError;

/// What leads from each version of the schema to the next, beginning with an empty one.
///
/// Names are compared by their bytes, so that lists have one order everywhere. Only `gone` and the key of an object are
/// in an index, so that a save writes to no index; rows leave room for the next version beside them.
const STEPS: &[&str] = &[r#"
    CREATE TABLE format (version bigint NOT NULL);
    INSERT INTO format VALUES (0);

    CREATE TABLE fences (
        key text COLLATE "C" PRIMARY KEY,
        since bigint NOT NULL
    );

    CREATE TABLE objects (
        type text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        tenure bigint NOT NULL,
        saved bigint NOT NULL,
        gone bigint,
        schema bigint,
        encoding text,
        state bytea,
        PRIMARY KEY (type, id)
    ) WITH (fillfactor = 80);
    CREATE INDEX objects_gone ON objects (gone) WHERE gone IS NOT NULL;

    CREATE TABLE calls (
        type text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        call_id text COLLATE "C" NOT NULL,
        digest bytea NOT NULL,
        failed boolean NOT NULL,
        encoding text NOT NULL,
        kept_until bigint NOT NULL,
        answer bytea NOT NULL,
        PRIMARY KEY (type, id, call_id)
    );
    CREATE INDEX calls_kept ON calls (kept_until);

    CREATE TABLE outgoing (
        type text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        place bigint NOT NULL,
        to_type text NOT NULL,
        to_id text NOT NULL,
        method text NOT NULL,
        encoding text NOT NULL,
        call_id text NOT NULL,
        committed bigint NOT NULL,
        attempts bigint NOT NULL,
        not_before bigint NOT NULL,
        died bigint,
        reason text,
        arguments bytea NOT NULL,
        PRIMARY KEY (type, id, version, place)
    );
    CREATE INDEX outgoing_dead ON outgoing (type, id, version, place) WHERE died IS NOT NULL;
    COMMENT ON TABLE outgoing IS 'calls to be made; with a time of death, a dead letter';
"#];

/// The newest version of the schema.
const NEWEST: i64 = STEPS.len() as i64;

/// What is in a schema.
enum Found {
    Nothing,
    Version(i64),
    Others,
}

/// Brings the schema up to date, one program at a time.
pub(super) async fn bring_up(connector: &Connector) -> Result<(), OpenError> {
    let unavailable = |error: Error| connector.unavailable(tell(&error));
    let mut client = connector.connect().await.map_err(|error| refused(connector, &error))?;
    if let Found::Version(NEWEST) = look(&client, connector).await.map_err(unavailable)? {
        return Ok(());
    }
    let transaction = client.transaction().await.map_err(unavailable)?;
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('goverse ' || $1, 0))";
    transaction.execute(lock, &[&connector.schema()]).await.map_err(unavailable)?;
    let client = transaction.client();
    let found = match look(client, connector).await.map_err(unavailable)? {
        Found::Version(NEWEST) => return Ok(()),
        Found::Version(found) if found < NEWEST => found,
        Found::Version(found) => {
            return Err(OpenError::Newer { place: connector.place(), found, known: NEWEST });
        }
        Found::Nothing => 0,
        Found::Others => {
            let problem = "its schema has other tables and no version".to_owned();
            return Err(OpenError::Foreign { place: connector.place(), problem });
        }
    };
    migrate(client, connector, found).await.map_err(unavailable)?;
    transaction.commit().await.map_err(unavailable)
}

/// Of the first connection: what time does not heal is told apart.
fn refused(connector: &Connector, error: &Error) -> OpenError {
    let code = error.code().map(|code| code.code()).unwrap_or_default();
    let advice = match code {
        "3D000" => "make the database, or name another",
        _ if code.starts_with("28") => "check user, password and pg_hba.conf",
        _ => return connector.unavailable(tell(error)),
    };
    connector.unusable(format!("{}: {advice}", tell(error)))
}

async fn look(client: &Client, connector: &Connector) -> Result<Found, Error> {
    let tables = "SELECT coalesce(bool_or(relname = 'format'), false), count(*) FROM pg_class
         WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)";
    let row = client.query_one(tables, &[&connector.schema()]).await?;
    let (has_format, count): (bool, i64) = (row.try_get(0)?, row.try_get(1)?);
    if !has_format {
        return Ok(if count == 0 { Found::Nothing } else { Found::Others });
    }
    let version = format!("SELECT version FROM {}.format", connector.quoted_schema());
    match client.query_one(&version, &[]).await {
        Ok(row) => Ok(row.try_get(0).map_or(Found::Others, Found::Version)),
        Err(error) if error.as_db_error().is_some() => Ok(Found::Others),
        Err(error) => Err(error),
    }
}

async fn migrate(client: &Client, connector: &Connector, found: i64) -> Result<(), Error> {
    let schema = connector.quoted_schema();
    if found == 0 {
        // Whoever may not make schemas may have been given this one.
        let exists = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
        if client.query_opt(exists, &[&connector.schema()]).await?.is_none() {
            client.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
        }
    }
    client.batch_execute(&format!("SET LOCAL search_path TO {schema}")).await?;
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        client.batch_execute(step).await?;
    }
    client.execute("UPDATE format SET version = $1", &[&NEWEST]).await.map(|_| ())
}
