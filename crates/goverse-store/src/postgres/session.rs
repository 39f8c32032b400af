//! One connection with its prepared statements.

use std::collections::HashMap;

use futures_util::future::{self, Future};
use goverse_node::StoreError;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use super::connect::Connector;
use super::error::{of_read, tell};

/// The values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// What every session is told first. Statements have their plans made once, when tables may still be empty: they are not
/// to read whole tables later, nor to be compiled each time because of that.
const MANNERS: &str = "
    SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET jit = off";

/// One connection. A statement that is sent is carried out, also if nobody waits for the answer.
pub(super) struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

// === impl Session ===

impl Session {
    /// Connects, and refuses a server that does not keep what it commits.
    pub(super) async fn open(connector: &Connector) -> Result<Self, StoreError> {
        let client = connector.connect().await.map_err(of_read)?;
        let schema = connector.quoted_schema();
        let manners = format!("{MANNERS}; SET search_path TO {schema}");
        client.batch_execute(&manners).await.map_err(of_read)?;
        make_durable(&client).await?;
        Ok(Self { client, statements: HashMap::new() })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The statement, prepared at its first use.
    pub(super) async fn prepared(&mut self, text: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(text).await?;
        self.statements.insert(text, statement.clone());
        Ok(statement)
    }

    pub(super) async fn rows(
        &mut self,
        text: &'static str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, Error> {
        let statement = self.prepared(text).await?;
        self.client.query(&statement, values).await
    }

    pub(super) async fn one(
        &mut self,
        text: &'static str,
        values: Values<'_>,
    ) -> Result<Row, Error> {
        let statement = self.prepared(text).await?;
        self.client.query_one(&statement, values).await
    }

    /// How many rows it changed.
    pub(super) async fn execute(
        &mut self,
        text: &'static str,
        values: Values<'_>,
    ) -> Result<u64, Error> {
        let statement = self.prepared(text).await?;
        self.client.execute(&statement, values).await
    }

    /// The client, for statements that are sent between [`transaction`]'s begin and commit.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

/// Begins, does `work`, commits, in one flight: all is sent before the first answer comes. If `work` fails, the commit
/// rolls back.
pub(super) async fn transaction<T>(
    client: &Client,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let begin = client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED");
    let commit = client.batch_execute("COMMIT");
    // These are polled first in this order, which sends them in this order.
    let (begun, done, committed) = future::join3(begin, work, commit).await;
    begun?;
    let done = done?;
    committed?;
    Ok(done)
}

async fn make_durable(client: &Client) -> Result<(), StoreError> {
    let show = async |name: &str| -> Result<String, StoreError> {
        let rows = client.query(&format!("SHOW {name}"), &[]).await.map_err(of_read)?;
        let value = rows.first().map(|row| row.try_get(0)).transpose().map_err(of_read)?;
        value.ok_or_else(|| StoreError::Unavailable(format!("SHOW {name} shows nothing")))
    };
    if show("fsync").await? != "on" {
        let advice = "the server has fsync = off, so that a crash would lose what was acknowledged; \
                      set it on";
        return Err(StoreError::Refused(advice.to_owned()));
    }
    if show("synchronous_commit").await? != "off" {
        return Ok(());
    }
    // Somebody wanted speed for other programs of this database; ours waits for its commits.
    let on = client.batch_execute("SET synchronous_commit = on").await;
    on.map_err(|error| StoreError::Unavailable(tell(&error)))
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}
