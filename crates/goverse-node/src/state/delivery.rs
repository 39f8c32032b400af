//! Calls after a commit on their way: each is made until it has been answered, in order between any two objects.
//!
//! What is to be delivered is in the store, written there by the turn that asked for it; what is here is a copy. The
//! calls of one object to another form a lane, and only the first of a lane is made at a time. A call goes out with the id
//! that it was stored with, so that one which was answered and not yet settled when the process died takes effect once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use goverse_core::ErrorCode;
use goverse_metrics::{AfterCommitMetrics, AfterCommitOutcome};
use tokio::sync::{Notify, Semaphore};

use crate::bytes_call::Reply;
use crate::call_error::CallError;
use crate::node::{Inner, Node};
use crate::object_type::NamedCall;
use crate::state::node_store::{NodeStore, unix_ms};
use crate::state::upkeep::look_after_store;
use crate::store::{ObjectKey, Outgoing, OutgoingKey, Settlement, StoreError};

/// How many calls are under way at once.
const CALLS_MAX: usize = 256;
/// How many are read from the store at once.
const PAGE: u32 = 1_000;
/// How often the store is looked at for calls that are not here: dead letters that somebody gave another chance.
const LOOK_PERIOD: Duration = Duration::from_secs(30);
const DELAY_MIN: Duration = Duration::from_millis(50);
const DELAY_MAX: Duration = Duration::from_secs(60);
/// How often a call is tried that ends its object, or whose type or method is not known, as in the middle of a deployment.
const ATTEMPTS_MAX: u32 = 12;

/// The calls after a commit that a node makes.
pub(crate) struct Delivery {
    state: Mutex<State>,
    calls: Semaphore,
    /// Told when there is something to settle.
    settle: Notify,
    metrics: AfterCommitMetrics,
}

#[derive(Default)]
struct State {
    stage: Stage,
    lanes: HashMap<Pair, Lane>,
    settlements: Vec<Settlement>,
    /// Answered or given up, and whether the store knows. Kept until the store has been read from after that.
    done: HashMap<OutgoingKey, bool>,
}

/// Whether what the store holds from earlier is known. Nothing is delivered before.
#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum Stage {
    #[default]
    Unknown,
    Reading,
    Known,
}

/// Who calls whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pair {
    from: ObjectKey,
    to: ObjectKey,
}

/// The calls of one object to another, in their order.
#[derive(Default)]
struct Lane {
    calls: BTreeMap<OutgoingKey, Outgoing>,
    /// Whether a task makes them.
    runs: bool,
}

/// What becomes of a call after an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Delivered,
    Again(String),
    Dead(String),
}

// === impl Delivery ===

impl Delivery {
    pub(super) fn new(node: &str) -> Self {
        let metrics = AfterCommitMetrics::new(node);
        let calls = Semaphore::new(CALLS_MAX);
        Self { state: Mutex::default(), calls, settle: Notify::new(), metrics }
    }

    /// Takes over calls that are durable now.
    pub(super) fn send(&self, node: &Weak<Inner>, calls: Vec<Outgoing>) {
        if calls.is_empty() {
            return;
        }
        let mut state = self.lock();
        calls.into_iter().for_each(|call| state.add(call));
        state.start_lanes(node);
    }

    /// Begins to deliver what the store holds, if that has not begun.
    pub(super) fn begin(&self, node: &Weak<Inner>) {
        let mut state = self.lock();
        if state.stage == Stage::Unknown && tokio::runtime::Handle::try_current().is_ok() {
            state.stage = Stage::Reading;
            tokio::spawn(look_after(Weak::clone(node)));
            tokio::spawn(settle_all(Weak::clone(node)));
            tokio::spawn(look_after_store(Weak::clone(node)));
        }
    }

    /// Reports how many calls are not answered yet, and for how long the first of them has waited.
    pub(super) fn report(&self) {
        let state = self.lock();
        let count = state.lanes.values().map(|lane| lane.calls.len()).sum();
        let firsts = state.lanes.values().filter_map(|lane| lane.calls.values().next());
        let oldest = firsts.map(|call| call.committed).min();
        let age = oldest.map_or(0, |committed| unix_ms().saturating_sub(committed));
        self.metrics.set_pending(count, Duration::from_millis(age).as_secs_f64());
    }

    /// The next call of a lane; the lane goes if there is none.
    fn next(&self, pair: &Pair) -> Option<Outgoing> {
        let mut state = self.lock();
        let first = state.lanes.get(pair).and_then(|lane| lane.calls.values().next().cloned());
        if first.is_none() {
            state.lanes.remove(pair);
        }
        first
    }

