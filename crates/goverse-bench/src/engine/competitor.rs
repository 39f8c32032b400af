//! What is measured: a way to have objects that are called, one turn at a time.
//!
//! A peer implements [`Peer`], and is a [`Competitor`] by that. A peer knows no ids, so its users keep a
//! map of them: here a `HashMap` that is made once and only read. One that objects come to and go from
//! would need a lock beside, so this is the kindest that can be done for them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

/// How many messages may wait for an object, where that can be chosen.
pub(super) const MAILBOX_CAPACITY: usize = 64;

/// The state of every object: 16 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter {
    sum: i64,
    calls: u64,
}

/// The threads on which objects and their callers run: two.
pub(super) trait Threads: 'static {
    /// Starts them; they end when this is dropped.
    fn begin() -> Self;

    /// Runs a future on the thread of the caller with this number, if threads have tasks of their own.
    fn spawn(&self, caller: usize, future: impl Future<Output = ()> + Send + 'static);
}

/// Something to measure; its threads belong to whom measures.
pub(super) trait Competitor: Sized + Send + Sync + 'static {
    /// How it is called in figures.
    const NAME: &'static str;
    /// Whether an object lives no longer than somebody keeps a reference to it.
    const LIVES_BY_REFERENCE: bool;
    type Threads: Threads;
    /// What a caller has of an object that it need not look up.
    type Reference: Clone + Send + Sync + 'static;
    /// What finds an object by its id.
    type Directory: Send + Sync + 'static;

    /// None while there is nothing to measure yet.
    fn begin(threads: &Self::Threads) -> Option<Self>;

    /// A new object, on the thread of the caller with this number.
    fn activate(&self, caller: usize, id: &str) -> impl Future<Output = Self::Reference> + Send;

    /// What finds new objects with these ids.
    fn directory(&self, ids: &[String]) -> impl Future<Output = Self::Directory> + Send;

    /// A call whose method finishes at once.
    fn add(object: &Self::Reference, by: i64) -> impl Future<Output = i64> + Send;

    /// A call whose method yields once, and still keeps the turn.
    fn add_yielding(object: &Self::Reference, by: i64) -> impl Future<Output = i64> + Send;

    /// A call whose method waits until another task has done something, and still keeps the turn.
    fn add_waiting(object: &Self::Reference, by: i64) -> impl Future<Output = i64> + Send;

    /// As [`add`](Self::add), of an object of the directory.
    fn add_by_id(
        directory: &Self::Directory,
        id: &str,
        by: i64,
    ) -> impl Future<Output = i64> + Send;

    /// Makes an object, stops it, and waits for its end.
    fn come_and_go(&self, id: &str) -> impl Future<Output = ()> + Send;

    /// As [`come_and_go`](Self::come_and_go), of an object with hooks, which a peer's always has.
    fn come_and_go_with_hooks(&self, id: &str) -> impl Future<Output = ()> + Send {
        self.come_and_go(id)
    }
}

/// A competitor whose objects are reached by reference alone.
pub(super) trait Peer: Sized + Send + Sync + 'static {
    /// As in [`Competitor`], like all that follows.
    const NAME: &'static str;
    type Threads: Threads;
    type Reference: Clone + Send + Sync + 'static;

    fn begin(threads: &Self::Threads) -> Self;
    fn activate(&self, caller: usize) -> impl Future<Output = Self::Reference> + Send;
    fn add(object: &Self::Reference, by: i64) -> impl Future<Output = i64> + Send;
    fn add_yielding(object: &Self::Reference, by: i64) -> impl Future<Output = i64> + Send;
    fn add_waiting(object: &Self::Reference, by: i64) -> impl Future<Output = i64> + Send;
    fn come_and_go() -> impl Future<Output = ()> + Send;
}

/// Two workers of tokio, which share all tasks.
pub(super) struct Workers(Runtime);

/// What a future gives that runs as a task of caller 0.
pub(super) fn complete<T: Send + 'static>(
    threads: &impl Threads,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let (sender, receiver) = mpsc::channel();
    threads.spawn(0, async move {
        // Who waits for it is there as long as this thread is.
        let _ = sender.send(future.await);
    });
    receiver.recv().expect("the task does not panic")
}

// === impl Counter ===

impl Counter {
    /// What every method does.
    pub(super) fn add(&mut self, by: i64) -> i64 {
        self.calls += 1;
        self.sum += by;
        self.sum
    }
}

// === impl Competitor ===

impl<P: Peer> Competitor for P {
    const NAME: &'static str = P::NAME;
    const LIVES_BY_REFERENCE: bool = true;
    type Threads = P::Threads;
    type Reference = P::Reference;
    type Directory = HashMap<String, P::Reference>;

    fn begin(threads: &Self::Threads) -> Option<Self> {
        Some(P::begin(threads))
    }

    async fn activate(&self, caller: usize, _id: &str) -> Self::Reference {
        P::activate(self, caller).await
    }

    async fn directory(&self, ids: &[String]) -> Self::Directory {
        let mut directory = HashMap::with_capacity(ids.len());
        for (number, id) in ids.iter().enumerate() {
            directory.insert(id.clone(), P::activate(self, number).await);
        }
        directory
    }

    fn add(object: &Self::Reference, by: i64) -> impl Future<Output = i64> + Send {
        P::add(object, by)
    }

    fn add_yielding(object: &Self::Reference, by: i64) -> impl Future<Output = i64> + Send {
        P::add_yielding(object, by)
    }

    fn add_waiting(object: &Self::Reference, by: i64) -> impl Future<Output = i64> + Send {
        P::add_waiting(object, by)
    }

    fn add_by_id(
        directory: &Self::Directory,
        id: &str,
        by: i64,
    ) -> impl Future<Output = i64> + Send {
        P::add(directory.get(id).expect("every id has an object"), by)
    }

    fn come_and_go(&self, _id: &str) -> impl Future<Output = ()> + Send {
        P::come_and_go()
    }
}

// === impl Workers ===

impl Threads for Workers {
    fn begin() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        Self(runtime.expect("the system gives two threads"))
    }

    fn spawn(&self, _caller: usize, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}
