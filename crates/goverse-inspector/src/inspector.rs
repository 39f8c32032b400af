//! The inspector: a port, the nodes it asks, and how long it runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use goverse_http::{Admission, ConnectionLimits};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::node_state::NodeState;
use crate::poll::{self, Poller};
use crate::snapshot::{Cluster, WatchedNode};
use crate::{InspectorConfig, InspectorError, routes};

/// Scrapes of all nodes' metrics that may wait for those before; further ones get 503.
const MERGES_WAITING_MAX: usize = 64;

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
        let listening = async {
            let listener = goverse_http::listen(&settings.listen).await?;
            let local_addr = listener.local_addr()?;
            Ok((listener, local_addr))
        };
        let (listener, local_addr) = listening.await.map_err(|error| InspectorError::Listen {
            address: settings.listen.to_string(),
            error,
        })?;
        Ok(Self { listener, local_addr, client, settings })
    }

    /// The address that requests are answered on, with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Asks the nodes and answers requests until `shutdown`, then lets responses end for a second.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) {
        let mut pollers = JoinSet::new();
        let router = routes::router(Arc::new(self.watch(&mut pollers)));
        let closing = CancellationToken::new();
        let limits = ConnectionLimits::default();
        let serve = goverse_http::serve(self.listener, router, limits, closing.clone());
        let close = async {
            shutdown.await;
            closing.cancel();
        };
        tokio::join!(serve, close);
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
        let merges = Admission::new(1, MERGES_WAITING_MAX);
        Cluster { nodes: nodes.collect(), stale_after: schedule.stale_after(), merges }
    }
}
