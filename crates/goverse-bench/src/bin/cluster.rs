//! What a cluster of 8192 shards and 100 members costs: bytes, writes, time, memory.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use goverse_cluster::Settings;
use goverse_cluster::records::ASSIGNMENT_KEY;
use goverse_cluster::simulation::{Cost, Lockstep};
use goverse_core::NodeAddress;

const MEMBERS: usize = 100;

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A map change that is looked at: what it costs the coordinator.
struct Change<'a> {
    name: &'a str,
    change: &'a dyn Fn(&mut Lockstep),
}

fn main() {
    let mut cluster = Lockstep::default();
    cluster.start(settings(0));
    cluster.pass(Duration::from_secs(1));
    println!("one member alone:  assignment of {} bytes", assignment_bytes(&cluster));
    let before = resident_kib();
    for member in 1..MEMBERS {
        cluster.start(settings(member));
    }
    cluster.pass(Duration::from_secs(1));
    println!(
        "memory of a member: {} KiB resident",
        (resident_kib() - before) / (MEMBERS as u64 - 1)
    );
    cluster.pass(Duration::from_secs(60));
    println!("{MEMBERS} members:       assignment of {} bytes\n", assignment_bytes(&cluster));
    cluster.measure(|| BEGUN.elapsed());
    changes(&mut cluster);
    churn(&mut cluster);
    costs(cluster.costs());
}

fn changes(cluster: &mut Lockstep) {
    let changes = [
        Change { name: "a member dies", change: &|cluster| die(cluster, 50) },
        Change { name: "a member joins", change: &|cluster| cluster.start(settings(200)) },
        Change {
            name: "a member drains",
            change: &|cluster| cluster.step(&address(60), goverse_cluster::Event::Drain),
        },
    ];
    println!("writes of the coordinator:");
    for Change { name, change } in changes {
        let before = (cluster.commits(), epochs(cluster));
        change(cluster);
        cluster.pass(Duration::from_secs(30));
        let writes = cluster.commits() - before.0;
        println!("  {name:<18}{writes:>4} writes, {} of them maps", epochs(cluster) - before.1);
    }
}

fn die(cluster: &mut Lockstep, member: usize) {
    cluster.end_lease(&address(member));
    cluster.kill(&address(member));
}

/// How often the assignment has been put.
fn epochs(cluster: &Lockstep) -> u64 {
    cluster.puts_of(ASSIGNMENT_KEY)
}

fn costs(costs: &BTreeMap<&'static str, Cost>) {
    println!("\ntime of one step:        steps    median   99 in 100");
    for (kind, cost) in costs {
        let (median, most) = (micros(cost.quantile(0.5)), micros(cost.quantile(0.99)));
        println!("  {kind:<20}{:>8}{median:>10}{most:>12}", cost.steps());
    }
}

/// Members come and go until runs of shards are as short as they get.
fn churn(cluster: &mut Lockstep) {
    for round in 0..40 {
        cluster.start(settings(300 + round));
        cluster.pass(Duration::from_secs(8));
        die(cluster, round);
        cluster.pass(Duration::from_secs(1));
    }
    println!("\nafter 40 joins and deaths: assignment of {} bytes", assignment_bytes(cluster));
}

fn settings(member: usize) -> Settings {
    Settings::new(address(member))
}

fn address(member: usize) -> NodeAddress {
    format!("10.0.{}.{}:47000", member / 250, member % 250).parse().expect("an address and a port")
}

fn assignment_bytes(cluster: &Lockstep) -> usize {
    cluster.content().cells.get(ASSIGNMENT_KEY).map_or(0, |cell| cell.value.len())
}

fn micros(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

/// The memory of this process; 0 where the system does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
