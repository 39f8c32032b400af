//! What a test knows of all the objects of its node: who lives, whose turns run, what they noted; and gates to hold them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::actor::Step;

/// Shared by a test and its objects. It finds out by itself when two things run beside each other that must not.
#[derive(Default)]
pub(crate) struct World {
    known: Mutex<Known>,
    changed: Notify,
}

#[derive(Default)]
struct Known {
    by_id: HashMap<String, Presence>,
    notes: Vec<String>,
    open: HashSet<String>,
    arrived: HashMap<String, usize>,
    plans: HashMap<(String, Hook), VecDeque<Vec<Step>>>,
    violations: Vec<String>,
}

/// What is going on at one id, whichever activation it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Presence {
    pub(crate) lives: u64,
    pub(crate) exclusive_turns: u64,
    pub(crate) shared_turns: u64,
    pub(crate) hooks: u64,
    /// Activation hooks that began, in all.
    pub(crate) activations: u64,
    /// Deactivation hooks that began, in all.
    pub(crate) deactivations: u64,
    /// Turns that began, in all.
    pub(crate) turns: u64,
}

/// What goes on for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Living,
    Hook(Hook),
    ExclusiveTurn,
    SharedTurn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Hook {
    Activate,
    Deactivate,
}

/// It goes on until this is dropped.
pub(crate) struct Span {
    world: Arc<World>,
    id: String,
    doing: Doing,
}

// === impl World ===

impl World {
    /// Begins something at `id`, and writes down a violation if it may not begin now.
    pub(crate) fn begin(self: &Arc<Self>, id: &str, doing: Doing) -> Span {
        let mut known = self.known();
        let presence = known.by_id.entry(id.to_owned()).or_default();
        let before = *presence;
        let may_begin = presence.may_begin(doing);
        *presence.count(doing) += 1;
        match doing {
            Doing::Living => {}
            Doing::Hook(Hook::Activate) => presence.activations += 1,
            Doing::Hook(Hook::Deactivate) => presence.deactivations += 1,
            Doing::ExclusiveTurn | Doing::SharedTurn => presence.turns += 1,
        }
        if !may_begin {
            known.violations.push(format!("{doing:?} of {id} beside {before:?}"));
        }
        drop(known);
        self.changed.notify_waiters();
        Span { world: Arc::clone(self), id: id.to_owned(), doing }
    }

    pub(crate) fn violation(&self, what: String) {
        self.known().violations.push(what);
    }

    /// What went on at `id`, and does.
    pub(crate) fn at(&self, id: &str) -> Presence {
        self.known().by_id.get(id).copied().unwrap_or_default()
    }

    /// All that went on, and does, at whatever id.
    pub(crate) fn everywhere(&self) -> Presence {
        let mut sum = Presence::default();
        for presence in self.known().by_id.values() {
            sum.lives += presence.lives;
            sum.exclusive_turns += presence.exclusive_turns;
            sum.shared_turns += presence.shared_turns;
            sum.hooks += presence.hooks;
            sum.activations += presence.activations;
            sum.deactivations += presence.deactivations;
            sum.turns += presence.turns;
        }
        sum
    }

    /// Whether this was noted.
    pub(crate) fn has_noted(&self, note: &str) -> bool {
        self.known().notes.iter().any(|it| it == note)
    }

    /// Nothing ran beside anything that it must not run beside.
    #[track_caller]
    pub(crate) fn assert_no_violation(&self) {
        assert_eq!(self.known().violations, Vec::<String>::new());
    }

    pub(crate) fn note(&self, note: impl Into<String>) {
        self.known().notes.push(note.into());
        self.changed.notify_waiters();
    }

    /// All notes so far, in order.
    pub(crate) fn notes(&self) -> String {
        self.known().notes.join(" ")
    }

    /// Waits until this was noted.
    pub(crate) async fn noted(&self, note: &str) {
        self.until(&format!("{note:?} is noted"), |known| known.notes.iter().any(|it| it == note))
            .await;
    }

    /// Lets all through who wait at a gate, or will.
    pub(crate) fn open(&self, gate: &str) {
        self.known().open.insert(gate.to_owned());
        self.changed.notify_waiters();
    }

    /// Waits until a gate is open, without an end: it is for others to give up.
    pub(crate) async fn pass(&self, gate: &str) {
        self.wait(|known| known.open.contains(gate)).await;
    }

    /// Waits until `size` have come to a meeting.
    pub(crate) async fn meet(&self, meeting: &str, size: usize) {
        *self.known().arrived.entry(meeting.to_owned()).or_default() += 1;
        self.changed.notify_waiters();
        self.wait(|known| known.arrived[meeting] >= size).await;
    }

    /// Sets what the next hooks of `id` do: each runs one of the plans, and those after do nothing.
    pub(crate) fn plan<const N: usize>(&self, id: &str, hook: Hook, plans: [Vec<Step>; N]) {
        self.known().plans.entry((id.to_owned(), hook)).or_default().extend(plans);
    }

    pub(crate) fn next_plan(&self, id: &str, hook: Hook) -> Vec<Step> {
        let mut known = self.known();
        known
            .plans
            .get_mut(&(id.to_owned(), hook))
            .and_then(VecDeque::pop_front)
            .unwrap_or_default()
    }

    /// Waits until what goes on at `id` is as wanted.
    pub(crate) async fn until_at(&self, id: &str, what: &str, holds: impl Fn(Presence) -> bool) {
        self.until(what, |known| known.by_id.get(id).is_some_and(|presence| holds(*presence)))
            .await;
    }

    async fn until(&self, what: &str, holds: impl Fn(&Known) -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(10), self.wait(holds)).await;
        if waited.is_err() {
            let known = self.known();
            panic!("not within 10 s: {what}; at the end: {:?}, {:?}", known.by_id, known.notes);
        }
    }

    async fn wait(&self, holds: impl Fn(&Known) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if holds(&self.known()) {
                return;
            }
            changed.await;
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Presence ===

impl Presence {
    fn may_begin(&self, doing: Doing) -> bool {
        let no_turn = self.exclusive_turns == 0 && self.shared_turns == 0;
        match doing {
            Doing::Living => self.lives == 0 && no_turn && self.hooks == 1,
            Doing::Hook(Hook::Activate) => self.lives == 0 && no_turn && self.hooks == 0,
            Doing::Hook(Hook::Deactivate) => self.lives == 1 && no_turn && self.hooks == 0,
            Doing::ExclusiveTurn => self.lives == 1 && no_turn && self.hooks == 0,
            Doing::SharedTurn => self.lives == 1 && self.exclusive_turns == 0 && self.hooks == 0,
        }
    }

    fn count(&mut self, doing: Doing) -> &mut u64 {
        match doing {
            Doing::Living => &mut self.lives,
            Doing::Hook(_) => &mut self.hooks,
            Doing::ExclusiveTurn => &mut self.exclusive_turns,
            Doing::SharedTurn => &mut self.shared_turns,
        }
    }
}

// === impl Span ===

impl Drop for Span {
    fn drop(&mut self) {
        let mut known = self.world.known();
        let presence = known.by_id.get_mut(&self.id).expect("it was begun");
        *presence.count(self.doing) -= 1;
        drop(known);
        self.world.changed.notify_waiters();
    }
}
