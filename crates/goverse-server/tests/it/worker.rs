//! A type whose methods do whatever a seed says, and a ledger of the calls that were made of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use goverse_node::{
    CallError, Ctx, HookError, Method, MethodEntry, Never, NoArguments, Object, Turn,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// An object that works, and calls others of its kind.
pub(crate) struct Worker {
    ledger: Arc<Ledger>,
}

/// Works as its seed says: returns, fails, panics, waits, hangs, calls another, or wants to go.
pub(crate) struct Work(pub(crate) u64);

/// Looks on, beside others.
pub(crate) struct Peek;

/// Every call that was made: how many of each method, and how many were answered how.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: Mutex<BTreeMap<&'static str, Entry>>,
}

/// The calls of one method.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) made: u64,
    /// By status: what callers were told who stayed to hear it.
    pub(crate) told: BTreeMap<String, u64>,
    /// By code: why calls were rejected, as far as callers were told.
    pub(crate) codes: BTreeMap<String, u64>,
}

impl Worker {
    pub(crate) fn new(ledger: &Arc<Ledger>) -> Self {
        Self { ledger: Arc::clone(ledger) }
    }
}

impl Object for Worker {
    const TYPE: &'static str = "Worker";
    const METHODS: &'static [MethodEntry<Self>] =
        &[MethodEntry::of::<Work>(), MethodEntry::of::<Peek>()];

    async fn on_activate(&mut self, cx: &Ctx) -> Result<(), HookError> {
        match cx.id().as_str().rsplit('-').next() {
            Some("fails") => Err("on purpose".into()),
            Some("panics") => panic!("on purpose"),
            _ => Ok(()),
        }
    }
}

impl Method for Work {
    type Object = Worker;
    type Arguments = u64;
    type Output = u64;
    type Error = String;
    const NAME: &'static str = "work";

    fn from_arguments(seed: u64) -> Self {
        Self(seed)
    }

    fn into_arguments(self) -> u64 {
        self.0
    }

    async fn run_exclusive(self, worker: &mut Worker, cx: &Ctx) -> Result<u64, String> {
        let mut choices = SmallRng::seed_from_u64(self.0);
        if choices.random_bool(0.4) {
            tokio::task::yield_now().await;
        }
        match choices.random_range(0..40) {
            0..4 => Err("on purpose".into()),
            4 => panic!("on purpose"),
            5 => Err(cx.rollback("rolled back".into())),
            6 => std::future::pending().await,
            7..20 => worker.pass_on(cx, &mut choices).await,
            chosen => {
                if chosen == 20 {
                    cx.deactivate();
                }
                Ok(chosen)
            }
        }
    }
}

impl Worker {
    /// Calls another worker, or comes back to one that waits.
    async fn pass_on(&self, cx: &Ctx, choices: &mut SmallRng) -> Result<u64, String> {
        let id = format!("worker-{}", choices.random_range(0..20));
        // A call that a task without budget has not even begun is none; with a new budget it begins.
        tokio::task::yield_now().await;
        self.ledger.made(Work::NAME);
        let call = cx.object::<Worker>(&id).call(Work(choices.random()));
        self.ledger.told(Work::NAME, call.await).map_err(|error| error.to_string())
    }
}

impl goverse_node::Addressed for Worker {
    type Ref = goverse_node::ObjectRef<Worker>;

    fn refer(caller: goverse_node::Caller<'_>, id: &str) -> Self::Ref {
        goverse_node::ObjectRef::new(caller, id)
    }
}

impl Method for Peek {
    type Object = Worker;
    type Arguments = NoArguments;
    type Output = ();
    type Error = Never;
    const NAME: &'static str = "peek";
    const TURN: Turn = Turn::Shared;
    const PLAIN: bool = true;

    fn from_arguments(_: NoArguments) -> Self {
        Self
    }

    fn into_arguments(self) -> NoArguments {
        NoArguments
    }

    async fn run_shared(self, _: &Worker, _: &Ctx) -> Result<(), Never> {
        Ok(())
    }
}

// === impl Ledger ===

impl Ledger {
    /// A call begins.
    pub(crate) fn made(&self, method: &'static str) {
        self.entries.lock().unwrap().entry(method).or_default().made += 1;
    }

    /// A call was answered, and its caller was there to hear it.
    pub(crate) fn told<T, E>(
        &self,
        method: &'static str,
        result: Result<T, CallError<E>>,
    ) -> Result<T, CallError<E>> {
        let mut entries = self.entries.lock().unwrap();
        let entry = entries.entry(method).or_default();
        let status = match &result {
            Ok(_) => "ok",
            Err(CallError::Method(_)) => "failed",
            Err(CallError::System(error)) => match (error.code().as_str(), error.ran().as_str()) {
                (code, "no") => {
                    *entry.codes.entry(code.to_owned()).or_default() += 1;
                    "rejected"
                }
                // It goes on, and is counted when it ends.
                ("deadline_exceeded", _) => return result,
                (code, _) => code,
            },
        };
        *entry.told.entry(status.to_owned()).or_default() += 1;
        drop(entries);
        result
    }

    pub(crate) fn entries(&self) -> BTreeMap<&'static str, Entry> {
        self.entries.lock().unwrap().clone()
    }
}
