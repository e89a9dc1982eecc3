//! The journal: makes a call's row in the activity durable without waiting for the database.
//!
//! Before a call runs, one line is appended to a file; before its reply leaves, another. Each is one `write` on the
//! calling thread, which a kill of the process cannot take back. An importer moves the lines into the table `activity`
//! in batches, together with how far it has come, and deletes files that are through. What had not been imported when
//! the process ended is imported at the next start, when whatever had begun and not ended is marked `interrupted`.
//!
//! There is one row per id. Lines about an id that has a row complete that row: a request for approval is recorded
//! when it is made, when it is refused or expires, and when it runs, all under one id. A second begin keeps the moment
//! of the first. While a call runs, its row (if it has been imported by then) has the outcome `interrupted`; the end
//! puts the real one there.
//!
//! Nothing is synced to the disk: a loss of power may take the last moments. Arguments come here redacted.

mod file;
mod import;
mod line;
mod rows;

use std::{io, path::Path, sync::Arc};

use agentport_core::activity::{CallEnd, CallStart};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{file::Files, import::Importer};
use crate::store::{Store, StoreError};

/// A line could not be written. The file is as it was before.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to the journal")]
pub(crate) struct JournalError(#[source] io::Error);

/// Lines could not be moved into the database. They stay in their files, and are tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("cannot use the journal's files")]
    Files(#[source] io::Error),
    #[error("cannot store what the journal holds")]
    Store(#[from] StoreError),
    #[error("cannot start the thread that imports the journal")]
    Thread(#[source] io::Error),
    #[error("the journal has been closed")]
    Closed,
}

/// Writes lines; see the module.
pub(crate) struct Journal {
    files: Arc<Files>,
    flushes: mpsc::Sender<Flush>,
    imported: watch::Receiver<u64>,
}

/// A caller waits for everything written so far to be imported.
type Flush = oneshot::Sender<Result<(), ImportError>>;

impl Journal {
    /// Imports what an earlier process left, then starts the importer, which runs until `stop` and imports once more
    /// before it ends. `dir` is created for its owner alone.
    pub(crate) async fn open(
        dir: &Path,
        store: Store,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, ImportError> {
        let position = rows::position(&store).await?;
        let (files, oldest) = Files::open(dir, position).map_err(ImportError::Files)?;
        let files = Arc::new(files);
        let (rows, imported) = watch::channel(0);
        let mut importer = Importer::new(files.clone(), store.clone(), oldest, rows);
        importer.import().await?;
        rows::interrupt(&store).await?;
        let (flushes, requests) = mpsc::channel(16);
        importer.spawn(requests, tasks, stop).map_err(ImportError::Thread)?;
        Ok(Self { files, flushes, imported })
    }

    /// Records that a call begins. Must have succeeded before the call is dispatched.
    pub(crate) fn begin(&self, start: &CallStart) -> Result<(), JournalError> {
        self.files.append(|buffer| line::write_start(buffer, start)).map_err(JournalError)
    }

    /// Records that a call is over. Belongs before the reply.
    pub(crate) fn end(&self, end: &CallEnd) -> Result<(), JournalError> {
        self.files.append(|buffer| line::write_end(buffer, end)).map_err(JournalError)
    }

    /// Records a call that never ran: both at once, in one write.
    pub(crate) fn record(&self, start: &CallStart, end: &CallEnd) -> Result<(), JournalError> {
        let both = |buffer: &mut Vec<u8>| {
            line::write_start(buffer, start)?;
            line::write_end(buffer, end)
        };
        self.files.append(both).map_err(JournalError)
    }

    /// Waits until everything written so far can be read from the activity.
    pub(crate) async fn flush(&self) -> Result<(), ImportError> {
        let (done, answer) = oneshot::channel();
        self.flushes.send(done).await.map_err(|_| ImportError::Closed)?;
        answer.await.map_err(|_| ImportError::Closed)?
    }

    /// How many rows have been written or completed since the start; changes when the activity has.
    pub(crate) fn imported(&self) -> watch::Receiver<u64> {
        self.imported.clone()
    }
}

#[cfg(test)]
mod tests;
