//! The connection that writes: one who is alone uses it where he is, all others on a thread of its own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use goverse_node::StoreError;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::task::block_in_place;

use super::error::{Failed, of_commit};
use super::workers::Workers;

/// A commit that takes longer gains nothing by sparing the way to the thread and back, and would keep its caller from
/// looking at the clock.
const QUICK: Duration = Duration::from_millis(1);

/// One connection, its thread, and what is known of its disk.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Workers<Arc<Shared>>,
}

#[derive(Debug)]
struct Shared {
    connection: Mutex<Connection>,
    /// For how long work waits on the thread while another program has the file locked.
    patience: Duration,
    /// How much work the thread has.
    queued: AtomicUsize,
    /// How long the last transaction that wrote something took, in ns.
    took: AtomicU64,
}

/// Work for the thread; it is there no more when this is dropped.
struct Queued(Arc<Shared>);

// === impl Writer ===

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection, patience: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            connection: Mutex::new(connection),
            patience,
            queued: AtomicUsize::new(0),
            took: AtomicU64::new(u64::MAX),
        });
        let thread = Workers::start("sqlite-writer", vec![Arc::clone(&shared)])?;
        Ok(Self { shared, thread })
    }

    /// Runs `work` on the thread, in a transaction that writes, and commits it.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, StoreError> {
        let queued = Queued::new(&self.shared);
        let work = move |shared: &mut Arc<Shared>| {
            let _queued = queued;
            let connection = shared.lock();
            shared.timed(&connection, || commit(begin(&connection), work))
        };
        self.thread.run(work).await
    }

    /// Does the same on this thread, which blocks meanwhile. `None`, and nothing was done, if that may take long: others
    /// are at it, or the disk is slow.
    ///
    /// # Panics
    /// Where [`block_in_place`] does.
    pub(super) fn write_here<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failed>,
    ) -> Option<Result<T, StoreError>> {
        let connection = self.shared.if_quick()?;
        let done = block_in_place(|| {
            let write = || self.shared.write_unless_locked(&connection, work);
            catch_unwind(AssertUnwindSafe(write))
        });
        let defect = |_| Some(Err(StoreError::Unknown("a defect ended it".to_owned())));
        done.unwrap_or_else(defect)
    }

    /// Has the connection looked at.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.thread.run(move |shared| work(&shared.lock()).map_err(StoreError::from)).await
    }
}

// === impl Shared ===

impl Shared {
    /// A panic within a transaction rolls it back, so the connection is whole afterwards.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, if the thread has nothing to do with it and the last commit was quick.
    fn if_quick(&self) -> Option<MutexGuard<'_, Connection>> {
        let is_quick = u128::from(self.took.load(Ordering::Relaxed)) <= QUICK.as_nanos();
        if !is_quick || self.queued.load(Ordering::SeqCst) > 0 {
            return None;
        }
        match self.connection.try_lock() {
            Ok(connection) => Some(connection),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// `None` if another program has the file locked.
    fn write_unless_locked<T>(
        &self,
        connection: &Connection,
        work: impl FnOnce(&Connection) -> Result<T, Failed>,
    ) -> Option<Result<T, StoreError>> {
        let begun = connection.busy_timeout(Duration::ZERO).and_then(|()| begin(connection));
        let patient = connection.busy_timeout(self.patience);
        match begun.and_then(|transaction| patient.map(|()| transaction)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
            begun => Some(self.timed(connection, || commit(begun, work))),
        }
    }

    /// Remembers how long it took, if it wrote something: the disk has no part in anything else.
    fn timed<T>(&self, connection: &Connection, write: impl FnOnce() -> T) -> T {
        let (begun, changes) = (Instant::now(), connection.total_changes());
        let done = write();
        if connection.total_changes() != changes {
            let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.took.store(took, Ordering::Relaxed);
        }
        done
    }
}

fn begin(connection: &Connection) -> rusqlite::Result<Transaction<'_>> {
    // Whoever has the connection has it to himself, and leaves no transaction open.
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
}

/// Does `work` and commits it. A failure changes nothing, unless it is of the commit.
fn commit<T>(
    begun: rusqlite::Result<Transaction<'_>>,
    work: impl FnOnce(&Connection) -> Result<T, Failed>,
) -> Result<T, StoreError> {
    let transaction = begun.map_err(Failed::Sqlite)?;
    let done = work(&transaction)?;
    transaction.commit().map_err(|error| of_commit(&error))?;
    Ok(done)
}

// === impl Queued ===

