//! The importer: moves lines from the files into the database.
//!
//! It has a thread and a runtime of its own, with less priority than the gateway's: parsing, grouping and binding a
//! second's worth of calls takes milliseconds, which calls in progress would otherwise wait for.

use std::{io, sync::Arc, thread, time::Duration};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Flush, ImportError,
    file::Files,
    rows::{self, Position},
};
use crate::store::Store;

/// How long lines are gathered before they are imported together.
const GATHER: Duration = Duration::from_millis(250);
/// Of the importer's thread, as in `nice(2)`.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// There is one, so nothing but it moves the position.
pub(super) struct Importer {
    files: Arc<Files>,
    store: Store,
    position: Position,
    rows: watch::Sender<u64>,
}

impl Importer {
    pub(super) fn new(
        files: Arc<Files>,
        store: Store,
        position: Position,
        rows: watch::Sender<u64>,
    ) -> Self {
        Self { files, store, position, rows }
    }

    /// Starts [`Self::run`] on a thread of its own. `tasks` waits for its end.
    pub(super) fn spawn(
        self,
        requests: mpsc::Receiver<Flush>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (ended, end) = oneshot::channel::<()>();
        thread::Builder::new().name("journal-import".to_owned()).spawn(move || {
            lower_priority();
            runtime.block_on(self.run(requests, stop));
            drop(ended);
        })?;
        tasks.spawn(async move {
            let _ = end.await;
        });
        Ok(())
    }

    /// Imports some time after lines have been written, at once when a caller waits for it, and once more at the end.
    async fn run(mut self, mut flushes: mpsc::Receiver<Flush>, stop: CancellationToken) {
        let mut failing = false;
        loop {
            let gathered = async {
                self.files.written.notified().await;
                tokio::time::sleep(GATHER).await;
            };
            let flush = tokio::select! {
                () = stop.cancelled() => break,
                flush = flushes.recv() => match flush {
                    Some(flush) => Some(flush),
                    None => break,
                },
                () = gathered => None,
            };
            let done = self.import().await;
            if let Err(error) = &done {
                // What could not be imported now is tried again; the log hears of it once.
                self.files.written.notify_one();
                if !failing {
                    tracing::error!(
                        error = error as &dyn std::error::Error,
                        "the journal could not be imported"
                    );
                }
            }
            failing = done.is_err();
            if let Some(flush) = flush {
                // The caller may have gone.
                let _ = flush.send(done);
            }
        }
        if let Err(error) = self.import().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the journal could not be imported; it will be at the next start"
            );
        }
    }

    /// Imports every line written before the call.
    pub(super) async fn import(&mut self) -> Result<(), ImportError> {
        let target = self.files.end();
        while self.position < target {
            let from = self.position;
            let chunk = self.files.read(from).map_err(ImportError::Files)?;
            if chunk.next > from.bytes {
                let position = Position { bytes: chunk.next, ..from };
                let count = rows::import(&self.store, chunk.lines, position).await?;
                self.position = position;
                self.rows.send_modify(|rows| *rows += count);
            } else if from.file < target.file {
                // The file may go only when what was in it cannot be lost any more.
                self.store.checkpoint().await?;
                let next = self.files.delete(from.file).map_err(ImportError::Files)?;
                self.position = Position { file: next, bytes: 0 };
            } else {
                // No other program shortens a file.
                return Err(ImportError::Files(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        self.files.rotate().map_err(ImportError::Files)
    }
}

/// Linux counts niceness by thread. The importer then gives way to the calls it records.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the journal is imported at the usual priority");
    }
}
