//! The coordinator that is etcd, on a real one.

mod access;
mod network;
mod restarts;

use std::sync::Arc;

use goverse_cluster::etcd::{Etcd, EtcdSettings};
use goverse_cluster::{BoxFuture, Coordinator, Revision};
use goverse_e2e::Etcd as Server;

use crate::conformance::{self, Subject};

struct InEtcd {
    server: Server,
}

impl InEtcd {
    async fn start() -> Self {
        Self { server: Server::start().await }
    }

    fn with_prefix(&self, prefix: &str) -> Arc<dyn Coordinator> {
        let mut settings = EtcdSettings::new([self.server.url()]);
        settings.prefix = prefix.to_owned();
        Arc::new(Etcd::new(&settings).unwrap())
    }
}

impl Subject for InEtcd {
    fn coordinator(&self) -> Arc<dyn Coordinator> {
        self.with_prefix("/goverse")
    }

    fn neighbour(&self) -> Arc<dyn Coordinator> {
        self.with_prefix("/goverse2")
    }

    fn compact(&self, revision: Revision) -> BoxFuture<'_, ()> {
        self.server.ctl(&["compaction", &revision.to_string()]);
        Box::pin(std::future::ready(()))
    }
}

conformance::every_promise!(InEtcd::start());

/// A coordinator at these endpoints.
fn at<S: Into<String>>(endpoints: impl IntoIterator<Item = S>) -> Etcd {
    Etcd::new(&EtcdSettings::new(endpoints)).unwrap()
}
