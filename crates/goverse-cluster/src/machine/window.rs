//! The time in which a node may act.
//!
//! Chapter *Window* of the protocol: `window_end = sent + ttl − margin`, with `sent` read before the renewal was given to
//! the transport; one renewal in flight; renewals only ever extend it. A node that could not confirm its view for one ttl,
//! or whose workers give no sign of life, does not renew: a lease says "I take part".

use std::time::Duration;

use super::action::Action;
use super::event::{Lease, Moment};
use super::settings::{Settings, margin};

/// Until when the node may act, and what is under way to extend that.
#[derive(Debug)]
pub(super) struct Window {
    end: Duration,
    /// The smaller of the asked and the granted.
    ttl: Duration,
    /// When the last renewal that was answered was sent.
    renewed: Moment,
    is_renewing: bool,
    due: Duration,
    /// The last sign of life from the workers.
    alive: Duration,
}

// === impl Window ===

impl Window {
    pub(super) fn new(lease: Lease, settings: &Settings) -> Self {
        Self {
            end: Duration::ZERO,
            ttl: settings.ttl().min(lease.ttl),
            renewed: lease.sent,
            is_renewing: false,
            due: lease.sent.boot + settings.period(),
            alive: lease.sent.boot,
        }
    }

    /// What is not before this is too late to act.
    pub(super) fn end(&self) -> Duration {
        self.end
    }

    pub(super) fn is_open(&self, now: Moment) -> bool {
        now.boot < self.end
    }

    pub(super) fn alive(&mut self, now: Moment) {
        self.alive = now.boot;
    }

    pub(super) fn renewed(
        &mut self,
        now: Moment,
        (sent, ttl): (Moment, Duration),
        settings: &Settings,
        actions: &mut Vec<Action>,
    ) {
        self.is_renewing = false;
        self.ttl = settings.ttl().min(ttl);
        let counted_from = if left_out!(settings.rules, WindowFromReply) { now } else { sent };
        if has_slept(counted_from, now, self.ttl) {
            return;
        }
        self.renewed = sent;
        let end = (counted_from.boot + self.ttl).saturating_sub(margin(self.ttl));
        if end > self.end {
            self.end = end;
            actions.push(Action::SetWindow(end));
        }
    }

    pub(super) fn renew_failed(&mut self) {
        self.is_renewing = false;
    }

    /// Ends it for good.
    pub(super) fn close(&mut self, actions: &mut Vec<Action>) {
        self.end = Duration::ZERO;
        actions.push(Action::SetWindow(Duration::ZERO));
    }

    /// Renews when it is time to; ends the window if the boot clock missed a suspend.
    pub(super) fn advance(
        &mut self,
        now: Moment,
        confirmed: Duration,
        settings: &Settings,
        actions: &mut Vec<Action>,
    ) {
        if self.is_open(now) && has_slept(self.renewed, now, self.ttl) {
            self.end = now.boot;
            actions.push(Action::SetWindow(now.boot));
        }
        let is_well = now.boot < confirmed + self.ttl && now.boot < self.alive + self.ttl;
        if is_well && !self.is_renewing && self.due <= now.boot {
            self.is_renewing = true;
            self.due = now.boot + settings.period();
            actions.push(Action::Renew);
        }
    }
}

/// Whether more time has passed by the wall clock than by the clock that is to count suspend.
fn has_slept(since: Moment, now: Moment, ttl: Duration) -> bool {
    let by_wall = now.wall.saturating_sub(since.wall);
    let by_boot = now.boot.saturating_sub(since.boot);
    by_wall > by_boot + margin(ttl) / 2
}
