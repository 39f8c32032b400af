//! A member of a cluster that serves nothing: it writes down what it might do, and when.
//!
//! Each line of the record is one write, with times in ns of the boot clock, which all processes of a machine share. A time
//! at which it may do more is read before it may, and one at which it may do less is read when it no longer does. So what
//! it did lies within what the record says, also when it was killed or stood still in between.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use clap::Parser;
use goverse_cluster::etcd::{Credentials, Etcd, EtcdSettings};
use goverse_cluster::{Cluster, Incarnation, Loss, Settings, Tenant, Token, Window, boot_clock};
use goverse_core::ShardCount;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    address: String,
    #[arg(long)]
    endpoint: Vec<String>,
    #[arg(long, default_value = "/goverse")]
    prefix: String,
    #[arg(long, default_value_t = 64)]
    shards: u32,
    /// In seconds.
    #[arg(long, default_value_t = 5)]
    ttl: u64,
    /// How long the turns are that run when a shard is to be released, in ms.
    #[arg(long, default_value_t = 20)]
    turn: u64,
    #[arg(long)]
    user: Option<String>,
    #[arg(long, default_value = "")]
    password: String,
    #[arg(long)]
    record: PathBuf,
}

/// Writes down what the driver says.
struct Recorder {
    record: File,
    turn: Duration,
    cluster: OnceLock<Cluster>,
    /// What may be acted for.
    tokens: Arc<Mutex<HashSet<Token>>>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut settings = Settings::new(arguments.address.parse()?);
    settings.shards = ShardCount::new(arguments.shards)?;
    settings.ttl = Duration::from_secs(arguments.ttl);
    settings.settling = Duration::from_millis(500);
    let coordinator = Arc::new(Etcd::new(&etcd_settings(&arguments))?);
    let recorder = Arc::new(Recorder {
        record: OpenOptions::new().create(true).append(true).open(&arguments.record)?,
        turn: Duration::from_millis(arguments.turn),
        cluster: OnceLock::new(),
        tokens: Arc::default(),
    });
    let workers = tokio::runtime::Handle::current();
    let (cluster, driver) = Cluster::new(settings, coordinator, recorder.clone(), workers);
    let _ = recorder.cluster.set(cluster.clone());
    cluster.ready();
    let mut stop = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        stop.recv().await;
        cluster.drain();
    });
    driver.run().await?;
    Ok(())
}

fn etcd_settings(arguments: &Arguments) -> EtcdSettings {
    let mut settings = EtcdSettings::new(arguments.endpoint.clone());
    settings.prefix.clone_from(&arguments.prefix);
    let password = arguments.password.clone();
    settings.credentials = arguments.user.clone().map(|user| Credentials { user, password });
    settings
}

// === impl Recorder ===

impl Recorder {
    fn write(&self, line: &str) {
        write(&self.record, line);
    }
}

fn write(mut record: &File, line: &str) {
    record.write_all(format!("{line}\n").as_bytes()).expect("the record can be written");
}

fn end(record: &File, token: &Token) {
    let Token { incarnation, shard, since } = token;
    write(record, &format!("end {incarnation} {} {since} {}", shard.0, boot_clock().as_nanos()));
}

impl Tenant for Recorder {
    fn begin(&self, incarnation: Incarnation, _: &Arc<Window>) {
        self.write(&format!("begin {incarnation} {}", boot_clock().as_nanos()));
    }

    fn window_moves(&self, end: Duration) {
        self.write(&format!("window {} {}", boot_clock().as_nanos(), end.as_nanos()));
    }

    fn serve(&self, token: Token) {
        let Token { incarnation, shard, since } = token;
        let now = boot_clock().as_nanos();
        self.write(&format!("serve {incarnation} {} {since} {now}", shard.0));
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token);
    }

    fn release(&self, token: Token) {
        let tokens = Arc::clone(&self.tokens);
        let record = self.record.try_clone().expect("a file has several handles");
        let cluster = self.cluster.get().expect("it is set before the driver runs").clone();
        let turn = self.turn;
        tokio::spawn(async move {
            tokio::time::sleep(turn).await;
            if tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&token) {
                end(&record, &token);
                cluster.idle(token);
            }
        });
    }

    fn revoke(&self, tokens: &[Token]) {
        for token in tokens {
            if self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(token) {
                end(&self.record, token);
            }
        }
    }

    fn lost(&self, loss: Loss) {
        self.write(&format!("lost {loss:?} {}", boot_clock().as_nanos()));
    }
}
