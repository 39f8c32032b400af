//! When a view is believed, and when it is read again.
//!
//! Chapter *View* of the protocol: older revisions are ignored; a broken watch, and one that lags behind a linearizable
//! read for a whole period or says nothing for two ttl, is replaced by reading everything; a coordinator with other data ends the incarnation. A view
//! that was not confirmed for one ttl is one that the node does not renew its lease on (`window.rs`).

use std::time::Duration;

use super::action::{Action, Loss};
use super::event::Moment;
use super::settings::Settings;
use super::view::View;
use crate::coordinator::{Content, Revision, WatchEvent};

/// The view, and what is under way to keep it.
#[derive(Debug)]
pub(super) struct Watching {
    pub(super) view: Option<View>,
    /// Whether the view has changed since it was last looked at.
    pub(super) is_new: bool,
    read: Read,
    confirm: Confirm,
    /// When what has confirmed the view was sent.
    confirmed: Duration,
    /// When the watch, or a read in its place, has last said something.
    heard: Duration,
}

/// Reads of the whole prefix.
#[derive(Debug, Default)]
struct Read {
    is_wanted: bool,
    /// The revision of the view when the read under way began.
    under_way: Option<Revision>,
    not_before: Duration,
    /// How many have begun, and how many of those have brought a content.
    begun: u64,
    done: u64,
}

/// Reads of the revision of `assignment`.
#[derive(Debug, Default)]
struct Confirm {
    /// The revision of the view's assignment when the read under way began.
    under_way: Option<Revision>,
    due: Duration,
    /// What was ahead of the view: the revision, when it was sent, when it was received.
    ahead: Option<(Revision, Duration, Duration)>,
}

// === impl Watching ===

impl Watching {
    pub(super) fn new(begun: Duration) -> Self {
        Self {
            view: None,
            is_new: false,
            read: Read { is_wanted: true, ..Read::default() },
            confirm: Confirm::default(),
            confirmed: begun,
            heard: begun,
        }
    }

    /// When what has last confirmed the view was sent.
    pub(super) fn confirmed(&self) -> Duration {
        self.confirmed
    }

    /// Asks for a read that begins from now on; its number.
    pub(super) fn want_read(&mut self) -> u64 {
        self.read.is_wanted = true;
        self.read.begun + 1
    }

    /// How many reads have brought a content, counted by when they began.
    pub(super) fn reads_done(&self) -> u64 {
        self.read.done
    }

    /// A content was read; how it ends the incarnation, if it does.
    pub(super) fn read(
        &mut self,
        sent: Moment,
        content: Content,
        settings: &Settings,
    ) -> Result<(), Loss> {
        let began_at = self.read.under_way.take().unwrap_or_default();
        self.read.done = self.read.begun;
        if let Some(view) = &self.view {
            if view.cluster() != content.cluster || content.revision < began_at {
                return Err(Loss::OtherCoordinator);
            }
            let is_older = content.revision < view.revision();
            if is_older && !left_out!(settings.rules, ViewGoesBack) {
                return Ok(());
            }
        }
        self.view = Some(View::new(content, settings.shards, self.view.as_ref()));
        self.is_new = true;
        self.confirmed = self.confirmed.max(sent.boot);
        self.heard = self.heard.max(sent.boot);
        Ok(())
    }

    pub(super) fn read_failed(&mut self, now: Moment, settings: &Settings) {
        self.read.under_way = None;
        self.read_soon(now, settings);
    }

    /// The watch is over: what it would have said is read.
    pub(super) fn watch_ended(&mut self, now: Moment, settings: &Settings) {
        self.read_soon(now, settings);
    }

    fn read_soon(&mut self, now: Moment, settings: &Settings) {
        self.read.is_wanted = true;
        self.read.not_before = now.boot + settings.tick();
    }

    pub(super) fn watched(&mut self, now: Moment, event: WatchEvent) {
        let Some(view) = &mut self.view else { return };
        self.heard = now.boot;
        match event {
            WatchEvent::Changed(change) if change.revision > view.revision() => {
                view.apply(change);
                self.is_new = true;
            }
            WatchEvent::Changed(_) => {}
            WatchEvent::Progress(revision) => {
                self.is_new |= revision > view.revision();
                view.advance(revision);
            }
        }
    }

    pub(super) fn confirm_answered(&mut self, now: Moment, sent: Moment, modified: Revision) {
        let Some(floor) = self.confirm.under_way.take() else { return };
        if modified < floor {
            // Deleted by hand, or other data: the read tells.
            self.want_read();
        } else if modified <= self.assignment_revision() {
            self.confirmed = self.confirmed.max(sent.boot);
            self.confirm.ahead = None;
        } else if self.confirm.ahead.is_none() {
            self.confirm.ahead = Some((modified, sent.boot, now.boot));
        }
    }

    pub(super) fn confirm_failed(&mut self) {
        self.confirm.under_way = None;
    }

    /// Reads and confirms when it is time to.
    pub(super) fn advance(&mut self, now: Moment, settings: &Settings, actions: &mut Vec<Action>) {
        self.catch_up(now, settings);
        self.suspect_silence(now, settings);
        let may_read = self.read.under_way.is_none() && self.read.not_before <= now.boot;
        if self.read.is_wanted && may_read {
            let revision = self.view.as_ref().map(View::revision);
            self.read.under_way = Some(revision.unwrap_or_default());
            self.read.is_wanted = false;
            self.read.begun += 1;
            actions.push(Action::Read);
        }
        let may_confirm = self.confirm.under_way.is_none() && self.view.is_some();
        if may_confirm && self.confirm.due <= now.boot {
            self.confirm.under_way = Some(self.assignment_revision());
            self.confirm.due = now.boot + settings.period();
            actions.push(Action::Confirm);
        }
    }

    /// What was ahead of the view has come by the watch, or will not come.
    fn catch_up(&mut self, now: Moment, settings: &Settings) {
        let Some((revision, sent, received)) = self.confirm.ahead else { return };
        if revision <= self.assignment_revision() {
            self.confirmed = self.confirmed.max(sent);
            self.confirm.ahead = None;
        } else if now.boot >= received + settings.period() {
            self.confirm.ahead = None;
            self.want_read();
        }
    }

    /// A watch that says nothing for two ttl may be dead without knowing: what it should have said of members and the leader
    /// is in no revision of the assignment.
    fn suspect_silence(&mut self, now: Moment, settings: &Settings) {
        if now.boot >= self.heard + 2 * settings.ttl() {
            self.heard = now.boot;
            self.want_read();
        }
    }

    /// The revision of the view's assignment; 0 without one.
    fn assignment_revision(&self) -> Revision {
        let assignment = self.view.as_ref().and_then(View::stored_assignment);
        assignment.map(|stored| stored.modified).unwrap_or_default()
    }
}
