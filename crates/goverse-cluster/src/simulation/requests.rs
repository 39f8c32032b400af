//! What goes between processes and the coordinator: requests that are late or lost, and watches.

use std::collections::VecDeque;

use rand::Rng;

use super::Time;
use super::plan::Lagging;
use super::process::Watch;
use super::world::{Happening, MS, ProcessId, World};
use crate::coordinator::{Change, Content, Grant, Revision, Transaction, Verdict, WatchEvent};
use crate::machine::{Event, Lease, Moment, Outcome};
use crate::records::{ASSIGNMENT_KEY, Assignment, MEMBERS_PREFIX};

/// One request of a process.
pub(super) struct Request {
    pub(super) process: ProcessId,
    life: u32,
    kind: RequestKind,
    sent: Moment,
    /// The driver no longer waits for it.
    is_over: bool,
    response: Option<Response>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum RequestKind {
    Grant,
    Renew,
    Transact(u64, Transaction),
    Read,
    Confirm,
    Revoke,
}

#[derive(Clone, Debug)]
enum Response {
    Granted(Grant),
    Renewed(Option<std::time::Duration>),
    Transacted(Verdict),
    Content(Content),
    Modified(Option<Revision>),
    Revoked,
}

// === impl World ===

impl World {
    pub(super) fn request(&mut self, process: ProcessId, kind: RequestKind) {
        let it = &self.processes[process];
        let (life, link) = (it.life, it.link);
        let id = self.requests.len();
        if matches!(kind, RequestKind::Renew) {
            self.processes[process].renewing = Some(id);
        }
        let sent = self.moment(process);
        self.requests.push(Request { process, life, kind, sent, is_over: false, response: None });
        let is_lost = link.cut_until > self.now || self.random.random_ratio(1, 400);
        if !is_lost {
            let slow = if link.slow_until > self.now { link.delay_max } else { 0 };
            let delay = self.delay(slow);
            self.after(delay, Happening::Arrive(id));
        }
        self.after(self.period(), Happening::TimeOut(id));
    }

    fn delay(&mut self, slow: Time) -> Time {
        let extra = if slow > 0 { self.random.random_range(0..slow) } else { 0 };
        self.random.random_range(200..3 * MS) + extra
    }

    /// A request comes to the coordinator.
    pub(super) fn arrive(&mut self, id: usize) {
        let Request { process, ref kind, .. } = self.requests[id];
        let kind = kind.clone();
        let link = self.processes[process].link;
        if !self.etcd.is_up(self.now) || link.cut_until > self.now {
            return;
        }
        self.expire_leases();
        let response = self.answer(process, kind);
        self.publish();
        self.requests[id].response = Some(response);
        let is_lost = link.loses_replies_until > self.now || self.random.random_ratio(1, 400);
        if !is_lost {
            let is_slow = link.slow_replies_until > self.now;
            let delay = self.delay(if is_slow { link.reply_delay_max } else { 0 });
            self.after(delay, Happening::Reply(id));
        }
    }

    fn answer(&mut self, process: ProcessId, kind: RequestKind) -> Response {
        let lease = self.processes[process].lease;
        match kind {
            RequestKind::Grant => {
                let ttl = std::time::Duration::from_millis(self.plan.ttl_ms);
                let grant = self.etcd.grant(self.now, ttl);
                self.at(self.now + self.plan.ttl_ms * MS, Happening::LeaseCheck);
                Response::Granted(grant)
            }
            RequestKind::Renew => {
                let ttl = self.etcd.renew(self.now, lease);
                if let Some(ends) = self.etcd.ends(lease) {
                    self.at(ends, Happening::LeaseCheck);
                }
                Response::Renewed(ttl)
            }
            RequestKind::Transact(_, transaction) => {
                let verdict = self.etcd.transact(&transaction);
                if matches!(verdict, Verdict::Yes(_)) {
                    self.check_epoch();
                }
                Response::Transacted(verdict)
            }
            RequestKind::Read => Response::Content(self.etcd.read()),
            RequestKind::Confirm => {
                Response::Modified(self.etcd.get(ASSIGNMENT_KEY).map(|cell| cell.modified))
            }
            RequestKind::Revoke => {
                self.etcd.revoke(lease);
                Response::Revoked
            }
        }
    }

