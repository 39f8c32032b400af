//! One node with all that makes it run in production: what starts it, and what stops it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use goverse_core::{ListenAddress, NodeAddress};
use goverse_metrics::ScrapeMetrics;
use goverse_node::{BuildError, Drained, Node, NodeBuilder, Object, StateStore, StoreError};
use goverse_store::OpenError;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::config::ServerConfig;
use crate::operations::{Operations, OperationsLimits, OperationsPort, Readiness};
use crate::recorder::{NodeClaim, Recorder, RecorderBuilder, RecorderError};
use crate::signals::stop_signal;
use crate::store::{open_store, watch};

/// A node that runs, with its operations port.
#[must_use = "a server that is dropped stops without deactivating its objects"]
pub struct Server {
    node: Node,
    readiness: Arc<Readiness>,
    operations: Option<OperationsPort>,
    shutdown_timeout: Duration,
    claim: Option<NodeClaim>,
    /// Aborted when it is dropped.
    tasks: JoinSet<()>,
}

/// Chooses what a server runs.
#[must_use]
pub struct ServerBuilder {
    config: ServerConfig,
    node: NodeBuilder,
    recorder: RecorderBuilder,
    limits: OperationsLimits,
    tasks: Vec<SpawnTask>,
}

type SpawnTask = Box<dyn FnOnce(Node, &mut JoinSet<()>) + Send>;

/// Why a server did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no recorder for the operations port to show.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// The node's types cannot be registered.
    #[error(transparent)]
    Node(#[from] BuildError),
    /// Two nodes of this process have one address.
    #[error(
        "advertise_address = \"{0}\": another node of this process has this address; give each node its own"
    )]
    AddressTaken(NodeAddress),
    /// The configuration has settings of a type that is not registered.
    #[error(
        "{source_name}objects.types.{type_name}: no type of this name is registered; registered are: {registered}"
    )]
    UnknownType {
        /// Where it was said, such as `node.toml: `; empty when the program said it.
        source_name: String,
        /// The name that the settings are of.
        type_name: String,
        /// The names that are registered.
        registered: String,
    },
    /// The store cannot be opened.
    #[error("{source_name}{error}{}", wait_hint(error))]
    Store {
        /// Where it was said, such as `node.toml: `; empty when it is the default.
        source_name: String,
        /// Why; the message tells of it.
        error: OpenError,
    },
    /// The store was opened, and did not answer then.
    #[error("the store {url} did not answer: {error}")]
    StoreLost {
        /// Which store.
        url: String,
        /// What it said; the message tells of it.
        error: StoreError,
    },
    /// A port cannot be listened at.
    #[error("{source_name}{field} = \"{address}\": {}", goverse_http::explain(error))]
    Bind {
        /// Where it was said, such as `node.toml: `; empty when the program said it.
        source_name: String,
        /// The field of the configuration.
        field: &'static str,
        /// Its value.
        address: String,
        /// Why; the message tells of it.
        error: io::Error,
    },
}

// === impl ServerBuilder ===

impl ServerBuilder {
    /// Registers a type whose objects begin as their default.
    pub fn object<T: Object + Default>(mut self) -> Self {
        self.node = self.node.object::<T>();
        self
    }

    /// Registers a type whose objects begin as `construct` makes them.
    pub fn object_with<T: Object>(
        mut self,
        construct: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.node = self.node.object_with(construct);
        self
    }

    /// Runs `task` beside the objects: from when the node is ready until it begins to shut down, when the task is dropped
    /// at its next await.
    pub fn task<F>(mut self, task: impl FnOnce(Node) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.push(Box::new(|node, tasks| {
            tasks.spawn(task(node));
        }));
        self
    }

    /// Sets what the recorder does with the application's own metrics.
    pub fn recorder(mut self, recorder: RecorderBuilder) -> Self {
        self.recorder = recorder;
        self
    }

