//! From a row that says what is about to be done to one that says what was.

use sqlx::{Sqlite, Transaction};

use super::{Backups, BackupsError, Held, digest, integrations, lock, originals};
use crate::atomic_write;
use crate::backups::{FileEdit, NewFileEdit, edits};

impl Backups {
    /// The right to change files: waits for it a few seconds.
    pub(crate) async fn hold(&self) -> Result<Held, BackupsError> {
        let held = lock::hold(&self.root).await?;
        self.settle(&held).await?;
        Ok(held)
    }

    /// Keeps a content; gives its digest.
    pub(crate) fn keep(&self, content: Option<&[u8]>) -> Result<Option<String>, BackupsError> {
        content.map(|content| originals::keep(&self.root, content)).transpose()
    }

    /// Writes down what is about to be done to files; gives the rows' ids.
    pub(crate) async fn begin(
        &self,
        _held: &Held,
        touches: &[NewFileEdit<'_>],
    ) -> Result<Vec<i64>, BackupsError> {
        let mut transaction = self.transaction().await?;
        let mut ids = Vec::new();
        for touch in touches {
            ids.push(edits::begin(&mut transaction, &self.root, touch).await?);
        }
        transaction.commit().await.map_err(BackupsError::Journal)?;
        Ok(ids)
    }

    /// All of that was done.
    pub(crate) async fn finish(&self, _held: &Held, ids: &[i64]) -> Result<(), BackupsError> {
        let mut transaction = self.transaction().await?;
        for id in ids {
            finish(&mut transaction, *id).await?;
        }
        transaction.commit().await.map_err(BackupsError::Journal)
    }

    /// None of that was done, or all of it was taken back at once.
    pub(crate) async fn forget(&self, _held: &Held, ids: &[i64]) -> Result<(), BackupsError> {
        let mut transaction = self.transaction().await?;
        for id in ids {
            edits::forget(&mut transaction, *id).await?;
        }
        transaction.commit().await.map_err(BackupsError::Journal)
    }

    /// Looks at the files of rows that were begun and never settled, because their process was killed: a file that is
    /// as before was not written. One that is neither as before nor as after was changed by somebody since, and whether
    /// ours was ever in place is not to be known. It counts as written: taking it back is a merge, in which the original
    /// is there again and nothing of anybody's is lost. Clears away what was left half-written, too.
    pub(super) async fn settle(&self, _held: &Held) -> Result<(), BackupsError> {
        // A half-written original holds secrets as much as a whole one.
        for dir in [&self.root, &originals::dir(&self.root), &self.root.join("keys")] {
            if let Err(error) = atomic_write::sweep_directory(dir) {
                tracing::debug!(dir = %dir.display(), %error, "could not be swept");
            }
        }
        let begun: Vec<FileEdit> = edits::begun(&self.pool, &self.root).await?;
        let mut transaction = self.transaction().await?;
        for touch in &begun {
            if let Err(error) = atomic_write::sweep(&touch.path) {
                tracing::debug!(path = %touch.path.display(), %error, "could not be swept");
            }
            match atomic_write::read(&touch.path) {
                // It may be there again tomorrow: a disk that is not mounted.
                Err(error) => {
                    tracing::warn!(path = %touch.path.display(), %error, "was not settled");
                }
                Ok(there) if there.as_deref().map(digest) == touch.before => {
                    edits::forget(&mut transaction, touch.id).await?;
                }
                Ok(_) => finish(&mut transaction, touch.id).await?,
            }
        }
        transaction.commit().await.map_err(BackupsError::Journal)
    }

    async fn transaction(&self) -> Result<Transaction<'_, Sqlite>, BackupsError> {
        self.pool.begin().await.map_err(BackupsError::Journal)
    }
}

async fn finish(transaction: &mut Transaction<'_, Sqlite>, id: i64) -> Result<(), BackupsError> {
    edits::finish(transaction, id).await?;
    if let Some(path) = edits::restored_path(transaction, id).await? {
        integrations::let_go(transaction, &path).await?;
    }
    Ok(())
}
