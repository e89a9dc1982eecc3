//! Originals of files we changed: content-addressed, for this account alone, journalled in a small SQLite file.
//!
//! Each time a file is about to be changed, what is there and what will be there are kept, and a row says so. Rows stay
//! *open* until they are taken back; the oldest open row of a file holds its **pinned original**:
//!
//! - *connect*, then *restore*: the original is the file before connecting.
//! - *connect*, the person edits, *consolidate*, *restore*: the original is still the file before connecting. Our two
//!   changes are taken back one after the other, newest first, and the edits in between and after stay, merged.
//! - *restore* closes all rows of the file, and so does *disconnect* if nothing but connecting went before: the next
//!   *connect* pins anew what is there then.
//! - *consolidate*, then *disconnect*: the rows stay open, for the servers that were taken over stand nowhere else in
//!   the client's world. *restore* brings them back; a later *connect* does not shadow them, even if the file is by then
//!   what the pinned original is.
//!
//! A restore is a change like any other: what it replaced is kept.
//!
//! What holds: a row is on the disk before its file is touched; content is checked against its digest whenever it is
//! read; nothing here is open to other accounts. Contents hold secrets, so none of it is ever part of an error.
//!
//! Deliberately absent: encryption, for the client's own file, from which it all comes, lies open beside it; and undoing
//! a restore, for connecting and consolidating do the same anew, with rows that can be taken back.

mod edit_log;
mod edits;
mod integrations;
mod journal;
mod lock;
mod merge;
mod originals;
mod prune;
mod restore;

use std::path::{Path, PathBuf};

use sqlx::SqlitePool;

use crate::types::BackupView;

use edits::FileEdit;
pub(crate) use edits::NewFileEdit;
pub(crate) use lock::EditLock;
pub(crate) use originals::digest;

/// Why kept originals could not be read or written. Never holds content of a file.
#[derive(Debug, thiserror::Error)]
pub enum BackupsError {
    /// A file operation failed.
    #[error("the kept originals could not be read or written in {path}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A query of the database failed.
    #[error("the journal of kept originals could not be used")]
    Journal(#[source] sqlx::Error),
    /// A migration of the database failed.
    #[error("the journal of kept originals could not be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The database has migrations this program does not know.
    #[error("the journal {path} was made by a newer AgentPort; update this one")]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// A row of the database is invalid.
    #[error("the journal {path} says what this program cannot read: {what}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is invalid.
        what: String,
    },
    /// A kept original does not have its digest.
    #[error("the kept original of {path} is damaged: {digest}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The digest it should have.
        digest: String,
    },
    /// The file has no change of ours to undo.
    #[error("there is nothing of ours to take back in {path}")]
    Nothing {
        /// The file.
        path: PathBuf,
    },
    /// The lock is held by another process.
    #[error("another AgentPort is changing clients' files just now")]
    Busy,
}

/// The kept originals of one home, in `<home>/clients/`.
#[derive(Clone)]
pub struct Backups {
    root: PathBuf,
    pool: SqlitePool,
}

impl Backups {
    /// Opens those of `root`, which is `<home>/clients`, and makes the directory where there is none. Settles what a
    /// killed process left undecided.
    pub async fn open(root: &Path) -> Result<Self, BackupsError> {
        originals::make_private(root).map_err(|source| io_error(root, source))?;
        originals::make_private(&originals::dir(root)).map_err(|source| io_error(root, source))?;
        let failed = |source| io_error(root, source);
        let mut held = lock::try_hold(root).map_err(failed)?;
        if held.is_none() && journal::is_new(root) {
            held = Some(lock::hold(root).await?);
        }
        let pool = journal::open(root).await?;
        if !journal::is_current(&pool, root).await? {
            let right = match held.take() {
                Some(held) => held,
                None => lock::hold(root).await?,
            };
            journal::migrate(&pool).await?;
            held = Some(right);
        }
        let backups = Self { root: root.to_owned(), pool };
        // The holder of the lock is at work, and its rows are its own.
        if let Some(held) = held {
            backups.settle(&held).await?;
        }
        Ok(backups)
    }

    /// Opens what is there as it is: nothing is made, and nothing settled. `None` where nothing was kept yet.
    pub async fn look(root: &Path) -> Result<Option<Self>, BackupsError> {
        if journal::is_new(root) {
            return Ok(None);
        }
        let pool = journal::open(root).await?;
        match journal::is_current(&pool, root).await? {
            true => Ok(Some(Self { root: root.to_owned(), pool })),
            false => Ok(None),
        }
    }

    /// The files of changes that a process began and did not live to settle. While a process is at work there are none:
    /// what is begun then is theirs.
    pub async fn undecided(&self) -> Result<Vec<PathBuf>, BackupsError> {
        let failed = |source| io_error(&self.root, source);
        let Some(_held) = lock::try_hold(&self.root).map_err(failed)? else {
            return Ok(Vec::new());
        };
        let begun = edits::begun(&self.pool, &self.root).await?;
        Ok(begun.into_iter().map(|touch| touch.path).collect())
    }

    /// The directory of the kept originals.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Closes the journal. Dropping does so too, some time later.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// Newest first.
    pub async fn list(&self, client: Option<&str>) -> Result<Vec<BackupView>, BackupsError> {
        Ok(self
            .listed(client)
            .await?
            .into_iter()
            .map(|(touch, pinned)| touch.view(pinned))
            .collect())
    }

    /// The same, each checked against its digest.
    pub async fn verify(&self, client: Option<&str>) -> Result<Vec<BackupView>, BackupsError> {
        let mut views = Vec::new();
        for (touch, pinned) in self.listed(client).await? {
            // What we wrote is needed too as long as it may have to be taken back.
            let needed = [touch.before.as_deref(), touch.after.as_deref().filter(|_| touch.open)];
            let intact = needed
                .into_iter()
                .flatten()
                .all(|digest| originals::read(&self.root, digest, &touch.path).is_ok());
            views.push(BackupView { intact: Some(intact), ..touch.view(pinned) });
        }
        Ok(views)
    }

    /// Every touch, newest first, and whether it holds the pinned original of its file.
    async fn listed(&self, client: Option<&str>) -> Result<Vec<(FileEdit, bool)>, BackupsError> {
        let mut touches = edits::all(&self.pool, &self.root).await?;
        let mut pinned = std::collections::HashMap::new();
        for touch in touches.iter().filter(|touch| touch.open) {
            // Newest first: the last one of a path is its oldest.
            pinned.insert(touch.path.clone(), touch.id);
        }
        touches.retain(|touch| client.is_none_or(|client| touch.client == client));
        Ok(touches
            .into_iter()
            .map(|touch| {
                let is_pinned = pinned.get(&touch.path) == Some(&touch.id);
                (touch, is_pinned)
            })
            .collect())
    }
}

fn io_error(path: &Path, source: std::io::Error) -> BackupsError {
    BackupsError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
