//! A node of a test: its driver as a task, and a tenant that keeps what it is told.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use goverse_cluster::{
    Cluster, ClusterError, Coordinator, Incarnation, Loss, Settings, Tenant, Token, Window,
};
use goverse_core::ShardCount;
use goverse_e2e::poll::{self, SOON};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

pub(crate) const SHARDS: u32 = 32;

pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    pub(crate) tenant: Arc<Kept>,
    pub(crate) driver: JoinHandle<Result<(), ClusterError>>,
}

/// A tenant whose tenures are idle as soon as they are released.
#[derive(Default)]
pub(crate) struct Kept {
    state: Mutex<State>,
    cluster: OnceLock<Cluster>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) incarnation: Option<Incarnation>,
    pub(crate) window: Arc<Window>,
    pub(crate) tokens: BTreeSet<Token>,
    pub(crate) losses: Vec<Loss>,
}

/// Settings for a node that is called so on this machine.
pub(crate) fn settings(number: u16) -> Settings {
    let mut settings = Settings::new(format!("127.0.0.1:{}", 47_000 + number).parse().unwrap());
    settings.shards = ShardCount::new(SHARDS).unwrap();
    settings.ttl = Duration::from_secs(3);
    settings.settling = Duration::from_millis(100);
    settings
}

// === impl Node ===

impl Node {
    /// Starts a node that is ready.
    pub(crate) fn start(settings: Settings, coordinator: Arc<dyn Coordinator>) -> Self {
        Self::start_with_workers(settings, coordinator, Handle::current())
    }

    pub(crate) fn start_with_workers(
        settings: Settings,
        coordinator: Arc<dyn Coordinator>,
        workers: Handle,
    ) -> Self {
        let tenant = Arc::new(Kept::default());
        let (cluster, driver) = Cluster::new(settings, coordinator, tenant.clone(), workers);
        let _ = tenant.cluster.set(cluster.clone());
        cluster.ready();
        Self { cluster, tenant, driver: tokio::spawn(driver.run()) }
    }

    /// How many shards it may act for now.
    pub(crate) fn serves(&self) -> usize {
        let state = self.tenant.state();
        if state.window.is_open() { state.tokens.len() } else { 0 }
    }

    pub(crate) fn window(&self) -> Arc<Window> {
        Arc::clone(&self.tenant.state().window)
    }

    /// Waits until it serves so many shards.
    pub(crate) async fn until_it_serves(&self, count: usize) {
        poll::until(format!("{count} shards to be served"), SOON, async || {
            poll::expect(self.serves() == count, self.serves())
        })
        .await;
    }
}

// === impl Kept ===

impl Kept {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenant for Kept {
    fn begin(&self, incarnation: Incarnation, window: &Arc<Window>) {
        let mut state = self.state();
        assert!(state.tokens.is_empty(), "tokens outlive their incarnation");
        state.incarnation = Some(incarnation);
        state.window = Arc::clone(window);
    }

    fn serve(&self, token: Token) {
        let mut state = self.state();
        assert_eq!(Some(token.incarnation), state.incarnation);
        assert!(state.tokens.insert(token), "{token:?} is served twice");
    }

    fn release(&self, token: Token) {
        assert!(self.state().tokens.remove(&token), "{token:?} is not served");
        self.cluster.get().unwrap().idle(token);
    }

    fn revoke(&self, tokens: &[Token]) {
        let mut state = self.state();
        for token in tokens {
            state.tokens.remove(token);
        }
    }

    fn lost(&self, loss: Loss) {
        let mut state = self.state();
        assert!(!state.window.is_open() && state.tokens.is_empty());
        state.losses.push(loss);
    }
}