    /// Writes down what became of a call.
    fn conclude(&self, pair: &Pair, call: &Outgoing, verdict: Verdict) {
        self.metrics.attempted(verdict.outcome());
        let key = call.key.clone();
        let mut state = self.lock();
        let settlement = match verdict {
            Verdict::Again(why) => {
                tracing::debug!(to = %call.to, method = call.method, why, "call after a commit is tried again");
                let attempts = call.attempts + 1;
                let not_before = unix_ms() + delay(attempts);
                let lane = state.lanes.get_mut(pair);
                if let Some(waiting) = lane.and_then(|lane| lane.calls.get_mut(&key)) {
                    (waiting.attempts, waiting.not_before) = (attempts, not_before);
                }
                Settlement::Again { key, attempts, not_before }
            }
            ended => {
                if let Some(lane) = state.lanes.get_mut(pair) {
                    lane.calls.remove(&key);
                }
                state.done.insert(key.clone(), false);
                match ended {
                    Verdict::Dead(reason) => {
                        tracing::warn!(to = %call.to, method = call.method, reason, "call after a commit given up");
                        Settlement::Dead { key, at: unix_ms(), reason }
                    }
                    _ => Settlement::Delivered(key),
                }
            }
        };
        state.settlements.push(settlement);
        drop(state);
        self.settle.notify_one();
    }

    /// Puts aside what is to be settled again, after those that failed.
    fn unsettled(&self, mut settlements: Vec<Settlement>) {
        let mut state = self.lock();
        settlements.append(&mut state.settlements);
        state.settlements = settlements;
    }

