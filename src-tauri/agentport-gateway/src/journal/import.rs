//! The importer: moves lines from the files into the database.

use std::{io, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Flush, ImportError,
    file::{Chunk, Files},
    rows::{self, Position},
};
use crate::store::Store;

/// How long lines are gathered before they are imported together.
const GATHER: Duration = Duration::from_millis(250);

/// There is one, so nothing but it moves the position.
pub(super) struct Importer {
    files: Arc<Files>,
    store: Store,
    tasks: TaskTracker,
    position: Position,
    rows: watch::Sender<u64>,
}

impl Importer {
    pub(super) fn new(
        files: Arc<Files>,
        store: Store,
        tasks: TaskTracker,
        position: Position,
        rows: watch::Sender<u64>,
    ) -> Self {
        Self { files, store, tasks, position, rows }
    }

    /// Imports some time after lines have been written, at once when a caller waits for it, and once more at the end.
    pub(super) async fn run(mut self, mut flushes: mpsc::Receiver<Flush>, stop: CancellationToken) {
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
            let chunk = self.read(from).await?;
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

    async fn read(&self, from: Position) -> Result<Chunk, ImportError> {
        let files = self.files.clone();
        self.tasks
            .spawn_blocking(move || files.read(from))
            .await
            .map_err(|_| ImportError::Closed)?
            .map_err(ImportError::Files)
    }
}
