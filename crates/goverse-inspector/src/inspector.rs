//! The inspector: a port, the nodes it asks, and how long it runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::config::Settings;
use crate::node_state::NodeState;
use crate::poll::{self, Poller};
use crate::snapshot::{Cluster, WatchedNode};
use crate::{InspectorConfig, InspectorError, listener, routes};

/// How long requests that are being answered may take to end after the shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Shows a cluster over HTTP.
#[derive(Debug)]
pub struct Inspector {
    listener: TcpListener,
    local_addr: SocketAddr,
    client: Client,
    settings: Settings,
}

// === impl Inspector ===

impl Inspector {
    /// Checks the configuration and opens the port. Nodes are asked, and requests answered, from
    /// [`run`](Self::run) on.
    ///
    /// # Errors
    ///
    /// When the configuration is wrong, or the port cannot be opened.
    pub async fn bind(config: InspectorConfig) -> Result<Self, InspectorError> {
        let settings = config.check()?;
        let client = poll::client().map_err(InspectorError::Client)?;
        let listener = listener::open(&settings.listen).await?;
        let local_addr = listener.local_addr().map_err(|source| InspectorError::Listen {
            address: settings.listen.to_string(),
            source,
        })?;
        Ok(Self { listener, local_addr, client, settings })
    }

    /// The address that requests are answered on, with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Asks the nodes and answers requests until `shutdown`, then lets requests end for up to 5 s.
    ///
    /// # Errors
    ///
    /// When the server stops by itself.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), InspectorError> {
        let mut pollers = JoinSet::new();
        let cluster = self.watch(&mut pollers);
        let router = routes::router(Arc::new(cluster));
        let (stopping, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(self.listener, router).with_graceful_shutdown(async move {
            shutdown.await;
            drop(stopping);
        });
        tokio::select! {
            served = serve => served.map_err(InspectorError::Serve),
            () = grace_after(stopped) => Ok(()),
        }
    }

    /// Starts to ask each node in a task of its own; they end with `pollers`.
    fn watch(&self, pollers: &mut JoinSet<()>) -> Cluster {
        let schedule = self.settings.schedule;
        let nodes = self.settings.nodes.iter().map(|operations| {
            let (sender, state) = watch::channel(NodeState::unasked(Instant::now()));
            let (client, operations) = (self.client.clone(), operations.clone());
            let poller = Poller { client, operations: operations.clone(), schedule, state: sender };
            pollers.spawn(poller.run());
            WatchedNode { operations, state }
        });
        Cluster { nodes: nodes.collect(), stale_after: schedule.stale_after() }
    }
}

async fn grace_after(stopped: oneshot::Receiver<()>) {
    drop(stopped.await);
    tokio::time::sleep(SHUTDOWN_GRACE).await;
}
