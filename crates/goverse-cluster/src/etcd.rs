//! The coordinator that is etcd: one attempt at one endpoint a method, the next endpoint after one that failed.

mod connection;
mod endpoints;
mod failure;
mod settings;
mod version;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etcd_client::{Client, Compare, CompareOp, GetOptions, KeyValue, PutOptions, Txn, TxnOp};

use crate::coordinator::{
    BoxFuture, Cell, Content, Coordinator, CoordinatorError, Effect, Grant, Guard, LeaseId,
    Revision, Transaction, Verdict, Watch,
};
use endpoints::{Endpoints, Outcome};

pub use settings::{Credentials, EtcdSettings, EtcdSettingsError, TlsIdentity, TlsSettings};
pub use version::LeaseFault;

/// The largest answer that is taken: a whole prefix in one.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A cluster's cells in etcd, below a prefix. It connects when it is first asked.
pub struct Etcd {
    endpoints: Arc<Endpoints>,
    /// The prefix with a slash at its end.
    prefix: Arc<str>,
    /// What was granted; renewals do not tell it.
    ttls: Mutex<BTreeMap<LeaseId, Duration>>,
}

// === impl Etcd ===

impl Etcd {
    /// A coordinator with these settings. It does not connect yet.
    ///
    /// # Errors
    /// When the settings cannot be right, whatever etcd says.
    pub fn new(settings: &EtcdSettings) -> Result<Self, EtcdSettingsError> {
        let prefix = settings.prefix_with_slash()?.into();
        let endpoints = Arc::new(Endpoints::new(settings)?);
        Ok(Self { endpoints, prefix, ttls: Mutex::default() })
    }

    /// The endpoints whose etcd is of a version that may end living leases; those that do not answer are left out. The log
    /// warns of them too, after the first lease was granted.
    pub async fn lease_faults(&self) -> Vec<LeaseFault> {
        version::lease_faults(&self.endpoints).await
    }

    fn lock_ttls(&self) -> MutexGuard<'_, BTreeMap<LeaseId, Duration>> {
        self.ttls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<Grant, CoordinatorError> {
        let seconds = i64::try_from(ttl.as_millis().div_ceil(1_000)).unwrap_or(i64::MAX);
        let granted = self.endpoints.attempt(Outcome::MayBe, async |mut client: Client| {
            client.lease_grant(seconds, None).await
        });
        let granted = granted.await?;
        let (lease, ttl) = (LeaseId(granted.id()), seconds_of(granted.ttl())?);
        self.lock_ttls().insert(lease, ttl);
        version::warn_once(&self.endpoints);
        Ok(Grant { lease, ttl })
    }

    /// Each renewal has a stream of its own, which ends with it: so no late answer is taken for the next one's.
    async fn renew_lease(&self, lease: LeaseId) -> Result<Grant, CoordinatorError> {
        let renewed = self.endpoints.attempt(Outcome::None, async |mut client: Client| {
            client.lease_keep_alive(lease.0).await.map(drop)
        });
        if let Err(error) = renewed.await {
            if error == CoordinatorError::LeaseGone {
                self.lock_ttls().remove(&lease);
            }
            return Err(error);
        }
        let known = self.lock_ttls().get(&lease).copied();
        let ttl = match known {
            Some(ttl) => ttl,
            None => self.ask_ttl(lease).await?,
        };
        Ok(Grant { lease, ttl })
    }

    /// The time to live of a lease that somebody else was granted.
    async fn ask_ttl(&self, lease: LeaseId) -> Result<Duration, CoordinatorError> {
        let told = self.endpoints.attempt(Outcome::None, async |mut client: Client| {
            client.lease_time_to_live(lease.0, None).await
        });
        let told = told.await?;
        if told.ttl() <= 0 {
            return Err(CoordinatorError::LeaseGone);
        }
        let ttl = seconds_of(told.granted_ttl())?;
        self.lock_ttls().insert(lease, ttl);
        Ok(ttl)
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), CoordinatorError> {
        self.lock_ttls().remove(&lease);
        let revoked = self.endpoints.attempt(Outcome::MayBe, async |mut client: Client| {
            client.lease_revoke(lease.0).await.map(drop)
        });
        match revoked.await {
            Err(CoordinatorError::LeaseGone) => Ok(()),
            other => other,
        }
    }

    async fn read_all(&self) -> Result<Content, CoordinatorError> {
        let prefix = Arc::clone(&self.prefix);
        let read = self.endpoints.attempt(Outcome::None, async move |client: Client| {
            let mut client = client.kv_client().max_decoding_message_size(ANSWER_BYTES_MAX);
            client.get(&*prefix, Some(GetOptions::new().with_prefix())).await
        });
        let mut read = read.await?;
        let header = read.take_header().ok_or_else(|| nonsense("a read without a header"))?;
        self.endpoints.saw_cluster(header.cluster_id());
        let cells = read.take_kvs().into_iter().map(|found| cell(&self.prefix, found)).collect();
        let revision = revision_of(header.revision())?;
        Ok(Content { cluster: header.cluster_id(), revision, cells })
    }

