//! Threads for what blocks, as SQLite does.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{io, thread};

use goverse_node::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::Failed;

type Job<C> = Box<dyn FnOnce(&mut C) + Send>;

/// Threads with a connection each, and one queue before them. They end when this is dropped, after what is queued.
#[derive(Debug)]
pub(super) struct Workers<C> {
    jobs: mpsc::Sender<Job<C>>,
}

// === impl Workers ===

impl<C: Send + 'static> Workers<C> {
    /// Starts a thread for each connection.
    pub(super) fn start(name: &str, connections: Vec<C>) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job<C>>();
        let queue = Arc::new(Mutex::new(queue));
        for mut connection in connections {
            let queue = Arc::clone(&queue);
            let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let work = move || {
                while let Ok(job) = next() {
                    job(&mut connection);
                }
            };
            thread::Builder::new().name(name.to_owned()).spawn(work)?;
        }
        Ok(Self { jobs })
    }

    /// Has `work` done. It is done to its end, also if nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut C) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let job = move |connection: &mut C| {
            // Whoever asked may be gone, and then nobody is to be told.
            let _ = tell.send(work(connection));
        };
        let ended = || StoreError::Unavailable("its thread has ended by a defect".to_owned());
        self.jobs.send(Box::new(job)).map_err(|_| ended())?;
        let lost = || StoreError::Unknown("its thread ended by a defect".to_owned());
        told.await.unwrap_or_else(|_| Err(lost()))
    }
}

/// Runs `work` in a transaction that reads, so that all of it sees the same.
pub(super) fn read<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, Failed>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction().map_err(Failed::Sqlite)?;
    let done = work(&transaction)?;
    transaction.finish().map_err(Failed::Sqlite)?;
    Ok(done)
}
