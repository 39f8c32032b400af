//! The command line: what can be asked of `goverse`, and how its help teaches it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use goverse::server::{ConfigArgs, StoreUrl};

/// Distributed objects, visible in Prometheus
#[derive(Parser)]
#[command(
    name = "goverse",
    version,
    propagate_version = true,
    after_help = "Try first:  goverse demo        three nodes, an inspector, and people who come, talk and go\n\
                  Log lines:  RUST_LOG=debug goverse …"
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run three nodes with a chat whose people come, talk and go, and an inspector
    Demo(DemoArgs),
    /// Run one node with the types of the samples
    Serve(ServeArgs),
    /// Serve a web page, the metrics, and the discovery of a cluster
    Inspector(InspectorArgs),
    /// List, show, delete, export and import what a store holds
    #[command(subcommand)]
    Objects(ObjectsCommand),
    /// Look at configuration files
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the catalogue of metrics
    Metrics(MetricsArgs),
}

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    goverse demo --duration 60s              stop by itself after a minute\n  \
    goverse demo --clients 20000             more objects; HighObjectCount needs 10000 on one node\n  \
    goverse demo --metrics-port 19090        use ports 19090, 19091 and 19092 for /metrics")]
pub(crate) struct DemoArgs {
    /// Stop after this time, such as 60s or 5m [default: at Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// How many people come, talk and go, each a ChatClient while in
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub(crate) clients: usize,
    /// How many rooms there are to talk in, each a ChatRoom while somebody is in it
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub(crate) rooms: usize,
    /// The seed of everybody's choices: the same seed makes the same ones
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The port in the first node's address; the other nodes have the next two
    #[arg(long, value_name = "PORT", default_value_t = 47_000)]
    pub(crate) node_port: u16,
    /// Where the first node serves /metrics; the other nodes use the next two
    #[arg(long, value_name = "PORT", default_value_t = 9_090)]
    pub(crate) metrics_port: u16,
    /// Where the inspector is
    #[arg(long, value_name = "PORT", default_value_t = 8_080)]
    pub(crate) inspector_port: u16,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    goverse serve --metrics-listen-address localhost:9090\n  \
    goverse serve --config node.toml --advertise-address 10.0.0.5:47000\n  \
    GOVERSE_METRICS_LISTEN_ADDRESS=:9090 goverse serve")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Args)]
#[command(after_help = "Example:\n  \
    goverse inspector --node localhost:9090 --node localhost:9091")]
pub(crate) struct InspectorArgs {
    /// The operations port of a node, where its /metrics is; once for each node
    #[arg(long = "node", value_name = "HOST:PORT", required = true)]
    pub(crate) nodes: Vec<String>,
    /// Where to serve the page; `:8080` means every interface
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:8080")]
    pub(crate) listen_address: String,
    /// How often the nodes are asked
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    pub(crate) refresh: Duration,
    /// How long a node may take to answer before it is shown as down
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
}

#[derive(Subcommand)]
#[command(after_help = "Examples:\n  \
    goverse objects list --store sqlite:goverse.db --type Wallet\n  \
    goverse objects show --store sqlite:goverse.db Wallet ann\n  \
    goverse objects export --store sqlite:goverse.db > backup.jsonl\n  \
    goverse objects import --store postgres://goverse@db/goverse < backup.jsonl\n\n\
    What changes a store takes it over: stop the node that uses it first, or all its saves are refused\n\
    from then on.")]
pub(crate) enum ObjectsCommand {
    /// List objects, one on a line: type, id, version, schema, bytes, when it was saved
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// Only objects of this type
        #[arg(long = "type", value_name = "TYPE")]
        type_name: Option<String>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        limit: u32,
    },
    /// Show an object's state
    Show {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        object: ObjectArgs,
    },
    /// Erase an object's state; stop its node first
    Delete {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        object: ObjectArgs,
    },
    /// Write objects to standard output, a line of JSON each
    Export {
        #[command(flatten)]
        store: StoreArgs,
        /// Only objects of this type
        #[arg(long = "type", value_name = "TYPE")]
        type_name: Option<String>,
    },
    /// Read objects from standard input, as export wrote them; stop the node first
    Import {
        #[command(flatten)]
        store: StoreArgs,
        /// Replace objects that are there; without it they are an error
        #[arg(long)]
        replace: bool,
    },
    /// List calls after a commit that failed for good
    DeadLetters {
        #[command(flatten)]
        store: StoreArgs,
        /// Make the one with this key a call again; a running node finds it within half a minute
        #[arg(long, value_name = "KEY", conflicts_with = "delete")]
        retry: Option<String>,
        /// Delete the one with this key
        #[arg(long, value_name = "KEY")]
        delete: Option<String>,
    },
}

/// Which store a command is about.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// The store: sqlite:PATH or postgres://USER@HOST/DATABASE
    #[arg(long = "store", value_name = "URL", env = "GOVERSE_STORE", hide_env_values = true)]
    pub(crate) url: StoreUrl,
    /// The schema of the tables in PostgreSQL
    #[arg(long, value_name = "NAME")]
    pub(crate) schema: Option<String>,
    /// The certificates, in PEM, of those whose word counts for PostgreSQL
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// Which object a command is about.
#[derive(Args)]
pub(crate) struct ObjectArgs {
    /// Its type
    #[arg(value_name = "TYPE")]
    pub(crate) type_name: String,
    /// Its id
    pub(crate) id: String,
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check a configuration file, and print what it comes to
    Check {
        /// The file
        file: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct MetricsArgs {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Only the metrics to look at first
    #[arg(long)]
    pub(crate) essential: bool,
}

#[derive(Clone, Copy, Default, ValueEnum)]
pub(crate) enum Format {
    /// One line for each metric
    #[default]
    Table,
    /// For programs
    Json,
    /// The page docs/metrics.md
    Markdown,
}
