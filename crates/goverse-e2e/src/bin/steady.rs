//! A node whose objects stand still: it creates what it is told to, and runs until a signal.
//!
//! Standard input takes orders, one a line: `create TYPE N`, `destroy TYPE N` (the youngest), and
//! `release N`, which lets N hooks of `Slow` objects end. Each is answered with `done: ORDER`.

use std::collections::HashMap;
use std::io::BufRead;

use clap::Parser;
use goverse::prelude::*;
use goverse::server::ConfigArgs;
use tokio::sync::{Semaphore, mpsc};

/// A node whose objects stand still
#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    config: ConfigArgs,
    /// Create these objects before the node is announced
    #[arg(long, value_name = "TYPE=N")]
    objects: Vec<String>,
}

#[derive(Default)]
struct ChatRoom;

#[derive(Default)]
struct ChatClient;

/// Ends only when it is released.
#[derive(Default)]
struct Slow;

/// Its hook never ends and never yields.
#[derive(Default)]
struct Stuck;

/// The objects of a node, numbered by type.
struct Objects {
    node: Node,
    counts: HashMap<String, usize>,
}

/// One permit for each hook that may end.
static RELEASED: Semaphore = Semaphore::const_new(0);

#[tokio::main]
async fn main() -> goverse::Result<()> {
    let CommandLine { config, objects: wanted } = CommandLine::parse();
    goverse::init_logging("info");
    let app = goverse::app().object::<ChatRoom>().object::<ChatClient>();
    let app = app.object::<Slow>().object::<Stuck>();
    let server = app.start(ServerConfig::load(&config)?).await?;
    let mut objects = Objects { node: server.node().clone(), counts: HashMap::new() };
    for batch in wanted {
        objects.obey(&format!("create {}", batch.replace('=', " "))).await;
    }
    let operations = server.operations_address().expect("--metrics-listen-address is given");
    println!("ready: {operations}");
    tokio::spawn(objects.obey_all(orders()));
    goverse::run_until_stopped(server).await
}

/// The lines of standard input, read on a thread that does not hold up the end of the process.
fn orders() -> mpsc::UnboundedReceiver<String> {
    let (sender, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok);
        lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
    });
    orders
}

// === impl Objects ===

impl Objects {
    async fn obey_all(mut self, mut orders: mpsc::UnboundedReceiver<String>) {
        while let Some(order) = orders.recv().await {
            self.obey(&order).await;
            println!("done: {order}");
        }
    }

    async fn obey(&mut self, order: &str) {
        let words: Vec<&str> = order.split(' ').collect();
        let number = words.last().and_then(|word| word.parse().ok());
        let number: usize = number.unwrap_or_else(|| panic!("no number: {order}"));
        match words[..] {
            ["create", type_name, _] => self.create(type_name, number).await,
            ["destroy", type_name, _] => self.destroy(type_name, number).await,
            ["release", _] => RELEASED.add_permits(number),
            _ => panic!("no order: {order}"),
        }
    }

    async fn create(&mut self, type_name: &str, number: usize) {
        let count = self.counts.entry(type_name.to_owned()).or_default();
        for _ in 0..number {
            *count += 1;
            let created = self.node.create_object(type_name, &count.to_string()).await;
            created.expect("an object of a registered type and a new id");
        }
    }

    async fn destroy(&mut self, type_name: &str, number: usize) {
        let count = self.counts.entry(type_name.to_owned()).or_default();
        for _ in 0..number {
            let destroyed = self.node.destroy_object(type_name, &count.to_string()).await;
            destroyed.expect("an object that was created");
            *count -= 1;
        }
    }
}

impl Object for ChatRoom {
    const TYPE: &'static str = "ChatRoom";
}

impl Object for ChatClient {
    const TYPE: &'static str = "ChatClient";
}

impl Object for Slow {
    const TYPE: &'static str = "Slow";

    async fn on_deactivate(&mut self, _: &Ctx, _: DeactivationReason) -> Result<(), HookError> {
        RELEASED.acquire().await?.forget();
        Ok(())
    }
}

impl Object for Stuck {
    const TYPE: &'static str = "Stuck";

    async fn on_deactivate(&mut self, _: &Ctx, _: DeactivationReason) -> Result<(), HookError> {
        loop {
            std::thread::park();
        }
    }
}