impl Queued {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.queued.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(shared))
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use futures_util::FutureExt;
    use goverse_node::Conflict;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(30_321);

    /// A writer whose last commit was quick, and another connection to its file.
    struct Case {
        writer: Writer,
        other: Connection,
        _folder: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("numbers.db");
            let open = || Connection::open(&path).unwrap();
            let (connection, other) = (open(), open());
            other.busy_timeout(Duration::ZERO).unwrap();
            connection.execute_batch("CREATE TABLE numbers (number INTEGER)").unwrap();
            connection.busy_timeout(PATIENCE).unwrap();
            let writer = Writer::start(connection, PATIENCE).unwrap();
            let case = Self { writer, other, _folder: folder };
            case.took(Duration::ZERO);
            case
        }

        fn took(&self, time: Duration) {
            let nanos = u64::try_from(time.as_nanos()).unwrap();
            self.writer.shared.took.store(nanos, Ordering::SeqCst);
        }

        /// Adds a number here; the next commit may follow, however long this one took.
        fn add_here(&self, number: i64) -> Option<Result<thread::ThreadId, StoreError>> {
            let added = self.writer.write_here(|connection| {
                add(connection, number)?;
                Ok(thread::current().id())
            });
            if added.is_some() {
                self.took(Duration::ZERO);
            }
            added
        }

        fn numbers(&self) -> Vec<i64> {
            let mut statement = self.other.prepare("SELECT number FROM numbers").unwrap();
            let numbers = statement.query_map([], |row| row.get(0)).unwrap();
            numbers.map(Result::unwrap).collect()
        }
    }

    fn add(connection: &Connection, number: i64) -> Result<(), Failed> {
        connection.execute("INSERT INTO numbers VALUES (?1)", [number])?;
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn work_here_is_committed_by_the_thread_that_asks() {
        let case = Case::new();
        let here = thread::current().id();
        assert_eq!(case.add_here(1), Some(Ok(here)));
        assert_eq!(case.numbers(), [1]);
        let there = case.writer.write(|_| Ok(thread::current().id())).await.unwrap();
        assert_ne!(there, here);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn nothing_is_done_here_while_the_thread_has_work() {
        let case = Case::new();
        let (go_on, wait) = mpsc::channel::<()>();
        let write = case.writer.write(move |connection| {
            wait.recv().unwrap();
            add(connection, 1)
        });
        let mut write = Box::pin(write);
        assert_eq!((&mut write).now_or_never(), None);
        assert_eq!(case.add_here(2), None);
        go_on.send(()).unwrap();
        assert_eq!(write.await, Ok(()));
        case.took(Duration::ZERO);
        assert!(case.add_here(3).is_some(), "as soon as the answer is there");
        assert_eq!(case.numbers(), [1, 3]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn nothing_is_done_here_on_a_slow_disk() {
        let case = Case::new();
        case.took(QUICK + Duration::from_nanos(1));
        assert_eq!(case.add_here(1), None);
        case.writer.write(|_| Ok(())).await.unwrap();
        assert_eq!(case.add_here(1), None, "what writes nothing tells nothing of the disk");
        assert_eq!(case.numbers(), [0; 0]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_thread_waits_for_a_file_that_is_locked() {
        let case = Case::new();
        case.other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let begun = Instant::now();
        assert_eq!(case.add_here(1), None);
        assert!(begun.elapsed() < PATIENCE, "that is the thread's");
        let patience = case.writer.look(|connection| {
            Ok(connection.pragma_query_value(None, "busy_timeout", |row| row.get::<_, u32>(0))?)
        });
        assert_eq!(patience.await.map(u128::from), Ok(PATIENCE.as_millis()));
        case.other.execute_batch("COMMIT").unwrap();
        assert!(case.add_here(2).is_some());
        assert_eq!(case.numbers(), [2]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn work_here_that_fails_changes_nothing() {
        let case = Case::new();
        let refused = Conflict::Version {
            expected: goverse_node::Version(1),
            stored: goverse_node::Version(2),
        };
        let fails = |connection: &Connection| -> Result<(), Failed> {
            add(connection, 1)?;
            Err(refused.clone().into())
        };
        assert_eq!(case.writer.write_here(fails), Some(Err(refused.clone().into())));
        let panics = |connection: &Connection| -> Result<(), Failed> {
            add(connection, 2)?;
            panic!("on purpose");
        };
        let answer = case.writer.write_here(panics);
        assert!(matches!(answer, Some(Err(StoreError::Unknown(_)))), "{answer:?}");
        assert!(case.add_here(3).is_some());
        assert_eq!(case.numbers(), [3]);
    }
}
