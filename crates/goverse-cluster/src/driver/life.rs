//! One incarnation, from its lease to its end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{MissedTickBehavior, interval};

use super::operation::{Answer, Operation};
use super::report::Report;
use super::{ClusterError, Driver, Order};
use crate::clock;
use crate::coordinator::{CoordinatorError, LeaseId, Revision, Watch, WatchEvent};
use crate::machine::{Action, Event, Lease, Machine, Refusal};
use crate::tenure::Incarnation;
use crate::window::Window;

/// A machine that runs. Dropped before its end, it does not act any more.
pub(super) struct Life<'a> {
    driver: &'a mut Driver,
    machine: Machine,
    lease: LeaseId,
    window: Arc<Window>,
    /// What was asked of the coordinator and is not answered yet.
    operations: FuturesUnordered<Operation>,
    watch: Option<Box<dyn Watch>>,
    /// How many reads were begun: a watch belongs to the last.
    reads: u64,
    /// The revision of the view that the node was last told.
    told: Option<Revision>,
    is_pulse_out: bool,
    report: Report,
}

/// How a life ended.
pub(super) enum End {
    Lost,
    Refused(Refusal),
    Left,
}

/// What happens next.
enum Happening {
    Answer(Answer),
    Watched(Result<WatchEvent, CoordinatorError>),
    Order(Order),
    Tick,
}

// === impl Life ===

impl<'a> Life<'a> {
    pub(super) fn begin(driver: &'a mut Driver, incarnation: Incarnation, lease: Lease) -> Self {
        let window = Arc::new(Window::default());
        let closed = Arc::clone(&window);
        driver.asker.coordinator.before_end(lease.id, Box::new(move || closed.close()));
        driver.tenant.begin(incarnation, &window);
        tracing::info!(node = %driver.settings.address, %incarnation, "an incarnation begins");
        Self {
            machine: Machine::new(driver.settings.clone(), incarnation, lease),
            report: Report::new(&driver.asker.metrics),
            driver,
            lease: lease.id,
            window,
            operations: FuturesUnordered::new(),
            watch: None,
            reads: 0,
            told: None,
            is_pulse_out: false,
        }
    }