    /// Sets the limits of the operations port.
    pub fn operations_limits(mut self, limits: OperationsLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Installs the recorder, makes the node, and serves the operations port if the configuration has one.
    ///
    /// # Errors
    /// When the process has another recorder, the address is another node's, a type cannot be
    /// registered, or a port cannot be listened at.
    pub async fn start(self) -> Result<Server, StartError> {
        let Self { config, node, recorder, limits, tasks: to_spawn } = self;
        let address = &config.advertise_address;
        for field in config.without_effect() {
            tracing::warn!(field, "this setting has no effect in this version");
        }
        let listener = match &config.metrics_listen_address {
            None => None,
            Some(listen) => Some(listen_for_operations(&config, listen).await?),
        };
        let recorder = match recorder.install() {
            Ok(recorder) => Some(recorder),
            // Without a page to show, the recorder that is there serves as well.
            Err(RecorderError::AnotherRecorder) if listener.is_none() => None,
            Err(error) => return Err(error.into()),
        };
        let claim = match &recorder {
            None => None,
            Some(recorder) => {
                let claim = recorder.claim_node(address, tokio::runtime::Handle::current());
                Some(claim.ok_or_else(|| StartError::AddressTaken(address.clone()))?)
            }
        };
        goverse_metrics::describe();
        goverse_metrics::report_build(env!("CARGO_PKG_VERSION"));
        let readiness = Arc::new(Readiness::new(address));
        let store = open_if_needed(&config, &node).await?;
        let node = config.objects.apply(node);
        let has_store = store.is_some();
        let node = match store {
            Some(store) => node.store(store),
            None => node,
        };
        let node = node.build().map_err(|error| start_error(&config, error))?;
        let lost = |error| StartError::StoreLost { url: config.store.url.to_string(), error };
        crate::store::begin(&config.store, &node).await.map_err(lost)?;
        let operations = match (listener, recorder) {
            (Some(listener), Some(recorder)) => {
                let scrapes = ScrapeMetrics::new(address.as_str());
                let readiness = Arc::clone(&readiness);
                let operations = Operations { node: node.clone(), recorder, readiness, scrapes };
                Some(OperationsPort::serve(listener, operations, limits))
            }
            _ => None,
        };
        readiness.set(true);
        tracing::info!(node = %address, types = node.types().count(), "node ready");
        let mut tasks = JoinSet::new();
        if has_store {
            tasks.spawn(watch(node.clone(), Arc::clone(&readiness)));
        }
        to_spawn.into_iter().for_each(|spawn| spawn(node.clone(), &mut tasks));
        let shutdown_timeout = config.shutdown_timeout;
        Ok(Server { node, readiness, operations, shutdown_timeout, claim, tasks })
    }
}

/// Opens the operations port, or says which setting is to blame.
async fn listen_for_operations(
    config: &ServerConfig,
    address: &ListenAddress,
) -> Result<TcpListener, StartError> {
    goverse_http::listen(address).await.map_err(|error| StartError::Bind {
        source_name: config
            .metrics_listen_source
            .as_ref()
            .map_or_else(String::new, |name| format!("{name}: ")),
        field: "metrics_listen_address",
        address: address.to_string(),
        error,
    })
}

/// Opens the store if a type is persistent, or somebody asked for one.
async fn open_if_needed(
    config: &ServerConfig,
    node: &NodeBuilder,
) -> Result<Option<Arc<dyn StateStore>>, StartError> {
    if config.store.source.is_none() && !node.needs_store() {
        return Ok(None);
    }
    let source_name =
        || config.store.source.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    let opened = open_store(&config.store).await;
    opened.map(Some).map_err(|error| StartError::Store { source_name: source_name(), error })
}

/// Time may mend it.
fn wait_hint(error: &OpenError) -> &'static str {
    match error {
        OpenError::Unavailable { .. } => "; start with --wait to wait for it",
        _ => "",
    }
}

/// Says where settings are of a type that nobody registered.
fn start_error(config: &ServerConfig, error: BuildError) -> StartError {
    let BuildError::SettingsOfUnknownType { name, registered } = error else {
        return error.into();
    };
    let file = config.file.as_ref();
    StartError::UnknownType {
        source_name: file.map_or_else(String::new, |file| format!("{}: ", file.display())),
        type_name: name,
        registered: if registered.is_empty() { "none".to_owned() } else { registered },
    }
}

// === impl Server ===

impl Server {
    /// Begins a server with this configuration.
    pub fn builder(config: ServerConfig) -> ServerBuilder {
        ServerBuilder {
            node: Node::builder(config.advertise_address.clone()),
            config,
            recorder: Recorder::builder(),
            limits: OperationsLimits::default(),
            tasks: Vec::new(),
        }
    }

    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Where the operations port listens, if there is one.
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().map(OperationsPort::local_address)
    }

    /// Runs until SIGTERM or Ctrl-C, then shuts down. A second signal cuts the remaining hooks off.
    pub async fn run_until_signal(self) -> Drained {
        let signal = stop_signal().await;
        tracing::info!(signal, "shutting down");
        let again = async {
            stop_signal().await;
        };
        self.shutdown_unless(again).await
    }

    /// Stops taking objects, deactivates those that are there with their hooks, and closes the
    /// operations port last, so that it shows the whole of the shutdown.
    pub async fn shutdown(self) -> Drained {
        self.shutdown_unless(std::future::pending()).await
    }

    /// Like [`shutdown`](Self::shutdown), but hooks are cut off when `impatient` is done.
    pub async fn shutdown_unless(mut self, impatient: impl Future<Output = ()>) -> Drained {
        self.readiness.set(false);
        self.tasks.abort_all();
        let mut drained = std::pin::pin!(self.node.shutdown(self.shutdown_timeout));
        let drained = tokio::select! {
            drained = &mut drained => drained,
            () = impatient => {
                self.node.cut_off();
                drained.await
            }
        };
        let Drained { deactivated, cut_off, left } = drained;
        tracing::info!(node = %self.node.address(), deactivated, cut_off, left, "node stopped");
        if let Some(operations) = self.operations {
            operations.close().await;
        }
        drop(self.claim);
        drained
    }
}
