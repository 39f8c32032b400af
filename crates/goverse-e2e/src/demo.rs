//! `goverse demo` on ports of its own.

use crate::poll::SOON;
use crate::{Process, Stream, goverse_command, http, poll, port};

/// How often other ports are tried when one is taken.
const ATTEMPTS: usize = 5;

/// A running `goverse demo` whose nodes and inspector are ready.
pub struct Demo {
    /// The process, with the three nodes and the inspector.
    pub process: Process,
    /// The operations addresses of the nodes, `localhost:PORT`; the nodes are localhost:47000 to 47002.
    pub operations: [String; 3],
    /// The address of the inspector.
    pub inspector: String,
}

// === impl Demo ===

impl Demo {
    /// Starts it with these arguments beside the ports, and waits until all of it is ready.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(arguments: &[&str]) -> Self {
        for _ in 0..ATTEMPTS {
            if let Some(demo) = Self::try_start(arguments).await {
                return demo;
            }
        }
        panic!("another program took a port, {ATTEMPTS} times")
    }

    /// `None` if a port is in use.
    async fn try_start(arguments: &[&str]) -> Option<Self> {
        let first = port::free_ports_in_a_row(3);
        let operations = [0, 1, 2].map(|index| format!("localhost:{}", first + index));
        let inspector_port = port::free_port();
        let mut command = goverse_command();
        command.args(["demo", "--metrics-port", &first.to_string()]);
        command.args(["--inspector-port", &inspector_port.to_string()]).args(arguments);
        let inspector = format!("localhost:{inspector_port}");
        let mut demo = Self { process: Process::start(command), operations, inspector };
        demo.until_ready().await.then_some(demo)
    }

    /// Whether it became ready; not if it ended because a port is in use.
    async fn until_ready(&mut self) -> bool {
        let pages: Vec<String> =
            self.operations.iter().chain([&self.inspector]).map(ready).collect();
        let process = &mut self.process;
        poll::until("the demo to be ready", SOON, async || {
            if let Some(status) = process.try_exit() {
                let printed = process.printed(Stream::Stderr);
                assert!(printed.contains("in use"), "the demo ended ({status})");
                return Ok(false);
            }
            for page in &pages {
                http::page(page).await?;
            }
            Ok(true)
        })
        .await
    }

    /// The `/metrics` of the three nodes.
    pub fn metrics(&self) -> [String; 3] {
        self.operations.each_ref().map(|address| format!("http://{address}/metrics"))
    }
}

fn ready(address: &String) -> String {
    format!("http://{address}/readyz")
}
