//! Tests with several processes and real components, and the harness that starts and stops them.
//!
//! The harness is in this library, the tests are in `tests/it`, and `src/bin` has the programs that the
//! tests need beside those we ship.
//!
//! * [`Process`] is a program that runs: its output, its signals, its end.
//! * [`poll::until`] is the one way to wait. Nothing else sleeps.
//! * [`port`] picks ports that other tests do not use.
//! * [`Demo`], [`Prometheus`] and [`Etcd`] are started, ready, and stopped when they are dropped.
//! * [`Proxy`] is the network between a program and a server, where it can be cut;
//!   [`FaultyLink`] breaks connections at random.
//! * [`wallets`] is a load of payments, and the audit of what became of them.
//!
//! The harness is for tests: it panics when it cannot do what it was asked, and says what it last saw.

mod binary;
mod certificates;
mod demo;
mod etcd;
pub mod exposition;
mod faulty_link;
pub mod http;
mod output;
pub mod poll;
pub mod port;
mod process;
pub mod prometheus;
pub mod promtool;
mod proxy;
mod tool;
pub mod wallets;
mod workspace;

pub use binary::{build_package, goverse_binary, goverse_command};
pub use certificates::Certificates;
pub use demo::Demo;
pub use etcd::{Etcd, EtcdTls};
pub use faulty_link::FaultyLink;
pub use output::Stream;
pub use process::Process;
pub use prometheus::Prometheus;
pub use proxy::{Proxy, Traffic};
pub use workspace::workspace_root;
