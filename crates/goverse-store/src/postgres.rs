//! The store in PostgreSQL, which the nodes of a cluster share.
//!
//! Each method is one statement, or one flight of statements that are sent without waiting in between. So whoever stops
//! waiting leaves no transaction open.

mod calls;
mod connect;
mod error;
mod list;
mod load;
mod outgoing;
mod pool;
mod save;
mod schema;
mod session;
mod settings;
mod sweep;
mod tls;

use futures_util::FutureExt;
use goverse_core::{ObjectId, TypeName};
use goverse_node::{
    CallId, CallRecord, DeadLetter, FenceKey, Listed, Load, Loaded, ObjectKey, Outgoing,
    OutgoingKey, Save, Settlement, StateStore, StoreError, StoreFuture, StoredState, Tenure,
    Version,
};

use self::connect::Connector;
use self::pool::Pool;
pub use self::settings::{PostgresSettings, Tls};
use crate::{OpenError, limits};

/// Keeps everything in a schema of a database. It connects again by itself.
#[derive(Debug)]
pub struct PostgresStore {
    pool: Pool,
}

// === impl PostgresStore ===

impl PostgresStore {
    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    /// As of [`OpenError`].
    pub async fn open(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let connector = Connector::new(settings)?;
        schema::bring_up(&connector).await?;
        let pool = Pool::new(connector, settings.connections);
        // A server that does not keep what it commits is refused now, not at the first save.
        pool.lease().await.map_err(|error| match error {
            StoreError::Refused(problem) => pool.connector().unusable(problem),
            error => pool.connector().unavailable(error.to_string()),
        })?;
        Ok(Self { pool })
    }

    /// What `synchronous_commit` is in its sessions.
    ///
    /// # Errors
    /// As of [`StoreError`].
    pub async fn synchronous_commit(&self) -> Result<String, StoreError> {
        let mut session = self.pool.lease().await?;
        let row = session.one("SHOW synchronous_commit", &[]).await.map_err(error::of_read)?;
        row.try_get(0).map_err(error::of_read)
    }

    /// Whether its sessions are encrypted, by what the server says of one.
    ///
    /// # Errors
    /// As of [`StoreError`].
    pub async fn is_encrypted(&self) -> Result<bool, StoreError> {
        let mut session = self.pool.lease().await?;
        let statement = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let row = session.one(statement, &[]).await.map_err(error::of_read)?;
        row.try_get(0).map_err(error::of_read)
    }
}

impl StateStore for PostgresStore {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn begin_tenure(&self, key: &FenceKey, now: u64) -> StoreFuture<'_, Tenure> {
        let key = key.clone();
        let work =
            async move { load::begin_tenure(&mut *self.pool.lease().await?, key, now).await };
        work.boxed()
    }

    fn load(&self, load: Load) -> StoreFuture<'_, Loaded> {
        let work = async move {
            limits::check_load(&load)?;
            load::load(&mut *self.pool.lease().await?, &load).await
        };
        work.boxed()
    }

    fn save(&self, saves: Vec<Save>) -> StoreFuture<'_, Vec<Result<(), StoreError>>> {
        let work = async move { save::save(&mut *self.pool.lease().await?, &saves).await };
        work.boxed()
    }

    fn call_record(
        &self,
        object: &ObjectKey,
        call_id: &CallId,
    ) -> StoreFuture<'_, Option<CallRecord>> {
        let (object, call_id) = (object.clone(), call_id.clone());
        let work =
            async move { calls::record(&mut *self.pool.lease().await?, &object, call_id).await };
        work.boxed()
    }

    fn sweep(&self, now: u64, deleted_before: u64, limit: u32) -> StoreFuture<'_, u64> {
        let work = async move {
            sweep::sweep(&mut *self.pool.lease().await?, now, deleted_before, limit).await
        };
        work.boxed()
    }

    fn outgoing(&self, after: Option<OutgoingKey>, limit: u32) -> StoreFuture<'_, Vec<Outgoing>> {
        let work = async move {
            outgoing::outgoing(&mut *self.pool.lease().await?, after.as_ref(), limit).await
        };
        work.boxed()
    }

    fn settle(&self, settlements: Vec<Settlement>) -> StoreFuture<'_, ()> {
        let work =
            async move { outgoing::settle(&mut *self.pool.lease().await?, &settlements).await };
        work.boxed()
    }

    fn dead_letters(
        &self,
        after: Option<OutgoingKey>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<DeadLetter>> {
        let work = async move {
            outgoing::dead_letters(&mut *self.pool.lease().await?, after.as_ref(), limit).await
        };
        work.boxed()
    }

    fn resolve_dead_letter(&self, key: &OutgoingKey, retry: bool) -> StoreFuture<'_, bool> {
        let key = key.clone();
        let work =
            async move { outgoing::resolve(&mut *self.pool.lease().await?, &key, retry).await };
        work.boxed()
    }

    fn read(&self, object: &ObjectKey) -> StoreFuture<'_, Option<(Version, StoredState)>> {
        let object = object.clone();
        let work = async move { load::read(&mut *self.pool.lease().await?, &object).await };
        work.boxed()
    }

    fn list(
        &self,
        type_name: Option<&TypeName>,
        after: Option<(TypeName, ObjectId)>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<Listed>> {
        let type_name = type_name.cloned();
        let work = async move {
            let session = &mut *self.pool.lease().await?;
            list::list(session, type_name.as_ref(), after.as_ref(), limit).await
        };
        work.boxed()
    }

    fn check(&self) -> StoreFuture<'_, ()> {
        let work = async move {
            let mut session = self.pool.lease().await?;
            session.one("SELECT 1", &[]).await.map_err(error::of_read)?;
            Ok(())
        };
        work.boxed()
    }
}
