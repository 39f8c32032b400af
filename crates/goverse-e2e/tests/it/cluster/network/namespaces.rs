//! Networks that the test makes itself: one for each member, and a bridge between them and etcd. Needs root.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

/// What goes wrong between a member and etcd.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// What the member sends is lost.
    Requests,
    /// What etcd answers is lost.
    Answers,
    /// Both, for the member's link is down.
    Link,
}

/// A bridge with networks behind it, removed when this is dropped.
pub(crate) struct Network {
    bridge: String,
    /// The third number of its addresses.
    subnet: u8,
    count: usize,
}

// === impl Network ===

impl Network {
    /// Makes so many networks.
    pub(crate) fn make(count: usize) -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let process = std::process::id();
        let subnet =
            (process as u8).wrapping_mul(31).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let network =
            Self { bridge: format!("gv{:x}x{subnet:x}", process & 0xffff), subnet, count };
        let bridge = &network.bridge;
        ip(&format!("link add {bridge} type bridge"));
        ip(&format!("address add {}/24 dev {bridge}", network.host()));
        ip(&format!("link set {bridge} up"));
        for number in 0..count {
            network.make_one(number);
        }
        network
    }

    fn make_one(&self, number: usize) {
        let (name, link) = (self.name(number), self.link(number));
        let address = self.address(number);
        ip(&format!("netns add {name}"));
        ip(&format!("link add {link} type veth peer name eth0 netns {name}"));
        ip(&format!("link set {link} master {} up", self.bridge));
        ip(&format!("-n {name} link set lo up"));
        ip(&format!("-n {name} address add {address}/24 dev eth0"));
        ip(&format!("-n {name} link set eth0 up"));
    }

    /// Where etcd is to listen.
    pub(crate) fn host(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 231, self.subnet, 1)
    }

    pub(crate) fn address(&self, number: usize) -> Ipv4Addr {
        let last = u8::try_from(number + 10).expect("there are few");
        Ipv4Addr::new(10, 231, self.subnet, last)
    }

    /// The command, run inside a network; it is the same process.
    pub(crate) fn inside(&self, number: usize, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.name(number)]);
        inside.arg(command.get_program()).args(command.get_args());
        inside
    }

    pub(crate) fn cut(&self, number: usize, cut: Cut) {
        let (name, link) = (self.name(number), self.link(number));
        match cut {
            Cut::Requests => ip(&format!("-n {name} route add blackhole {}/32", self.host())),
            Cut::Answers => ip(&format!("route add blackhole {}/32", self.address(number))),
            Cut::Link => ip(&format!("link set {link} down")),
        }
    }

    pub(crate) fn mend(&self, number: usize, cut: Cut) {
        let (name, link) = (self.name(number), self.link(number));
        match cut {
            Cut::Requests => ip(&format!("-n {name} route del blackhole {}/32", self.host())),
            Cut::Answers => ip(&format!("route del blackhole {}/32", self.address(number))),
            Cut::Link => ip(&format!("link set {link} up")),
        }
    }

    fn name(&self, number: usize) -> String {
        format!("{}n{number}", self.bridge)
    }

    /// The end of a network's link that is on the bridge.
    fn link(&self, number: usize) -> String {
        format!("{}v{number}", self.bridge)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for number in 0..self.count {
            try_ip(&format!("route del blackhole {}/32", self.address(number)));
            try_ip(&format!("netns del {}", self.name(number)));
        }
        try_ip(&format!("link del {}", self.bridge));
    }
}

/// Runs `ip`, which has to succeed.
fn ip(line: &str) {
    if let Err(told) = run(line) {
        panic!("`ip {line}` failed; it needs root and the package iproute2: {told}");
    }
}

fn try_ip(line: &str) {
    let _ = run(line);
}

fn run(line: &str) -> Result<(), String> {
    let output = Command::new("ip").args(line.split(' ')).output();
    let output = output.map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(told) }
}