    /// The assignment that the coordinator has, as text that can be read.
    pub(super) fn stored_assignment(&self) -> Option<Assignment> {
        let cell = self.etcd.get(ASSIGNMENT_KEY)?;
        let shards = goverse_core::ShardCount::new(self.plan.shards).ok()?;
        Assignment::decode(&cell.value, shards).ok()
    }

    pub(super) fn expire_leases(&mut self) {
        let ended = self.etcd.expire(self.now);
        if !ended.is_empty() {
            self.tell(None, || format!("coordinator: leases end: {ended:?}"));
            self.publish();
        }
    }

    /// A reply comes back to its process.
    pub(super) fn reply(&mut self, id: usize) {
        let Request { process, life, is_over, sent, .. } = self.requests[id];
        let it = &self.processes[process];
        if it.life != life || it.link.cut_until > self.now {
            return;
        }
        let Some(response) = self.requests[id].response.clone() else { return };
        if !is_over {
            self.requests[id].is_over = true;
            return self.take_in(id, sent, response);
        }
        // A transport without request ids, and a stream that was not torn down: the reply is taken for the next one.
        let is_matched = left_out!(self.rules, LateReplyMatched);
        if let (true, Response::Renewed(_), Some(next)) = (is_matched, &response, it.renewing) {
            self.requests[next].is_over = true;
            let sent = self.requests[next].sent;
            self.take_in(next, sent, response);
        }
    }

    fn take_in(&mut self, id: usize, sent: Moment, response: Response) {
        let process = self.requests[id].process;
        let event = match response {
            Response::Granted(Grant { lease, ttl }) => {
                return self.granted(process, Lease { id: lease, sent, ttl });
            }
            Response::Renewed(ttl) => {
                self.processes[process].renewing = None;
                ttl.map_or(Event::LeaseGone, |ttl| Event::Renewed { sent, ttl })
            }
            Response::Transacted(verdict) => {
                let RequestKind::Transact(id, _) = self.requests[id].kind else { return };
                let outcome = match verdict {
                    Verdict::Yes(revision) => Outcome::Yes(revision),
                    Verdict::No(revision) => Outcome::No(revision),
                };
                self.tell_outcome(process, id, outcome);
                Event::TransactionDone { id, outcome }
            }
            Response::Content(content) => {
                self.watch(process, content.revision);
                Event::Read { sent, content }
            }
            Response::Modified(modified) => Event::Confirmed { sent, modified },
            Response::Revoked => return,
        };
        self.step(process, event);
    }

    fn tell_outcome(&mut self, process: ProcessId, id: u64, outcome: Outcome) {
        let node = self.processes[process].node;
        self.tell(None, || {
            format!("{}: ({id}) is answered {outcome:?}", super::process::name(process, node))
        });
    }

    /// A request has taken too long.
    pub(super) fn time_out(&mut self, id: usize) {
        let Request { process, life, is_over, ref kind, .. } = self.requests[id];
        if is_over || self.processes[process].life != life {
            return;
        }
        let event = match *kind {
            RequestKind::Grant => None,
            RequestKind::Renew => Some(Event::RenewFailed),
            RequestKind::Transact(id, _) => {
                Some(Event::TransactionDone { id, outcome: Outcome::Unknown })
            }
            RequestKind::Read => Some(Event::ReadFailed),
            RequestKind::Confirm => Some(Event::ConfirmFailed),
            RequestKind::Revoke => return,
        };
        self.requests[id].is_over = true;
        match event {
            None => self.ask_for_lease(process),
            Some(event) => {
                if let Event::TransactionDone { id, outcome } = event {
                    self.tell_outcome(process, id, outcome);
                }
                if event == Event::RenewFailed {
                    self.processes[process].renewing = None;
                }
                self.step(process, event);
            }
        }
    }

