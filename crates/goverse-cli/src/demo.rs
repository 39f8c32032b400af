//! `goverse demo`: three nodes in one process, an inspector, and a chat whose people come, talk and go.

mod screen;

use std::io::IsTerminal;
use std::time::Duration;

use futures_util::future::join_all;
use goverse::prelude::*;
use goverse::server::stop_signal;
use goverse_inspector::{Inspector, InspectorConfig};
use goverse_samples::chat::{self, Crowd};
use tokio::sync::watch;

use crate::command_line::DemoArgs;
use crate::failure::Failure;
use crate::output::print;
use screen::{NodeLine, Screen};

const NODES: u16 = 3;
const PORT_HINT: &str =
    "choose other ports with --metrics-port PORT (three in a row) and --inspector-port PORT";

pub(crate) async fn run(args: DemoArgs) -> Result<(), Failure> {
    check_ports(&args)?;
    let is_terminal = std::io::stdout().is_terminal();
    // Log lines would tear the table apart.
    goverse::init_logging(if is_terminal { "warn" } else { "info" });
    let servers = start_servers(&args).await?;
    let nodes: Vec<Node> = servers.iter().map(|server| server.node().clone()).collect();
    let lines: Vec<NodeLine> =
        nodes.iter().zip(0..NODES).map(|(node, index)| node_line(&args, node, index)).collect();
    let inspector = start_inspector(&args, &lines).await?;

    // Everything stops when this sender is dropped.
    let (running, stopped) = watch::channel(());
    let until_stopped = || {
        let mut stopped = stopped.clone();
        async move {
            let _ = stopped.changed().await;
        }
    };
    let inspector = tokio::spawn(inspector.run(until_stopped()));
    let crowd = Crowd { nodes, clients: args.clients, rooms: args.rooms, seed: args.seed };
    let crowd = tokio::spawn(crowd.run_until(until_stopped()));
    let inspector_url = format!("http://localhost:{}", args.inspector_port);
    let screen = Screen::new(lines, inspector_url, is_terminal);

    tokio::select! {
        () = until_told(args.duration) => {}
        // A screen that nobody looks at ends the demo.
        shown = screen.show() => shown?,
    }
    drop(running);
    let _ = (crowd.await, inspector.await);
    stop_servers(servers).await
}

async fn start_servers(args: &DemoArgs) -> Result<Vec<Server>, Failure> {
    let mut servers = Vec::new();
    for index in 0..NODES {
        let address = format!("localhost:{}", args.node_port + index);
        let metrics_port = args.metrics_port + index;
        let mut config = ServerConfig::new(address.parse().expect("localhost and a port"));
        let listen = format!("localhost:{metrics_port}").parse();
        config.metrics_listen_address = Some(listen.expect("localhost and a port"));
        config.shutdown_timeout = Duration::from_secs(10);
        let started = chat::register(goverse::app()).start(config).await;
        servers.push(started.map_err(|error| Failure::from(error).hint(PORT_HINT))?);
    }
    Ok(servers)
}

/// Refuses ports that cannot be had, or that the demo itself would take twice.
fn check_ports(args: &DemoArgs) -> Result<(), Failure> {
    for (flag, first) in [("--node-port", args.node_port), ("--metrics-port", args.metrics_port)] {
        if first == 0 || first > u16::MAX - (NODES - 1) {
            let problem = "three ports in a row are needed, so 1 to 65533 are right";
            return Err(Failure::usage(format!("{flag} {first}: {problem}")));
        }
    }
    let metrics_ports = args.metrics_port..args.metrics_port + NODES;
    if metrics_ports.contains(&args.inspector_port) {
        let (first, last) = (metrics_ports.start, metrics_ports.end - 1);
        let problem = format!("the nodes serve /metrics at {first} to {last}; {PORT_HINT}");
        return Err(Failure::usage(format!("--inspector-port {}: {problem}", args.inspector_port)));
    }
    Ok(())
}

async fn start_inspector(args: &DemoArgs, lines: &[NodeLine]) -> Result<Inspector, Failure> {
    let inspector = Inspector::bind(InspectorConfig {
        listen_address: format!("localhost:{}", args.inspector_port),
        nodes: lines.iter().map(|line| line.operations_address.clone()).collect(),
        ..InspectorConfig::default()
    });
    inspector.await.map_err(|error| Failure::from(error).hint(PORT_HINT))
}

fn node_line(args: &DemoArgs, node: &Node, index: u16) -> NodeLine {
    let operations_address = format!("localhost:{}", args.metrics_port + index);
    NodeLine { node: node.clone(), operations_address }
}

/// Waits for the end that was asked for: a time, SIGTERM or Ctrl-C.
async fn until_told(duration: Option<Duration>) {
    let time_is_up = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = time_is_up => {}
        _ = stop_signal() => {}
    }
}

/// Deactivates all objects; a second signal cuts their hooks off.
async fn stop_servers(servers: Vec<Server>) -> Result<(), Failure> {
    let again = || async {
        stop_signal().await;
    };
    let shutdowns = servers.into_iter().map(|server| server.shutdown_unless(again()));
    let drained = join_all(shutdowns).await;
    let deactivated: u64 = drained.iter().map(|drained| drained.deactivated).sum();
    let cut_off: u64 = drained.iter().map(|drained| drained.cut_off + drained.left).sum();
    print(&format!("stopped: {deactivated} objects deactivated, {cut_off} cut off\n"))?;
    if cut_off == 0 { Ok(()) } else { Err(Failure::broken("objects ended without their hooks")) }
}
