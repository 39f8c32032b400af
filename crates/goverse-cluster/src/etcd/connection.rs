//! One endpoint of etcd, and the client that is connected to it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etcd_client::{Channel, Client, ConnectOptions, Error};
use tonic::transport::Endpoint;

use super::settings::{Credentials, EtcdSettings, EtcdSettingsError};

/// When a connection on which something is awaited shows no sign of life it is asked for one, and then given up. etcd
/// closes connections that ask more often than each 5 s.
const PING: (Duration, Duration) = (Duration::from_secs(6), Duration::from_secs(3));

/// One endpoint.
pub(super) struct Connection {
    pub(super) url: String,
    endpoint: Endpoint,
    credentials: Option<Credentials>,
    /// Made when it is first needed, and anew after an attempt that failed.
    client: Mutex<Option<Client>>,
}

// === impl Connection ===

impl Connection {
    pub(super) fn new(settings: &EtcdSettings, url: &str) -> Result<Self, EtcdSettingsError> {
        let (interval, timeout) = PING;
        let endpoint = settings.endpoint(url)?;
        let endpoint = endpoint.http2_keep_alive_interval(interval).keep_alive_timeout(timeout);
        let credentials = settings.credentials.clone();
        Ok(Self { url: url.to_owned(), endpoint, credentials, client: Mutex::default() })
    }

    /// The client that all share.
    pub(super) async fn client(&self) -> Result<Client, Error> {
        let known = self.lock().clone();
        if let Some(client) = known {
            return Ok(client);
        }
        let client = self.new_client().await?;
        *self.lock() = Some(client.clone());
        Ok(client)
    }

    /// A client with a connection and a token of its own.
    pub(super) async fn new_client(&self) -> Result<Client, Error> {
        let mut options = ConnectOptions::new().with_require_leader(true);
        if let Some(Credentials { user, password }) = &self.credentials {
            // A request that is refused for an old token has had no effect, so it is sent again with a new one.
            options = options.with_user(user, password).with_auto_token_refresh(true);
        }
        Client::from_channel(Channel::Tonic(self.endpoint.connect_lazy()), Some(options)).await
    }

    /// Lets the next attempt connect anew.
    pub(super) fn forget(&self) {
        let client = self.lock().take();
        drop(client);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