    fn settled(&self, settlements: &[Settlement]) {
        let mut state = self.lock();
        for settlement in settlements {
            if let Settlement::Delivered(key) | Settlement::Dead { key, .. } = settlement
                && let Some(is_known) = state.done.get_mut(key)
            {
                *is_known = true;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Verdict ===

impl Verdict {
    fn outcome(&self) -> AfterCommitOutcome {
        match self {
            Verdict::Delivered => AfterCommitOutcome::Delivered,
            Verdict::Again(_) => AfterCommitOutcome::Retried,
            Verdict::Dead(_) => AfterCommitOutcome::Dead,
        }
    }
}

// === impl State ===

impl State {
    fn add(&mut self, call: Outgoing) {
        if self.done.contains_key(&call.key) {
            return;
        }
        let pair = Pair { from: call.key.from.clone(), to: call.to.clone() };
        self.lanes.entry(pair).or_default().calls.entry(call.key.clone()).or_insert(call);
    }

    fn start_lanes(&mut self, node: &Weak<Inner>) {
        if self.stage != Stage::Known {
            return;
        }
        for (pair, lane) in self.lanes.iter_mut().filter(|(_, lane)| !lane.runs) {
            lane.runs = true;
            tokio::spawn(deliver(Weak::clone(node), pair.clone()));
        }
    }
}

/// Makes the calls of one lane, one after another, until there is none or the node closes.
async fn deliver(node: Weak<Inner>, pair: Pair) {
    while let Some((node, call)) = upgrade(&node).and_then(|node| {
        let call = store_of(&node).delivery.next(&pair)?;
        Some((node, call))
    }) {
        let wait = call.not_before.saturating_sub(unix_ms());
        if wait > 0 {
            drop(node);
            tokio::time::sleep(Duration::from_millis(wait)).await;
            continue;
        }
        let delivery = &store_of(&node).delivery;
        let Ok(_permit) = delivery.calls.acquire().await else { return };
        let answer = attempt(&node, &call).await;
        if node.state().lifecycle.is_closing() && answer.is_err() {
            return;
        }
        delivery.conclude(&pair, &call, judge(answer, call.attempts + 1));
    }
}

async fn attempt(node: &Node, call: &Outgoing) -> Result<Reply, CallError<Reply>> {
    let (id, arguments) = (call.to.id.as_str(), call.arguments.clone());
    let named = NamedCall::outside(id, &call.method, call.encoding, arguments);
    let named = NamedCall { call_id: Some(call.call_id.as_str().to_owned()), ..named };
    node.call_by_name(call.to.type_name.as_str(), named).await
}

/// An answer is an answer. The method's own error and what no later attempt can mend are for an operator to see.
fn judge(answer: Result<Reply, CallError<Reply>>, attempts: u32) -> Verdict {
    let error = match answer {
        Ok(_) => return Verdict::Delivered,
        Err(CallError::Method(reply)) => {
            let said = String::from_utf8_lossy(&reply.bytes);
            let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
            return Verdict::Dead(format!("the method returned its error: {said}"));
        }
        Err(CallError::System(error)) => error,
    };
    match error.code() {
        ErrorCode::WrongEncoding
        | ErrorCode::InvalidArguments
        | ErrorCode::InvalidId
        | ErrorCode::PayloadTooLarge
        | ErrorCode::Unencodable
        | ErrorCode::CallIdReused => Verdict::Dead(error.to_string()),
        ErrorCode::Panicked
        | ErrorCode::CutOff
        | ErrorCode::ActivationFailed
        | ErrorCode::ActivationPanicked
        | ErrorCode::UnknownType
        | ErrorCode::UnknownMethod
        | ErrorCode::NotPersistent
            if attempts >= ATTEMPTS_MAX =>
        {
            Verdict::Dead(format!("after {attempts} attempts: {error}"))
        }
        _ => Verdict::Again(error.to_string()),
    }
}

/// How long to wait after so many attempts, in ms.
fn delay(attempts: u32) -> u64 {
    let delay = DELAY_MIN.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(DELAY_MAX);
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

/// Reads what the store holds, at first and from time to time.
async fn look_after(node: Weak<Inner>) {
    loop {
        let Some(strong) = upgrade(&node) else { return };
        let read = read_all(store_of(&strong)).await;
        let delivery = &store_of(&strong).delivery;
        let pause = match read {
            Ok(calls) => {
                let mut state = delivery.lock();
                calls.into_iter().for_each(|call| state.add(call));
                state.stage = Stage::Known;
                state.start_lanes(&node);
                LOOK_PERIOD
            }
            Err(error) => {
                tracing::warn!(%error, "calls after commits could not be read from the store");
                Duration::from_secs(1)
            }
        };
        drop(strong);
        tokio::time::sleep(pause).await;
    }
}

async fn read_all(store: &NodeStore) -> Result<Vec<Outgoing>, StoreError> {
    store.delivery.lock().done.retain(|_, is_known| !*is_known);
    let mut calls: Vec<Outgoing> = Vec::new();
    loop {
        let after = calls.last().map(|call| call.key.clone());
        let page =
            store.in_time(store.access.outgoing(after, PAGE), StoreError::Unavailable).await?;
        let is_last = page.len() < PAGE as usize;
        calls.extend(page);
        if is_last {
            return Ok(calls);
        }
    }
}

/// Tells the store what became of calls, many at once.
async fn settle_all(node: Weak<Inner>) {
    loop {
        let Some(strong) = upgrade(&node) else { return };
        let store = store_of(&strong);
        let settlements = std::mem::take(&mut store.delivery.lock().settlements);
        if settlements.is_empty() {
            let told = store.delivery.settle.notified();
            // Woken now and then, to see whether the node is still there.
            let _ = tokio::time::timeout(Duration::from_secs(1), told).await;
            continue;
        }
        let settled = store.access.settle(settlements.clone());
        match store.in_time(settled, StoreError::Unknown).await {
            Ok(()) => store.delivery.settled(&settlements),
            Err(error) => {
                tracing::warn!(%error, "delivered calls could not be settled in the store");
                store.delivery.unsettled(settlements);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

pub(super) fn upgrade(node: &Weak<Inner>) -> Option<Node> {
    node.upgrade().map(Node::from)
}

pub(super) fn store_of(node: &Node) -> &NodeStore {
    node.state().store.as_ref().expect("only a node with a store delivers from it")
}

#[cfg(test)]
mod tests {
    use goverse_core::Ran;

    use super::*;
    use crate::call_error::SystemError;

    #[test]
    fn only_what_no_attempt_can_mend_is_given_up() {
        let check = |code: ErrorCode, attempts: u32, is_dead: bool| {
            let error = SystemError::new(code, Ran::No, "so");
            let verdict = judge(Err(error.into()), attempts);
            assert_eq!(matches!(verdict, Verdict::Dead(_)), is_dead, "{code} after {attempts}");
        };
        check(ErrorCode::InvalidArguments, 1, true);
        check(ErrorCode::CallIdReused, 1, true);
        check(ErrorCode::StoreUnavailable, 1_000, false);
        check(ErrorCode::Overloaded, 1_000, false);
        check(ErrorCode::OutcomeUnknown, 1_000, false);
        check(ErrorCode::Panicked, 11, false);
        check(ErrorCode::Panicked, 12, true);
        check(ErrorCode::UnknownType, 12, true);
    }

    #[test]
    fn attempts_come_later_and_later() {
        assert_eq!([1, 2, 3, 11, 12, 99].map(delay), [50, 100, 200, 51_200, 60_000, 60_000]);
    }
}
