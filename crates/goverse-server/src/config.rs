//! What a server is told before it starts: a TOML file, then `GOVERSE_*` variables, then flags.
//!
//! Each source overrides those before it. Everything is checked here, once, and an error names the
//! source, the field, the value, and what would be right.

mod objects;
mod setting;
mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use goverse_core::{ListenAddress, NodeAddress};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use objects::ObjectsConfig;
pub use store::{StoreConfig, StoreUrl};

use objects::FileObjects;
use setting::Setting;
use store::FileStore;

/// Where nodes meet when nothing else is said.
const DEFAULT_LISTEN_ADDRESS: &str = "localhost:47000";
const DEFAULT_SHUTDOWN_TIMEOUT: &str = "30s";

/// The configuration of one node's server.
#[derive(Clone, Debug, Serialize)]
pub struct ServerConfig {
    /// Where other nodes connect to. Nothing listens there yet: clusters come with a later version.
    pub listen_address: ListenAddress,
    /// What the node is known as: the label `node`. By default the listen address.
    pub advertise_address: NodeAddress,
    /// Where clients connect to. Nothing listens there yet: client ports come with a later version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_listen_address: Option<ListenAddress>,
    /// Where `/metrics`, health and `/objects` are served; without it there is no operations port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_listen_address: Option<ListenAddress>,
    /// The endpoints of etcd. Not used yet: clusters come with a later version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etcd_address: Option<String>,
    /// How long a shutdown waits for deactivation hooks.
    #[serde(serialize_with = "write_duration")]
    pub shutdown_timeout: Duration,
    /// How objects are run and called.
    pub objects: ObjectsConfig,
    /// Where persistent objects keep their state.
    pub store: StoreConfig,
    /// The file that the settings come from, for messages about what only a start can find out.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
    /// Where the metrics address was said, for the message when its port is taken.
    #[serde(skip)]
    pub(crate) metrics_listen_source: Option<String>,
}

/// The same settings as flags and environment variables.
#[derive(Args, Clone, Debug, Default)]
#[command(
    next_help_heading = "Server settings (flags override GOVERSE_* variables, those override the file)"
)]
pub struct ConfigArgs {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE", env = "GOVERSE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where other nodes will connect to; nothing listens there in this version [default: localhost:47000]
    #[arg(long, value_name = "HOST:PORT", env = "GOVERSE_LISTEN_ADDRESS")]
    pub listen_address: Option<String>,
    /// What the node is known as, the label `node` in metrics [default: the listen address]
    #[arg(long, value_name = "HOST:PORT", env = "GOVERSE_ADVERTISE_ADDRESS")]
    pub advertise_address: Option<String>,
    /// Where clients will connect to; no effect in this version
    #[arg(long, value_name = "HOST:PORT", env = "GOVERSE_CLIENT_LISTEN_ADDRESS")]
    pub client_listen_address: Option<String>,
    /// Where /metrics is served; `:9090` means every interface [default: nowhere]
    #[arg(long, value_name = "HOST:PORT", env = "GOVERSE_METRICS_LISTEN_ADDRESS")]
    pub metrics_listen_address: Option<String>,
    /// The endpoints of etcd, separated by commas; no effect in this version
    #[arg(long, value_name = "HOST:PORT", env = "GOVERSE_ETCD_ADDRESS")]
    pub etcd_address: Option<String>,
    /// How long a shutdown waits for deactivation hooks, such as 30s [default: 30s]
    #[arg(long, value_name = "TIME", env = "GOVERSE_SHUTDOWN_TIMEOUT")]
    pub shutdown_timeout: Option<String>,
    /// How long a call may take that has no time-out of its own, such as 5s [default: 10s]
    #[arg(long, value_name = "TIME", env = "GOVERSE_CALL_TIMEOUT")]
    pub call_timeout: Option<String>,
    /// Deactivate an object that was not called for so long, such as 1h, or never [default: 15m]
    ///
    /// A type that has an idle_timeout of its own in the file keeps it.
    #[arg(long, value_name = "TIME", env = "GOVERSE_IDLE_TIMEOUT")]
    pub idle_timeout: Option<String>,
    /// Where persistent objects keep their state: sqlite:PATH, postgres://USER@HOST/DATABASE, or memory
    /// [default: sqlite:goverse.db, which is made when a type is persistent]
    #[arg(long, value_name = "URL", env = "GOVERSE_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// Wait until the store is there, instead of giving up at the start
    #[arg(long)]
    pub wait: bool,
}

/// Why a configuration was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file says nothing.
    #[error("{}: the file is empty or sets nothing; write at least: metrics_listen_address = \"localhost:9090\"", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is no TOML, has an unknown key, or a value of another type.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, what, and what would be right.
        message: String,
    },
    /// A value is not right.
    #[error("{source_name}: {field} = {value}: {problem}")]
    Field {
        /// The file, the variable or the flag.
        source_name: String,
        /// The field's name, with the tables that it is in.
        field: String,
        /// The value, as it is written in a file.
        value: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
}

