//! Carrying out the file part of a plan.
//!
//! In this order: take the lock, see that every file is what the plan saw, keep what is there and what will be there,
//! write down what is about to be done, put the files in place, write down that it was done. A kill between any two of
//! these leaves each file as it was or as it was to be, whole, and what was begun is settled by looking at the file the
//! next time the kept originals are opened. Where one of several files cannot be written, those written before it are
//! put back: all of the plan, or nothing.

use std::{io, path::PathBuf};

use agentport_core::{Secret, Timestamp};

use crate::{
    atomic_write::{self, ExchangeError},
    backups::{Backups, BackupsError, Held, NewFileEdit},
    plan::{self, ModeChange, Plan},
};

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("{path} has changed since the plan was made; make a new one")]
    Changed { path: PathBuf },
    #[error("{path} could not be written")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the original could not be kept, so nothing was changed")]
    Keep(#[from] BackupsError),
    #[error("another AgentPort is changing these files just now")]
    Busy,
    #[error("the plan needs a key, and none was made")]
    NoKey,
    #[error("the plan has no single place for the key in {path}")]
    NoPlace { path: PathBuf },
    #[error("there are conflicts in the plan that nobody has settled")]
    Undecided,
}

/// A step of carrying out a plan, for progress and for tests that end the process there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Checked,
    Kept,
    Journalled,
    /// One of the files is in place.
    Written,
    Finished,
}

/// One file, with the key in it.
struct Change {
    path: PathBuf,
    target: PathBuf,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    mode: Option<ModeChange>,
}

impl Change {
    fn failed(&self, error: ExchangeError) -> ApplyError {
        match error {
            ExchangeError::Changed => ApplyError::Changed { path: self.path.clone() },
            ExchangeError::Io(source) => ApplyError::Write { path: self.path.clone(), source },
        }
    }
}

/// Checks that every file is still what the plan saw, keeps the originals, writes the files. `key` takes the
/// placeholder's place where the plan takes one; every other byte is written as it was planned. `at` is told each step.
/// Gives the files that were written; those that stay as they are, are not.
pub async fn apply(
    plan: &Plan,
    key: Option<&Secret>,
    backups: &Backups,
    now: Timestamp,
    at: &mut (dyn FnMut(Step) + Send),
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
    at(Step::Checked);

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
    at(Step::Kept);

    let rows = backups.begin(&held, &touches).await?;
    at(Step::Journalled);

    for (done, change) in changes.iter().enumerate() {
        let (before, after) = (change.before.as_deref(), change.after.as_deref());
        let mode = change.mode.map(|mode| mode.to);
        let written = atomic_write::exchange(&change.path, &change.target, before, after, mode);
        if let Err(error) = written {
            take_back(&changes[..done], &rows, backups, &held).await;
            return Err(change.failed(error));
        }
        at(Step::Written);
    }

    // Where this fails the files are in place: the next to hold the lock sees that, and says so in the journal.
    if let Err(error) = backups.finish(&held, &rows).await {
        tracing::warn!(%error, "the journal could not be settled");
    }
    at(Step::Finished);
    Ok(changes.into_iter().map(|change| change.path).collect())
}

/// Every file is what the plan was made for.
fn check_unchanged(changes: &[Change]) -> Result<(), ApplyError> {
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
fn changes(plan: &Plan, key: Option<&Secret>) -> Result<Vec<Change>, ApplyError> {
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
        changes.push(Change {
            path: file.path.clone(),
            target: file.target.clone(),
            before: file.before.clone(),
            after,
            mode: file.mode,
        });
    }
    Ok(changes)
}

/// Puts back those that were written, and forgets the rows. Those of files that could not be put back stay, for they
/// say what was done.
async fn take_back(written: &[Change], rows: &[i64], backups: &Backups, held: &Held) {
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
        // The rows stay begun, and the next to hold the lock looks at the files.
        tracing::warn!(%error, "the journal could not be settled");
    }
}

#[cfg(test)]
mod tests;
