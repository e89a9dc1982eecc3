//! Write-ahead log of file changes: a row is begun before a file is written and finished after.

use sqlx::{Sqlite, Transaction};

use super::{Backups, BackupsError, EditLock, digest, integrations, lock, originals};
use crate::atomic_write;
use crate::backups::{FileEdit, NewFileEdit, edits};

impl Backups {
    /// Takes the lock on clients' files, waiting a few seconds for it.
    pub(crate) async fn hold(&self) -> Result<EditLock, BackupsError> {
        let held = lock::hold(&self.root).await?;
        self.settle(&held).await?;
        Ok(held)
    }

    /// Stores a content and returns its digest.
    pub(crate) fn keep(&self, content: Option<&[u8]>) -> Result<Option<String>, BackupsError> {
        content.map(|content| originals::keep(&self.root, content)).transpose()
    }

    /// Records changes that are about to be made; returns the rows' ids.
    pub(crate) async fn begin(
        &self,
        _held: &EditLock,
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

    /// The changes were made.
    pub(crate) async fn finish(&self, _held: &EditLock, ids: &[i64]) -> Result<(), BackupsError> {
        let mut transaction = self.transaction().await?;
        for id in ids {
            finish(&mut transaction, *id).await?;
        }
        transaction.commit().await.map_err(BackupsError::Journal)
    }

    /// The changes were not made, or were undone at once.
    pub(crate) async fn forget(&self, _held: &EditLock, ids: &[i64]) -> Result<(), BackupsError> {
        let mut transaction = self.transaction().await?;
        for id in ids {
            edits::forget(&mut transaction, *id).await?;
        }
        transaction.commit().await.map_err(BackupsError::Journal)
    }

    /// Recovers after a killed process: decides by each file's content whether a begun change was made. A file with the
    /// content from before was not written. A file with a third content was edited since, and whether our change was made
    /// before is unknown; it counts as made, since undoing it is a merge that restores the original and loses no edit.
    /// Also removes half-written files.
    pub(super) async fn settle(&self, _held: &EditLock) -> Result<(), BackupsError> {
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
                // The file cannot be read now (an unmounted disk, for instance); decide the next time.
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
