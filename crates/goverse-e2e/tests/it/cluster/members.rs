//! Members that are started, killed and compared.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use goverse_cluster::boot_clock;
use goverse_e2e::poll::{self, LATER};
use goverse_e2e::{Etcd, Process, Stream, port};
use tempfile::TempDir;

use super::record::{self, Act};

/// The lives of leases in these tests.
pub(crate) const TTL: Duration = Duration::from_secs(5);

/// How long a shard may be without anybody after a member was lost: what the project promises.
pub(crate) const FAILOVER_MAX: Duration = Duration::from_secs(6);

pub(crate) const SHARDS: u32 = 64;

/// What members are started with.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) endpoints: Vec<String>,
    pub(crate) prefix: String,
    /// What else.
    pub(crate) flags: Vec<String>,
}

/// A member in a process of its own.
pub(crate) struct Member {
    pub(crate) address: String,
    pub(crate) process: Process,
    pub(crate) is_there: bool,
    record: PathBuf,
}

/// The members of one cluster, also those that are gone.
pub(crate) struct Members {
    pub(crate) setup: Setup,
    pub(crate) all: Vec<Member>,
    folder: TempDir,
}

// === impl Setup ===

impl Setup {
    pub(crate) fn at(etcd: &Etcd) -> Self {
        Self { endpoints: vec![etcd.url()], prefix: "/goverse".to_owned(), flags: Vec::new() }
    }

    pub(crate) fn command(&self, address: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_member"));
        command.args(["--address", address, "--prefix", &self.prefix]);
        command.args(["--ttl", &TTL.as_secs().to_string()]);
        command.args(self.endpoints.iter().flat_map(|endpoint| ["--endpoint", endpoint]));
        command.args(&self.flags);
        command
    }
}

// === impl Members ===

impl Members {
    /// Starts so many, and waits until each shard is served and all serve some.
    pub(crate) async fn start(setup: Setup, count: usize) -> Self {
        let mut members = Self::none(setup);
        for _ in 0..count {
            members.add();
        }
        members.until_balanced().await;
        members
    }

    pub(crate) fn none(setup: Setup) -> Self {
        Self { setup, all: Vec::new(), folder: TempDir::new().unwrap() }
    }

    /// Starts another; its place in the list.
    pub(crate) fn add(&mut self) -> usize {
        let address = format!("127.0.0.1:{}", port::free_port());
        let command = self.setup.command(&address);
        self.add_command(address, command)
    }

    /// Starts another by a command of its own.
    pub(crate) fn add_command(&mut self, address: String, mut command: Command) -> usize {
        let number = self.all.len();
        let record = self.folder.path().join(format!("m{number}"));
        command.arg("--record").arg(&record).env("RUST_BACKTRACE", "1");
        let process = Process::start(command);
        self.all.push(Member { address, process, is_there: true, record });
        number
    }

    /// The place of the one that leads.
    pub(crate) fn leader(&self, etcd: &Etcd) -> usize {
        let key = format!("{}/leader", self.setup.prefix);
        let value = etcd.ctl(&["get", "--print-value-only", &key]);
        let mut members = self.all.iter();
        let leads = |member: &Member| member.is_there && value.contains(&member.address);
        members.position(leads).unwrap_or_else(|| panic!("none of them leads: {value}"))
    }

    pub(crate) fn kill(&mut self, number: usize) {
        self.all[number].process.kill();
        self.all[number].is_there = false;
    }

    /// All that was written down.
    pub(crate) fn acts(&self) -> Vec<Act> {
        let read = |(number, member): (usize, &Member)| {
            let text = std::fs::read_to_string(&member.record).unwrap_or_default();
            record::read(&format!("m{number}"), &text)
        };
        self.all.iter().enumerate().flat_map(read).collect()
    }

    /// What those could do that are there.
    fn living_acts(&self) -> Vec<Act> {
        let is_there = |act: &Act| {
            let number = act.who[1..].split('/').next().unwrap_or_default();
            number.parse::<usize>().is_ok_and(|number| self.all[number].is_there)
        };
        self.acts().into_iter().filter(is_there).collect()
    }

    /// Waits until every shard is served by one that is there.
    pub(crate) async fn until_served(&mut self) {
        poll::until("every shard to be served", LATER, async || {
            self.expect_living();
            let served = record::served(&self.living_acts(), now());
            poll::expect(served.len() == SHARDS as usize, format!("{} shards", served.len()))
        })
        .await;
    }

    /// Waits until each shard is served, and all that are there have their share.
    pub(crate) async fn until_balanced(&mut self) {
        poll::until("the members to have their shares", LATER, async || {
            self.expect_living();
            let acts = self.living_acts();
            let served = record::served(&acts, now());
            let living = self.all.iter().filter(|member| member.is_there).count();
            let share = SHARDS as usize / living;
            let now = now();
            let count = |who: &str| {
                let is_open = |act: &&Act| {
                    act.is_open && act.span.to > now && act.who.split('/').next() == Some(who)
                };
                acts.iter().filter(is_open).count()
            };
            let numbers = (0..self.all.len()).filter(|number| self.all[*number].is_there);
            let counts: Vec<usize> = numbers.map(|number| count(&format!("m{number}"))).collect();
            let is_balanced = counts.iter().all(|count| *count >= share);
            poll::expect(served.len() == SHARDS as usize && is_balanced, (served.len(), counts))
        })
        .await;
    }

    /// Waits until each shard is served again, and says how long after `since` the last of them was.
    pub(crate) async fn served_again_after(&mut self, since: u64) -> Duration {
        self.until_served().await;
        let served = record::served(&self.living_acts(), now());
        let last = served.values().copied().max().unwrap_or_default();
        Duration::from_nanos(last.saturating_sub(since))
    }

    /// Waits until each shard is served by a tenure that began after `since`, and says how long after.
    pub(crate) async fn served_anew_after(&mut self, since: u64) -> Duration {
        poll::until("every shard to be served anew", LATER, async || {
            let served = record::served(&self.living_acts(), now());
            let anew = served.values().filter(|begin| **begin > since).count();
            poll::expect(anew == SHARDS as usize, format!("{anew} shards"))
        })
        .await;
        self.served_again_after(since).await
    }

    fn expect_living(&mut self) {
        for (number, member) in self.all.iter_mut().enumerate() {
            if member.is_there
                && let Some(status) = member.process.try_exit()
            {
                let printed = member.process.printed(Stream::Stderr);
                panic!("member {number} ended ({status}):\n{printed}");
            }
        }
    }

    /// At no time could two of them act for one shard.
    #[track_caller]
    pub(crate) fn assert_one_owner_at_a_time(&self) {
        let acts = self.acts();
        assert!(acts.len() >= SHARDS as usize, "only {} acts are written down", acts.len());
        let overlaps = record::overlaps(&acts);
        let told: Vec<String> = overlaps.iter().take(10).map(ToString::to_string).collect();
        assert!(overlaps.is_empty(), "{} overlaps:\n{}", overlaps.len(), told.join("\n"));
    }
}

/// The boot clock in ns.
pub(crate) fn now() -> u64 {
    u64::try_from(boot_clock().as_nanos()).unwrap()
}