    /// Watches from the revision after `after`, and no longer from where it did.
    fn watch(&mut self, process: ProcessId, after: Revision) {
        let groups = if left_out!(self.rules, WatchPerKey) { 3 } else { 1 };
        let it = &mut self.processes[process];
        it.next_watch += 1;
        let id = it.next_watch;
        let position = self.etcd.log.partition_point(|change| change.revision <= after);
        let pending = vec![VecDeque::new(); groups];
        it.watch = Some(Watch { id, position, pending, last: vec![0; groups] });
        if after < self.etcd.compacted {
            self.after(MS, Happening::WatchEnded { process, watch: id });
        } else {
            self.publish();
        }
    }

    /// Sends what is new to whoever watches.
    pub(super) fn publish(&mut self) {
        for process in 0..self.processes.len() {
            let Some(watch) = &self.processes[process].watch else { continue };
            if watch.position >= self.etcd.log.len() {
                continue;
            }
            let (id, groups, from) = (watch.id, watch.pending.len(), watch.position);
            for index in from..self.etcd.log.len() {
                let change = self.etcd.log[index].clone();
                for (group, change) in split(change, groups) {
                    self.send_change(process, id, group, change);
                }
            }
            if let Some(watch) = &mut self.processes[process].watch {
                watch.position = self.etcd.log.len();
            }
        }
    }

    fn send_change(&mut self, process: ProcessId, id: u64, group: usize, change: Change) {
        let link = self.processes[process].link;
        let is_slow = link.slow_replies_until > self.now;
        let delay = self.delay(if is_slow { link.reply_delay_max } else { 0 });
        let members = self.lag(process, Lagging::Members);
        let assignment = self.lag(process, Lagging::Assignment);
        let is_alone = self.processes[process].watch.as_ref().is_some_and(|it| it.last.len() > 1);
        let lag = match (is_alone, group) {
            (false, _) => members.max(assignment),
            (true, 0) => members,
            (true, 1) => assignment,
            (true, _) => 0,
        };
        let at = self.now + delay + lag;
        let Some(watch) = &mut self.processes[process].watch else { return };
        let at = at.max(watch.last[group]);
        watch.last[group] = at;
        watch.pending[group].push_back(change);
        self.at(at, Happening::WatchNext { process, watch: id, group });
    }

    pub(super) fn watch_next(&mut self, process: ProcessId, id: u64, group: usize) {
        let cut_until = self.processes[process].link.cut_until;
        if cut_until > self.now {
            return self.at(cut_until + MS, Happening::WatchNext { process, watch: id, group });
        }
        let watch = self.processes[process].watch.as_mut().filter(|watch| watch.id == id);
        if let Some(change) = watch.and_then(|watch| watch.pending[group].pop_front()) {
            self.step(process, Event::Watched(WatchEvent::Changed(change)));
        }
    }

    /// The watch of a process says nothing any more, and nobody tells.
    pub(super) fn stall_watch(&mut self, process: ProcessId) {
        if let Some(watch) = &mut self.processes[process].watch {
            watch.pending.iter_mut().for_each(VecDeque::clear);
            watch.position = usize::MAX;
        }
    }

    /// Breaks the watch of a process, which hears of it soon.
    pub(super) fn break_watch(&mut self, process: ProcessId) {
        self.stall_watch(process);
        let Some(watch) = &self.processes[process].watch else { return };
        let id = watch.id;
        let delay = self.random.random_range(MS..50 * MS);
        self.after(delay, Happening::WatchEnded { process, watch: id });
    }

    pub(super) fn watch_ended(&mut self, process: ProcessId, id: u64) {
        let it = &mut self.processes[process];
        if it.watch.as_ref().is_some_and(|watch| watch.id == id) {
            it.watch = None;
            self.step(process, Event::WatchEnded);
        }
    }
}

/// A revision by groups of keys: members, the assignment, the rest; or all of it.
fn split(change: Change, groups: usize) -> Vec<(usize, Change)> {
    if groups == 1 {
        return vec![(0, change)];
    }
    let mut split: Vec<(usize, Change)> = Vec::new();
    for (key, cell) in change.cells {
        let group = match key.as_str() {
            ASSIGNMENT_KEY => 1,
            member if member.starts_with(MEMBERS_PREFIX) => 0,
            _ => 2,
        };
        let cells = [(key, cell)].into();
        split.push((group, Change { revision: change.revision, cells }));
    }
    split
}