    /// Runs the machine to its last word.
    pub(super) async fn live(mut self) -> Result<End, ClusterError> {
        let mut first = vec![Event::Tick];
        first.extend(self.driver.is_ready.then_some(Event::Ready));
        first.extend(self.driver.is_draining.then_some(Event::Drain));
        for event in first {
            if let Some(end) = self.step(event) {
                return Ok(end);
            }
        }
        let mut ticks = interval(self.driver.settings.tick());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let happening = tokio::select! {
                Some(answer) = self.operations.next() => Happening::Answer(answer),
                event = next_of(&mut self.watch) => Happening::Watched(event),
                Some(order) = self.driver.orders.recv() => Happening::Order(order),
                _ = ticks.tick() => Happening::Tick,
            };
            if let Some(end) = self.take_in(happening)? {
                return Ok(end);
            }
        }
    }

    fn take_in(&mut self, happening: Happening) -> Result<Option<End>, ClusterError> {
        let event = match happening {
            Happening::Answer(Answer::Event(event)) => event,
            Happening::Answer(Answer::Read(sent, Ok(content))) => {
                self.watch = None;
                let watch = self.driver.asker.watch(self.reads, content.revision);
                self.operations.push(watch);
                Event::Read { sent, content }
            }
            Happening::Answer(Answer::Read(_, Err(error))) => {
                self.check_access(error)?;
                Event::ReadFailed
            }
            Happening::Answer(Answer::Watch(read, watch)) => {
                return Ok(self.take_watch(read, watch));
            }
            Happening::Watched(Ok(event)) => Event::Watched(event),
            Happening::Watched(Err(error)) => self.watch_ended(&error),
            Happening::Order(order) => {
                self.driver.note(order);
                self.event_of(order)
            }
            Happening::Tick => {
                self.send_pulse();
                Event::Tick
            }
        };
        Ok(self.step(event))
    }

    /// A node that never got in does not try for ever.
    fn check_access(&self, error: CoordinatorError) -> Result<(), ClusterError> {
        let is_denied = matches!(error, CoordinatorError::Denied(_));
        if is_denied && self.machine.view().is_none() { Err(error.into()) } else { Ok(()) }
    }

    fn take_watch(
        &mut self,
        read: u64,
        watch: Result<Box<dyn Watch>, CoordinatorError>,
    ) -> Option<End> {
        // Another read has been done since, or is under way: its own watch follows.
        if read != self.reads {
            return None;
        }
        match watch {
            Ok(watch) => {
                self.watch = Some(watch);
                None
            }
            Err(_) => self.step(Event::WatchEnded),
        }
    }

    fn watch_ended(&mut self, error: &CoordinatorError) -> Event {
        tracing::warn!(%error, "the watch on the coordinator ended; all is read again");
        self.watch = None;
        self.driver.asker.metrics.watch_restarted();
        Event::WatchEnded
    }

    fn event_of(&mut self, order: Order) -> Event {
        match order {
            Order::Ready => Event::Ready,
            Order::Drain => Event::Drain,
            Order::Idle(token) => Event::Idle(token),
            Order::Alive => {
                self.is_pulse_out = false;
                Event::Alive
            }
        }
    }

    /// Asks the worker pool for a sign of life, unless one is asked for.
    fn send_pulse(&mut self) {
        if self.is_pulse_out {
            return;
        }
        self.is_pulse_out = true;
        let orders = self.driver.own_orders.clone();
        self.driver.workers.spawn(async move {
            let _ = orders.send(Order::Alive);
        });
    }

    /// Tells the machine what happened, and does what it asks for.
    fn step(&mut self, event: Event) -> Option<End> {
        let now = clock::now();
        let actions = self.machine.step(now, event);
        self.report.see(&self.machine, &actions, now, self.window.left());
        self.tell_view();
        let mut end = None;
        for action in actions {
            end = self.act(action).or(end);
        }
        end
    }

    fn tell_view(&mut self) {
        let Some(view) = self.machine.view() else { return };
        if self.told != Some(view.revision()) {
            self.told = Some(view.revision());
            self.driver.view.send_replace(Some(Arc::new(view.clone())));
        }
    }

    fn act(&mut self, action: Action) -> Option<End> {
        let Driver { asker, tenant, .. } = &*self.driver;
        match action {
            Action::Renew => self.operations.push(asker.renew(self.lease)),
            Action::Transact { id, transaction } => {
                self.operations.push(asker.transact(id, transaction));
            }
            Action::Read => {
                self.reads += 1;
                self.operations.push(asker.read());
            }
            Action::Confirm => self.operations.push(asker.confirm()),
            Action::SetWindow(end) => self.set_window(end),
            Action::Serve(token) => tenant.serve(token),
            Action::Release(token) => tenant.release(token),
            Action::Revoke(tokens) => tenant.revoke(&tokens),
            Action::Lost(loss) => {
                tracing::warn!(?loss, "the incarnation is lost; another begins");
                self.window.close();
                tenant.lost(loss);
                return Some(End::Lost);
            }
            Action::Refuse(refusal) => return Some(End::Refused(refusal)),
            Action::Leave => return Some(End::Left),
        }
        None
    }

    fn set_window(&self, end: Duration) {
        self.driver.tenant.window_moves(end);
        self.window.set(end);
    }
}

impl Drop for Life<'_> {
    fn drop(&mut self) {
        self.window.close();
        self.driver.view.send_replace(None);
    }
}

/// The next event of the watch, if there is one.
async fn next_of(watch: &mut Option<Box<dyn Watch>>) -> Result<WatchEvent, CoordinatorError> {
    match watch {
        Some(watch) => watch.next().await,
        None => std::future::pending().await,
    }
}
