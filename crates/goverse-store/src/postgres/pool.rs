//! Sessions that are kept, and made anew when they are lost.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use goverse_node::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::connect::Connector;
use super::session::Session;

/// At most so many sessions; one that is not in use waits here.
#[derive(Debug)]
pub(super) struct Pool {
    connector: Connector,
    permits: Semaphore,
    idle: Mutex<Vec<Session>>,
}

/// A session that is in use by one; it goes back when this is dropped, unless it was lost.
pub(super) struct Lease<'a> {
    /// Gone only while it is dropped.
    session: Option<Session>,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

// === impl Pool ===

impl Pool {
    pub(super) fn new(connector: Connector, connections: usize) -> Self {
        let permits = Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS));
        Self { connector, permits, idle: Mutex::default() }
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// A session, as soon as there is one. It connects if it has to.
    pub(super) async fn lease(&self) -> Result<Lease<'_>, StoreError> {
        let closed = |_| StoreError::Unavailable("its pool is closed".to_owned());
        let permit = self.permits.acquire().await.map_err(closed)?;
        let session = match self.take_idle() {
            Some(session) => session,
            None => self.open().await?,
        };
        Ok(Lease { session: Some(session), pool: self, _permit: permit })
    }

    /// The one that was used last, so that few are kept busy.
    fn take_idle(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|session| !session.is_closed());
        idle.pop()
    }

    async fn open(&self) -> Result<Session, StoreError> {
        let patience = self.connector.patience();
        let late = |_| StoreError::Unavailable(format!("no connection within {patience:?}"));
        timeout(patience, Session::open(&self.connector)).await.map_err(late)?
    }
}

// === impl Lease ===

impl Deref for Lease<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().expect("it is taken only when the lease is dropped")
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect("it is taken only when the lease is dropped")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take().filter(|session| !session.is_closed()) {
            let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(session);
        }
    }
}
