//! The store in a file: SQLite with a write-ahead log, synced at each commit.

mod calls;
mod error;
mod file;
mod list;
mod load;
mod save;
mod schema;
mod sweep;
mod workers;
mod writer;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt;
use goverse_core::{ObjectId, TypeName};
use goverse_node::{
    CallId, CallRecord, DeadLetter, FenceKey, Listed, Load, Loaded, ObjectKey, Outgoing,
    OutgoingKey, Save, Settlement, StateStore, StoreError, StoreFuture, StoredState, Tenure,
    Version,
};

use rusqlite::Connection;

use self::error::Failed;
use self::workers::Workers;
use self::writer::Writer;
use crate::OpenError;
use crate::limits;

/// Where the file is, and how it is used.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The file; it is made if it is not there, its folder is not.
    pub path: PathBuf,
    /// For how long an operation waits while another program has the file locked; 5 s unless told otherwise.
    pub patience: Duration,
    /// How many connections read beside the one that writes; 2 unless told otherwise, at least 1.
    pub readers: usize,
    /// How large the file may grow, in bytes: beyond it, saves fail as on a full disk. No limit unless told otherwise.
    pub file_bytes_max: Option<u64>,
}

/// Keeps everything in one file. One connection writes, others read, on threads of their own but for a save that is
/// alone.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Workers<Connection>,
}

// === impl SqliteSettings ===

impl SqliteSettings {
    /// The file at `path`, used as is usual.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let patience = Duration::from_secs(5);
        Self { path: path.into(), patience, readers: 2, file_bytes_max: None }
    }
}

// === impl SqliteStore ===

impl SqliteStore {
    /// Opens the file, or makes it. It blocks for as long as the file is locked, at most for the settings' patience.
    ///
    /// # Errors
    /// As of [`OpenError`].
    pub fn open(settings: &SqliteSettings) -> Result<Self, OpenError> {
        let writer = file::open_writer(settings)?;
        let readers: Result<Vec<_>, _> =
            (0..settings.readers.max(1)).map(|_| file::open_reader(settings)).collect();
        let place = settings.path.display().to_string();
        let readers = readers?;
        let no_thread = |error| OpenError::Unavailable {
            place,
            problem: format!("a thread could not be started: {error}"),
        };
        let start = || -> io::Result<Self> {
            Ok(Self {
                writer: Writer::start(writer, settings.patience)?,
                readers: Workers::start("sqlite-reader", readers)?,
            })
        };
        start().map_err(no_thread)
    }

    /// What `PRAGMA synchronous` says on the connection that writes; 2 stands for FULL.
    ///
    /// # Errors
    /// As of [`StoreError`].
    pub async fn synchronous(&self) -> Result<i64, StoreError> {
        self.writer.look(|connection| Ok(file::synchronous(connection)?)).await
    }

    /// Runs `work` in a transaction that reads.
    async fn read_only<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(move |connection| workers::read(connection, work)).await
    }
}

impl StateStore for SqliteStore {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn begin_tenure(&self, key: &FenceKey, now: u64) -> StoreFuture<'_, Tenure> {
        let key = key.clone();
        self.writer.write(move |connection| load::begin_tenure(connection, key, now)).boxed()
    }

    fn load(&self, load: Load) -> StoreFuture<'_, Loaded> {
        let work = async move {
            limits::check_load(&load)?;
            let looked = load.clone();
            // Within a tenure, all loads but the first change nothing.
            match self.read_only(move |connection| load::look(connection, &looked)).await? {
                Some(loaded) => Ok(loaded),
                None => self.writer.write(move |connection| load::raise(connection, &load)).await,
            }
        };
        work.boxed()
    }

    fn save(&self, saves: Vec<Save>) -> StoreFuture<'_, Vec<Result<(), StoreError>>> {
        self.writer.write(move |connection| save::save(connection, &saves)).boxed()
    }

    fn save_here(&self, save: &Save) -> Option<Result<(), StoreError>> {
        self.writer.write_here(|connection| save::save_alone(connection, save))
    }

    fn call_record(
        &self,
        object: &ObjectKey,
        call_id: &CallId,
    ) -> StoreFuture<'_, Option<CallRecord>> {
        let (object, call_id) = (object.clone(), call_id.clone());
        self.read_only(move |connection| calls::record(connection, &object, call_id)).boxed()
    }

    fn sweep(&self, now: u64, deleted_before: u64, limit: u32) -> StoreFuture<'_, u64> {
        self.writer
            .write(move |connection| sweep::sweep(connection, now, deleted_before, limit))
            .boxed()
    }

    fn outgoing(&self, after: Option<OutgoingKey>, limit: u32) -> StoreFuture<'_, Vec<Outgoing>> {
        self.read_only(move |connection| calls::outgoing(connection, after.as_ref(), limit)).boxed()
    }

    fn settle(&self, settlements: Vec<Settlement>) -> StoreFuture<'_, ()> {
        self.writer.write(move |connection| calls::settle(connection, &settlements)).boxed()
    }

    fn dead_letters(
        &self,
        after: Option<OutgoingKey>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<DeadLetter>> {
        self.read_only(move |connection| calls::dead_letters(connection, after.as_ref(), limit))
            .boxed()
    }

    fn resolve_dead_letter(&self, key: &OutgoingKey, retry: bool) -> StoreFuture<'_, bool> {
        let key = key.clone();
        self.writer.write(move |connection| calls::resolve(connection, &key, retry)).boxed()
    }

    fn read(&self, object: &ObjectKey) -> StoreFuture<'_, Option<(Version, StoredState)>> {
        let object = object.clone();
        let work = self.read_only(move |connection| load::row(connection, &object));
        let with_state = |(version, state)| Some((version, state?));
        work.map(move |row| Ok(row?.and_then(with_state))).boxed()
    }

    fn list(
        &self,
        type_name: Option<&TypeName>,
        after: Option<(TypeName, ObjectId)>,
        limit: u32,
    ) -> StoreFuture<'_, Vec<Listed>> {
        let type_name = type_name.cloned();
        self.read_only(move |connection| {
            list::list(connection, type_name.as_ref(), after.as_ref(), limit)
        })
        .boxed()
    }

    /// Whether it can be written to.
    fn check(&self) -> StoreFuture<'_, ()> {
        self.writer.write(|_| Ok(())).boxed()
    }
}
