//! A node with wallets and clients of its own, which write down what they were answered; it runs until it is killed.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use goverse::server::{ConfigArgs, ServerConfig};
use goverse_e2e::wallets::{Journal, Load, Plan};
use goverse_samples::wallet::Wallet;

/// A node with wallets and clients of its own
#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where the clients write down what they were answered; what is there already is gone on with
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,
    /// Which operations the clients do
    #[arg(long)]
    seed: u64,
    /// How many wallets there are
    #[arg(long, default_value_t = 8)]
    wallets: u64,
    /// How many clients there are
    #[arg(long, default_value_t = 6)]
    clients: u64,
}

#[tokio::main]
async fn main() -> goverse::Result<()> {
    let CommandLine { config, journal, seed, wallets, clients } = CommandLine::parse();
    goverse::init_logging("error");
    let journal = Arc::new(Journal::open(&journal).expect("the journal can be opened"));
    let load = Load { plan: Plan { seed, wallets }, clients, operations: None };
    let app = goverse::app().object::<Wallet>().task(move |node| load.run(node, journal));
    goverse::run_until_stopped(app.start(ServerConfig::load(&config)?).await?).await
}