    async fn read_modified(&self, key: String) -> Result<Option<Revision>, CoordinatorError> {
        let read = self.endpoints.attempt(Outcome::None, async move |mut client: Client| {
            client.get(key, Some(GetOptions::new().with_keys_only())).await
        });
        let read = read.await?;
        read.kvs().first().map(|found| revision_of(found.mod_revision())).transpose()
    }

    async fn try_transaction(&self, txn: Txn) -> Result<Verdict, CoordinatorError> {
        let tried = self
            .endpoints
            .attempt(Outcome::MayBe, async move |mut client: Client| client.txn(txn).await);
        let tried = tried.await?;
        let header = tried.header().ok_or_else(|| nonsense("a transaction without a header"))?;
        let revision = revision_of(header.revision())?;
        Ok(if tried.succeeded() { Verdict::Yes(revision) } else { Verdict::No(revision) })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn compare(&self, guard: Guard) -> Compare {
        let of = |Revision(revision)| i64::try_from(revision).unwrap_or(i64::MAX);
        match guard {
            Guard::Absent(key) => Compare::create_revision(self.key(&key), CompareOp::Equal, 0),
            Guard::Created(key, revision) => {
                Compare::create_revision(self.key(&key), CompareOp::Equal, of(revision))
            }
            Guard::Modified(key, revision) => {
                Compare::mod_revision(self.key(&key), CompareOp::Equal, of(revision))
            }
        }
    }

    fn operation(&self, effect: Effect) -> TxnOp {
        match effect {
            Effect::Put { key, value, lease } => {
                let options = lease.map(|LeaseId(id)| PutOptions::new().with_lease(id));
                TxnOp::put(self.key(&key), value, options)
            }
            Effect::Delete { key } => TxnOp::delete(self.key(&key), None),
        }
    }
}

impl Coordinator for Etcd {
    fn name(&self) -> &'static str {
        "etcd"
    }

    fn grant(&self, ttl: Duration) -> BoxFuture<'_, Result<Grant, CoordinatorError>> {
        Box::pin(self.grant_lease(ttl))
    }

    fn renew(&self, lease: LeaseId) -> BoxFuture<'_, Result<Grant, CoordinatorError>> {
        Box::pin(self.renew_lease(lease))
    }

    fn revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), CoordinatorError>> {
        Box::pin(self.revoke_lease(lease))
    }

    fn read(&self) -> BoxFuture<'_, Result<Content, CoordinatorError>> {
        Box::pin(self.read_all())
    }

    fn modified(&self, key: &str) -> BoxFuture<'_, Result<Option<Revision>, CoordinatorError>> {
        Box::pin(self.read_modified(self.key(key)))
    }

    fn transact(
        &self,
        transaction: Transaction,
    ) -> BoxFuture<'_, Result<Verdict, CoordinatorError>> {
        let guards = transaction.guards.into_iter().map(|guard| self.compare(guard));
        let effects = transaction.effects.into_iter().map(|effect| self.operation(effect));
        let txn = Txn::new().when(guards.collect::<Vec<_>>()).and_then(effects.collect::<Vec<_>>());
        Box::pin(self.try_transaction(txn))
    }

    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<Box<dyn Watch>, CoordinatorError>> {
        let started = watch::start(Arc::clone(&self.endpoints), Arc::clone(&self.prefix), after);
        Box::pin(async move { Ok(Box::new(started.await?) as Box<dyn Watch>) })
    }
}

/// A key below the prefix, and its cell. A key that is no text is not ours, and is kept as one that nobody knows.
fn cell(prefix: &str, found: KeyValue) -> (String, Cell) {
    let revision = |revision: i64| Revision(u64::try_from(revision).unwrap_or_default());
    let (created, modified) = (revision(found.create_revision()), revision(found.mod_revision()));
    let lease = Some(LeaseId(found.lease())).filter(|lease| lease.0 != 0);
    let (key, value) = found.into_key_value();
    (name(prefix, &key), Cell { value, created, modified, lease })
}

fn name(prefix: &str, key: &[u8]) -> String {
    let name = key.strip_prefix(prefix.as_bytes()).unwrap_or(key);
    String::from_utf8_lossy(name).into_owned()
}

fn revision_of(revision: i64) -> Result<Revision, CoordinatorError> {
    u64::try_from(revision).map(Revision).map_err(|_| nonsense("a revision below 0"))
}

fn seconds_of(ttl: i64) -> Result<Duration, CoordinatorError> {
    let seconds = u64::try_from(ttl).map_err(|_| nonsense("a time to live below 0"))?;
    Ok(Duration::from_secs(seconds))
}

fn nonsense(what: &str) -> CoordinatorError {
    CoordinatorError::Nonsense(what.to_owned())
}