/// The settings of a file: what they look like before they are checked.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct FileSettings {
    listen_address: Option<String>,
    advertise_address: Option<String>,
    client_listen_address: Option<String>,
    metrics_listen_address: Option<String>,
    etcd_address: Option<String>,
    shutdown_timeout: Option<String>,
    #[serde(default)]
    objects: FileObjects,
    #[serde(default)]
    store: FileStore,
}

// === impl ServerConfig ===

impl Default for ServerConfig {
    fn default() -> Self {
        Self::load(&ConfigArgs::default()).expect("the defaults are valid")
    }
}

impl ServerConfig {
    /// The configuration of a node that is known as, and listens at, `address`, without an operations port.
    pub fn new(address: NodeAddress) -> Self {
        Self {
            listen_address: ListenAddress::from(&address),
            advertise_address: address,
            client_listen_address: None,
            metrics_listen_address: None,
            etcd_address: None,
            shutdown_timeout: Duration::from_secs(30),
            objects: ObjectsConfig::default(),
            store: StoreConfig::default(),
            file: None,
            metrics_listen_source: None,
        }
    }

    /// Reads the file that `args` names, if any, and puts the other arguments over it.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, has unknown keys, or any value is not right.
    pub fn load(args: &ConfigArgs) -> Result<Self, ConfigError> {
        let path = args.config.as_deref();
        let file = path.map(read_file).transpose()?.unwrap_or_default();
        let setting = |field, given: &Option<String>, in_file: Option<String>| {
            Setting::of(field, given.as_deref(), path, in_file)
        };
        let listen = setting("listen_address", &args.listen_address, file.listen_address);
        let advertise =
            setting("advertise_address", &args.advertise_address, file.advertise_address);
        let client = setting(
            "client_listen_address",
            &args.client_listen_address,
            file.client_listen_address,
        );
        let metrics = setting(
            "metrics_listen_address",
            &args.metrics_listen_address,
            file.metrics_listen_address,
        );
        let etcd = setting("etcd_address", &args.etcd_address, file.etcd_address);
        let shutdown = setting("shutdown_timeout", &args.shutdown_timeout, file.shutdown_timeout);

        let listen =
            listen.unwrap_or_else(|| Setting::default_of("listen_address", DEFAULT_LISTEN_ADDRESS));
        let shutdown = shutdown
            .unwrap_or_else(|| Setting::default_of("shutdown_timeout", DEFAULT_SHUTDOWN_TIMEOUT));
        let listen_address: ListenAddress = listen.parse()?;
        let mut objects = file.objects.check(args, path)?;
        Ok(Self {
            metrics_listen_source: metrics.as_ref().map(|metrics| metrics.source_name().to_owned()),
            advertise_address: match advertise {
                Some(advertise) => advertise.parse()?,
                None => advertised(&listen_address).map_err(|problem| listen.wrong(problem))?,
            },
            listen_address,
            client_listen_address: client.map(|client| client.parse()).transpose()?,
            metrics_listen_address: metrics.map(|metrics| metrics.parse()).transpose()?,
            etcd_address: etcd.map(|etcd| etcd.endpoints()).transpose()?,
            shutdown_timeout: shutdown.duration()?,
            store: file.store.check(args, path, &mut objects.calls)?,
            objects,
            file: args.config.clone(),
        })
    }

    /// The settings that have no effect in this version, by field.
    pub fn without_effect(&self) -> Vec<&'static str> {
        let client = self.client_listen_address.is_some().then_some("client_listen_address");
        let etcd = self.etcd_address.is_some().then_some("etcd_address");
        client.into_iter().chain(etcd).collect()
    }
}

/// What a node that listens at `listen` is known as by default, or what is missing to know it.
fn advertised(listen: &ListenAddress) -> Result<NodeAddress, String> {
    let port = if listen.port() == 0 { 47_000 } else { listen.port() };
    let unknown = format!(
        "this does not say how other nodes reach this one; set advertise_address too, such as \"10.0.0.5:{port}\""
    );
    match listen.host() {
        Some(host) if listen.port() != 0 => format!("{host}:{port}").parse().map_err(|_| unknown),
        _ => Err(unknown),
    }
}

fn read_file(path: &Path) -> Result<FileSettings, ConfigError> {
    let path_buf = || path.to_owned();
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path_buf(), source })?;
    let settings: FileSettings = toml::from_str(&text).map_err(|error| {
        let message = error.to_string().trim_end().to_owned();
        ConfigError::Malformed { path: path_buf(), message }
    })?;
    let sets_nothing = settings == FileSettings::default();
    if sets_nothing { Err(ConfigError::Empty { path: path_buf() }) } else { Ok(settings) }
}

fn write_duration<S: serde::Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&humantime::format_duration(*time))
}
