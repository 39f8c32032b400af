//! PostgreSQL: the store, and a bare loop on the same database.

use std::sync::Arc;
use std::time::Instant;

use goverse_store::scratch_postgres::ScratchPostgres;
use goverse_store::{PostgresSettings, PostgresStore};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Error, NoTls};

use super::{Contest, RUN_TIME, STATE_BYTES};
use crate::report::Report;

pub(super) fn run(runtime: &Runtime, report: &Report, runs: usize) {
    let server = ScratchPostgres::start(&[]).expect("Debian's package postgresql is installed");
    let settings = PostgresSettings::new(server.url());
    let open = PostgresStore::open(&settings);
    let store = runtime.block_on(open).expect("the server has just started");
    let client = runtime.block_on(connect(&server.url())).expect("the server has just started");
    let mut bare = || runtime.block_on(upserts_per_second(&client)).expect("the server goes on");
    Contest { name: "postgres", store: Arc::new(store), bare: &mut bare }
        .run(runtime, report, runs);
}

async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// One row, changed and committed again and again.
async fn upserts_per_second(client: &Client) -> Result<f64, Error> {
    let statement = client
        .prepare(
            "INSERT INTO goverse.objects
                 (type, id, version, tenure, saved, schema, encoding, state)
             VALUES ('Bare', 'a', $1, 1, 1, 1, 'json', $2)
             ON CONFLICT (type, id) DO UPDATE SET
                 version = excluded.version, tenure = excluded.tenure, saved = excluded.saved,
                 schema = excluded.schema, encoding = excluded.encoding, state = excluded.state",
        )
        .await?;
    let (begun, state, mut upserts) = (Instant::now(), [7_u8; STATE_BYTES], 0_i64);
    while begun.elapsed() < RUN_TIME {
        upserts += 1;
        client.execute(&statement, &[&upserts, &state.as_slice()]).await?;
    }
    Ok(upserts as f64 / begun.elapsed().as_secs_f64())
}
