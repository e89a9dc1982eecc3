//! Applies the file changes of a plan, all or none.
//!
//! The steps: take the lock, check that every file is as planned, keep the old and new contents, record the changes,
//! replace the files, mark the changes as made. If the process is killed in between, each file is old or new, whole, and
//! the next opening of the backups finds out which. If one of several files cannot be written, those before it are put
//! back.

use std::{io, path::PathBuf};

use agentport_core::{Secret, Timestamp};

use crate::{
    atomic_write::{self, ExchangeError},
    backups::{Backups, BackupsError, EditLock, NewFileEdit},
    plan::{self, ModeChange, Plan},
};

/// Why a plan was not applied. The files are as they were.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A file has changed since the plan was made.
    #[error("{path} has changed since the plan was made; make a new one")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be written; those before it were restored.
    #[error("{path} could not be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// An original could not be kept.
    #[error("the original could not be kept, so nothing was changed")]
    Keep(#[from] BackupsError),
    /// Another process holds the lock.
    #[error("another AgentPort is changing these files just now")]
    Busy,
    /// The plan takes a key and none was given.
    #[error("the plan needs a key, and none was made")]
    NoKey,
    /// A file has no or several placeholders.
    #[error("the plan has no single place for the key in {path}")]
    NoPlace {
        /// The file.
        path: PathBuf,
    },
    /// The plan has unsettled conflicts.
    #[error("there are conflicts in the plan that nobody has settled")]
    Undecided,
}

/// A step of carrying out a plan, for progress and for tests that end the process there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyStep {
    /// All files are as planned.
    Checked,
    /// The originals are kept.
    Kept,
    /// The changes are recorded as begun.
    Journalled,
    /// One of the files is in place.
    Written,
    /// The changes are recorded as made.
    Finished,
}

/// The content to write to one file, with the key filled in.
struct PreparedWrite {
    path: PathBuf,
    target: PathBuf,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    mode: Option<ModeChange>,
}

impl PreparedWrite {
    fn failed(&self, error: ExchangeError) -> ApplyError {
        match error {
            ExchangeError::Changed => ApplyError::Changed { path: self.path.clone() },
            ExchangeError::Io(source) => ApplyError::Write { path: self.path.clone(), source },
        }
    }
}

/// Checks that every file is as planned, keeps the originals, writes the files. `key` replaces the placeholder if the plan
/// takes a key; all other bytes are written as planned. `at` is called after each step. Returns the paths of the files
/// that were written, without unchanged ones.
pub async fn apply(
    plan: &Plan,
    key: Option<&Secret>,
    backups: &Backups,
    now: Timestamp,
    at: &mut (dyn FnMut(ApplyStep) + Send),
) -> Result<Vec<PathBuf>, ApplyError> {
    if !plan.conflicts.is_empty() {
        return Err(ApplyError::Undecided);
    }
    let changes = changes(plan, key)?;
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let held = match backups.hold().await {
        Err(BackupsError::Busy) => return Err(ApplyError::Busy),
        held => held?,
    };
    check_unchanged(&changes)?;
    at(ApplyStep::Checked);

    let mut touches = Vec::new();
    for change in &changes {
        touches.push(NewFileEdit {
            client: &plan.place.client.id,
            path: &change.path,
            what: plan.what,
            before: backups.keep(change.before.as_deref())?,
            after: backups.keep(change.after.as_deref())?,
            bytes: change.before.as_ref().map_or(0, Vec::len),
            taken_at: now,
            mode_before: change.mode.filter(|mode| mode.from & 0o077 != 0).map(|mode| mode.from),
        });
    }
    at(ApplyStep::Kept);

    let rows = backups.begin(&held, &touches).await?;
    at(ApplyStep::Journalled);

    for (done, change) in changes.iter().enumerate() {
        let (before, after) = (change.before.as_deref(), change.after.as_deref());
        let mode = change.mode.map(|mode| mode.to);
        let written = atomic_write::exchange(&change.path, &change.target, before, after, mode);
        if let Err(error) = written {
            take_back(&changes[..done], &rows, backups, &held).await;
            return Err(change.failed(error));
        }
        at(ApplyStep::Written);
    }

    // If this fails the files are in place, which the next holder of the lock finds out and records.
    if let Err(error) = backups.finish(&held, &rows).await {
        tracing::warn!(%error, "the journal could not be settled");
    }
    at(ApplyStep::Finished);
    Ok(changes.into_iter().map(|change| change.path).collect())
}

/// Fails if a file differs from the one the plan was made for.
fn check_unchanged(changes: &[PreparedWrite]) -> Result<(), ApplyError> {
    for change in changes {
        let leads_to =
            atomic_write::target(&change.path).map_err(|error| change.failed(error.into()))?;
        let there =
            atomic_write::read(&change.path).map_err(|error| change.failed(error.into()))?;
        if leads_to != change.target || there != change.before {
            return Err(change.failed(ExchangeError::Changed));
        }
    }
    Ok(())
}

/// The files that change, with the key in its place.
fn changes(plan: &Plan, key: Option<&Secret>) -> Result<Vec<PreparedWrite>, ApplyError> {
    let mut changes = Vec::new();
    for file in plan.files.iter().filter(|file| file.before != file.after) {
        let takes_key = plan.takes_key && file.path == plan.place.path;
        let after = match &file.after {
            Some(after) if takes_key => {
                let key = key.ok_or(ApplyError::NoKey)?;
                let no_place = || ApplyError::NoPlace { path: file.path.clone() };
                Some(plan::with_key(after, key).ok_or_else(no_place)?)
            }
            after => after.clone(),
        };
        changes.push(PreparedWrite {
            path: file.path.clone(),
            target: file.target.clone(),
            before: file.before.clone(),
            after,
            mode: file.mode,
        });
    }
    Ok(changes)
}

/// Restores the files that were written, and deletes their rows. Rows of files that could not be restored stay.
async fn take_back(written: &[PreparedWrite], rows: &[i64], backups: &Backups, held: &EditLock) {
    let mut stayed = Vec::new();
    for (change, row) in written.iter().zip(rows).rev() {
        let (before, after) = (change.before.as_deref(), change.after.as_deref());
        let back = atomic_write::exchange(
            &change.path,
            &change.target,
            after,
            before,
            change.mode.map(|mode| mode.from),
        );
        if let Err(error) = back {
            tracing::error!(path = %change.path.display(), %error, "could not be put back");
            stayed.push(*row);
        }
    }
    let undone: Vec<i64> = rows.iter().copied().filter(|row| !stayed.contains(row)).collect();
    let settled = match backups.forget(held, &undone).await {
        Ok(()) => backups.finish(held, &stayed).await,
        failed => failed,
    };
    if let Err(error) = settled {
        // The rows stay begun; the next holder of the lock decides by the files.
        tracing::warn!(%error, "the journal could not be settled");
    }
}

#[cfg(test)]
mod tests;
