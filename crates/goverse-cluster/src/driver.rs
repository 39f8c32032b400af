//! Runs the machine: feeds it what happens, does what it asks for, and begins another incarnation when one was lost.
//!
//! It decides nothing. What is done to the coordinator is what the machine says, and so is what the tenant hears.

mod life;
mod operation;
mod report;
mod wipe;

use std::sync::Arc;
use std::time::Duration;

use goverse_metrics::{ClusterMetrics, CoordinatorOperation};
use rand::Rng;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::clock;
use crate::coordinator::{Coordinator, CoordinatorError};
use crate::machine::{Lease, Refusal, Settings, View};
use crate::tenant::Tenant;
use crate::tenure::{Incarnation, Token};
use life::{End, Life};
use operation::Asker;

/// A node's part in its cluster, as the rest of the node sees it. Clones share it.
#[derive(Clone, Debug)]
pub struct Cluster {
    orders: mpsc::UnboundedSender<Order>,
    view: watch::Receiver<Option<Arc<View>>>,
}

/// What makes a node take part; see [`Driver::run`].
pub struct Driver {
    settings: Settings,
    tenant: Arc<dyn Tenant>,
    asker: Asker,
    /// The worker pool, which has to show signs of life.
    workers: Handle,
    orders: mpsc::UnboundedReceiver<Order>,
    /// For signs of life.
    own_orders: mpsc::UnboundedSender<Order>,
    view: watch::Sender<Option<Arc<View>>>,
    is_ready: bool,
    is_draining: bool,
}

/// Why a node cannot take part. Trying again is no use until somebody has mended it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// What is there is not for this node.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The coordinator does not let it in.
    #[error(transparent)]
    Coordinator(#[from] CoordinatorError),
}

/// What the rest of the node tells the driver.
#[derive(Clone, Copy, Debug)]
enum Order {
    Ready,
    Drain,
    Idle(Token),
    /// The worker pool ran something.
    Alive,
}

// === impl Cluster ===

impl Cluster {
    /// A node's part in a cluster. Nothing happens until the driver [runs](Driver::run). The workers are the runtime that
    /// serves what the shards hold: a node whose workers stand still gives its lease up.
    pub fn new(
        settings: Settings,
        coordinator: Arc<dyn Coordinator>,
        tenant: Arc<dyn Tenant>,
        workers: Handle,
    ) -> (Self, Driver) {
        let (orders, receiver) = mpsc::unbounded_channel();
        let view = watch::Sender::new(None);
        let cluster = Self { orders: orders.clone(), view: view.subscribe() };
        let metrics = ClusterMetrics::new(settings.address.as_str());
        let driver = Driver {
            asker: Asker::new(coordinator, metrics, settings.period()),
            settings,
            tenant,
            workers,
            orders: receiver,
            own_orders: orders,
            view,
            is_ready: false,
            is_draining: false,
        };
        (cluster, driver)
    }

    /// The node listens: it may be given shards.
    pub fn ready(&self) {
        self.order(Order::Ready);
    }

    /// The node is to leave in good order: the driver ends when it has.
    pub fn drain(&self) {
        self.order(Order::Drain);
    }

    /// For a tenure that is released: no turn of it runs, its unsaved state is saved, the outcome of every save is known,
    /// and its activations are gone.
    pub fn idle(&self, token: Token) {
        self.order(Order::Idle(token));
    }

    /// What the node knows of the cluster, now; `None` before it knows anything.
    pub fn view(&self) -> Option<Arc<View>> {
        self.view.borrow().clone()
    }

    /// What the node knows of the cluster, and each change of that.
    pub fn views(&self) -> watch::Receiver<Option<Arc<View>>> {
        self.view.clone()
    }

    fn order(&self, order: Order) {
        // A driver that has ended needs no orders.
        let _ = self.orders.send(order);
    }
}

// === impl Driver ===

impl Driver {
    /// Takes part until the node has left, after [`Cluster::drain`]. When this is dropped the node stops to act at once,
    /// and its lease ends by itself.
    ///
    /// # Errors
    /// When the node cannot take part, whatever it does.
    pub async fn run(mut self) -> Result<(), ClusterError> {
        while let Some(lease) = self.obtain_lease().await? {
            let incarnation = Incarnation(rand::rng().random());
            let end = Life::begin(&mut self, incarnation, lease).live().await;
            match end {
                Err(error) => {
                    self.give_back(&lease).await;
                    return Err(error);
                }
                Ok(End::Lost) => {
                    let lost_at = clock::boot();
                    self.give_back(&lease).await;
                    self.outlive_the_past(lost_at).await;
                }
                Ok(End::Refused(refusal)) => {
                    self.give_back(&lease).await;
                    return Err(refusal.into());
                }
                Ok(End::Left) => {
                    self.tenant.leave().await;
                    self.give_back(&lease).await;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Asks for a lease until there is one; `None` if the node is to leave before that.
    async fn obtain_lease(&mut self) -> Result<Option<Lease>, ClusterError> {
        while !self.is_draining {
            let sent = clock::now();
            let ttl = self.settings.ttl();
            let granted = self.asker.ask(CoordinatorOperation::Grant, |it| it.grant(ttl)).await;
            match granted {
                Ok(grant) => return Ok(Some(Lease { id: grant.lease, sent, ttl: grant.ttl })),
                Err(error @ CoordinatorError::Denied(_)) => return Err(error.into()),
                Err(_) => self.rest(self.asker.period / 4).await,
            }
        }
        Ok(None)
    }

    /// Obeys orders for a time.
    async fn rest(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(Some(order)) = timeout_at(end, self.orders.recv()).await {
            self.note(order);
        }
    }

    /// Keeps what is true of every incarnation.
    fn note(&mut self, order: Order) {
        match order {
            Order::Ready => self.is_ready = true,
            Order::Drain => self.is_draining = true,
            Order::Idle(_) | Order::Alive => {}
        }
    }

    /// Ends the lease of an incarnation that is over, so that nobody waits for it.
    async fn give_back(&self, lease: &Lease) {
        let id = lease.id;
        // It ends by itself otherwise.
        let _ = self.asker.ask(CoordinatorOperation::Revoke, |it| it.revoke(id)).await;
    }
}
