//! What the demo shows while it runs: a table that renews itself, or plain lines when it is no terminal.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use goverse::prelude::*;
use goverse_samples::chat::{ChatClient, ChatRoom};

use crate::failure::Failure;
use crate::output::{Reader, print};

const TABLE_PERIOD: Duration = Duration::from_secs(1);
const LINE_PERIOD: Duration = Duration::from_secs(5);
const INFALLIBLE: &str = "writing to a string cannot fail";

/// A node of the demo, and where its pages are.
pub(super) struct NodeLine {
    pub(super) node: Node,
    pub(super) operations_address: String,
}

/// The demo's output.
pub(super) struct Screen {
    nodes: Vec<NodeLine>,
    inspector_url: String,
    is_terminal: bool,
    begun: Instant,
    /// How many lines the last table had.
    drawn: usize,
}

/// What happens on one node.
#[derive(Clone, Copy, Default)]
struct Counts {
    rooms: usize,
    clients: usize,
    /// On average over the last ten or twenty seconds.
    calls_per_second: f64,
}

// === impl Screen ===

impl Screen {
    pub(super) fn new(nodes: Vec<NodeLine>, inspector_url: String, is_terminal: bool) -> Self {
        Self { nodes, inspector_url, is_terminal, begun: Instant::now(), drawn: 0 }
    }

    /// Shows the demo until nobody looks any more, as when the output is closed.
    pub(super) async fn show(mut self) -> Result<(), Failure> {
        if !self.is_terminal {
            print(&self.urls())?;
        }
        let period = if self.is_terminal { TABLE_PERIOD } else { LINE_PERIOD };
        let mut ticks = tokio::time::interval(period);
        loop {
            ticks.tick().await;
            if print(&self.next_frame())? == Reader::HasGone {
                return Ok(());
            }
        }
    }

    /// The next table, in place of the last one, or the next line.
    fn next_frame(&mut self) -> String {
        let counts: Vec<Counts> = self.nodes.iter().map(|line| Counts::of(&line.node)).collect();
        if !self.is_terminal {
            return self.line(&counts);
        }
        let table = self.table(&counts);
        // Back over the last table, and clear what it left (ECMA-48: CPL, ED).
        let back =
            if self.drawn > 0 { format!("\x1b[{}F\x1b[J", self.drawn) } else { String::new() };
        self.drawn = table.lines().count();
        back + &table
    }

    fn table(&self, counts: &[Counts]) -> String {
        let mut table = format!(
            "GoVerse demo, running for {}. Ctrl-C ends it.\n\n{:<18}{:>10}{:>12}{:>8}{:>9}   metrics\n",
            humantime::format_duration(Duration::from_secs(self.begun.elapsed().as_secs())),
            "node",
            ChatRoom::TYPE,
            ChatClient::TYPE,
            "total",
            "calls/s",
        );
        for (line, count) in self.nodes.iter().zip(counts) {
            let address = line.node.address().to_string();
            let url = format!("http://{}/metrics", line.operations_address);
            count.write(&mut table, &address, &url);
        }
        let sum = counts.iter().fold(Counts::default(), |sum, count| sum.plus(*count));
        sum.write(&mut table, "all", "");
        write!(table, "\ninspector   {0}   discovery   {0}/sd\n", self.inspector_url)
            .expect(INFALLIBLE);
        table
    }

    fn line(&self, counts: &[Counts]) -> String {
        let mut line = format!("{:>4}s", self.begun.elapsed().as_secs());
        for (node, count) in self.nodes.iter().zip(counts) {
            let (address, Counts { rooms, clients, calls_per_second }) =
                (node.node.address(), count);
            write!(
                line,
                "  {address} ChatRoom={rooms} ChatClient={clients} calls/s={calls_per_second:.0}"
            )
            .expect(INFALLIBLE);
        }
        line + "\n"
    }

    fn urls(&self) -> String {
        let nodes = self.nodes.iter().map(|line| {
            format!("node {}  http://{}/metrics\n", line.node.address(), line.operations_address)
        });
        let inspector = format!("inspector  {0}  discovery {0}/sd\n", self.inspector_url);
        nodes.chain([inspector]).collect()
    }
}

// === impl Counts ===

impl Counts {
    fn of(node: &Node) -> Self {
        let counts = node.count_by_type();
        let of = |name: &str| counts.get(name).copied().unwrap_or(0);
        let calls_per_second = node.hot_objects().calls_per_second;
        Self { rooms: of(ChatRoom::TYPE), clients: of(ChatClient::TYPE), calls_per_second }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            rooms: self.rooms + other.rooms,
            clients: self.clients + other.clients,
            calls_per_second: self.calls_per_second + other.calls_per_second,
        }
    }

    fn write(self, table: &mut String, name: &str, url: &str) {
        let Self { rooms, clients, calls_per_second } = self;
        let total = rooms + clients;
        let row =
            format!("{name:<18}{rooms:>10}{clients:>12}{total:>8}{calls_per_second:>9.0}   {url}");
        writeln!(table, "{}", row.trim_end()).expect(INFALLIBLE);
    }
}
