//! The command line: what can be asked of `goverse`, and how its help teaches it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use goverse::server::ConfigArgs;

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
