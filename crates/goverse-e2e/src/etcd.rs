//! A real etcd: one of its own or a cluster of them, on free ports and with data of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::poll::SOON;
use crate::tool::cannot_start;
use crate::{Process, http, poll, port};

/// How often other ports are tried when one is taken.
const ATTEMPTS: usize = 5;

/// One member of an etcd cluster, mostly the only one.
pub struct Etcd {
    member: Member,
    /// Absent while it is stopped.
    process: Option<Process>,
}

/// How a member is started, each time.
#[derive(Clone)]
struct Member {
    name: String,
    host: Ipv4Addr,
    /// Of the first of its three ports: clients, other members, health.
    port: u16,
    /// All members, as etcd wants it to be told.
    cluster: String,
    tls: Option<EtcdTls>,
    data: std::sync::Arc<TempDir>,
}

/// The files with which etcd proves who it is, and with which it asks the same of its clients.
#[derive(Clone)]
pub struct EtcdTls {
    /// Its certificate.
    pub certificate: PathBuf,
    /// The key of its certificate.
    pub key: PathBuf,
    /// The authority that clients' certificates are to be signed by.
    pub client_ca: PathBuf,
}

// === impl Etcd ===

impl Etcd {
    /// Starts one, and waits until it answers.
    ///
    /// # Panics
    /// When there is no `etcd`, or it does not start.
    pub async fn start() -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST).await
    }

    /// Starts one that listens at an address of this machine.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn start_at(host: Ipv4Addr) -> Self {
        Self::start_members(1, host, None).await.remove(0)
    }

    /// Starts one that speaks TLS with its clients.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn start_with_tls(tls: EtcdTls) -> Self {
        Self::start_members(1, Ipv4Addr::LOCALHOST, Some(tls)).await.remove(0)
    }

    /// Starts several that are one cluster.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn start_cluster(count: u16) -> Vec<Self> {
        Self::start_members(count, Ipv4Addr::LOCALHOST, None).await
    }

    async fn start_members(count: u16, host: Ipv4Addr, tls: Option<EtcdTls>) -> Vec<Self> {
        for _ in 0..ATTEMPTS {
            let members = Member::several(count, host, tls.clone());
            let mut started: Vec<Self> = members.into_iter().map(Self::of).collect();
            let mut are_ready = true;
            for etcd in &mut started {
                are_ready = are_ready && etcd.until_ready().await;
            }
            if are_ready {
                return started;
            }
        }
        panic!("another program took a port of etcd, {ATTEMPTS} times")
    }

    fn of(member: Member) -> Self {
        let process = Some(Process::start(member.command()));
        Self { member, process }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        (self.member.host, self.member.port).into()
    }

    /// The URL that clients use.
    pub fn url(&self) -> String {
        let scheme = if self.member.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// Ends it at once, as a crash would; its data stays.
    ///
    /// # Panics
    /// When it has ended already.
    pub async fn kill(&mut self) {
        let mut process = self.process.take().expect("etcd runs");
        process.kill();
        process.wait_exit(SOON).await;
    }

    /// Starts it again with the data that it had, and waits until it answers.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub async fn start_again(&mut self) {
        self.start_again_alone();
        assert!(self.until_ready().await, "another program took a port of etcd");
    }

    /// Starts it again, and does not wait until it answers: it may need others for that.
    ///
    /// # Panics
    /// When it runs.
    pub fn start_again_alone(&mut self) {
        assert!(self.process.is_none(), "etcd runs already");
        self.process = Some(Process::start(self.member.command()));
    }

    /// Ends it, and starts it again without any data: it is another cluster then.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn wipe(&mut self) {
        self.kill().await;
        std::fs::remove_dir_all(self.member.data_folder()).expect("the folder is ours");
        self.start_again().await;
    }

    /// Lets it stand still: SIGSTOP.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pause(&mut self) {
        self.process.as_mut().expect("etcd runs").pause();
    }

    /// Lets it go on: SIGCONT.
    ///
    /// # Panics
    /// When it does not run.
    pub fn resume(&mut self) {
        self.process.as_mut().expect("etcd runs").resume();
    }

    /// What an operator does by hand: runs `etcdctl` with these arguments, and returns what it prints.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").args(["--endpoints", &self.url()]).args(arguments);
        let output =
            command.output().unwrap_or_else(|error| panic!("{}", cannot_start("etcdctl", &error)));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "etcdctl {arguments:?}: {told}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Whether it became ready; not if it ended because a port is in use.
    async fn until_ready(&mut self) -> bool {
        let page = format!("http://{}:{}/health", self.member.host, self.member.port + 2);
        let process = self.process.as_mut().expect("it was just started");
        poll::until("etcd to be ready", SOON, async || {
            if let Some(status) = process.try_exit() {
                let printed = process.printed(crate::Stream::Stderr);
                assert!(printed.contains("address already in use"), "etcd ended ({status})");
                return Ok(false);
            }
            let health = http::page(&page).await?;
            poll::expect(health.contains("\"true\""), health).map(|()| true)
        })
        .await
    }
}

// === impl Member ===

impl Member {
    fn several(count: u16, host: Ipv4Addr, tls: Option<EtcdTls>) -> Vec<Self> {
        let first = port::free_ports_in_a_row(3 * count);
        let ports: Vec<u16> = (0..count).map(|number| first + 3 * number).collect();
        let peers = ports.iter().map(|port| format!("m{port}=http://{host}:{}", port + 1));
        let cluster = peers.collect::<Vec<_>>().join(",");
        let member = |port: &u16| Self {
            name: format!("m{port}"),
            host,
            port: *port,
            cluster: cluster.clone(),
            tls: tls.clone(),
            data: std::sync::Arc::new(
                TempDir::new().expect("there is a folder for temporary files"),
            ),
        };
        ports.iter().map(member).collect()
    }

    fn data_folder(&self) -> PathBuf {
        self.data.path().join("data")
    }

    fn command(&self) -> Command {
        let Self { name, host, port, cluster, .. } = self;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let clients = format!("{scheme}://{host}:{port}");
        let peers = format!("http://{host}:{}", port + 1);
        let health = format!("http://{host}:{}", port + 2);
        let mut command = Command::new("etcd");
        command.args(["--name", name, "--initial-cluster", cluster]);
        command.arg("--data-dir").arg(self.data_folder());
        command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        command.args(["--listen-metrics-urls", &health]);
        command.args(["--logger", "zap", "--log-outputs", "stderr"]);
        if let Some(tls) = &self.tls {
            let file = |flag: &str, path: &Path| format!("{flag}={}", path.display());
            command.arg(file("--cert-file", &tls.certificate));
            command.arg(file("--key-file", &tls.key));
            command.arg(file("--trusted-ca-file", &tls.client_ca)).arg("--client-cert-auth");
        }
        command
    }
}
