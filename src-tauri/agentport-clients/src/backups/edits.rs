//! Rows of the table of file changes.

use std::path::{Path, PathBuf};

use agentport_core::Timestamp;
use sqlx::{Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{BackupsError, journal};
use crate::types::{BackupView, PlanAction};

/// One change of one file, done or begun.
pub(crate) struct FileEdit {
    pub(crate) id: i64,
    pub(crate) client: String,
    pub(crate) path: PathBuf,
    pub(crate) what: PlanAction,
    /// SHA-256 of what was there; `None` where there was no file.
    pub(crate) before: Option<String>,
    /// SHA-256 of what we put there; `None` where we took the file away.
    pub(crate) after: Option<String>,
    /// Size of what was there.
    pub(crate) bytes: u64,
    pub(crate) taken_at: Timestamp,
    /// Begun, and not known yet whether it was made.
    pub(crate) begun: bool,
    /// Not undone yet.
    pub(crate) open: bool,
    /// The file's mode, where this change closed it to other accounts.
    pub(crate) mode_before: Option<u32>,
}

/// A change about to be recorded.
pub(crate) struct NewFileEdit<'a> {
    pub(crate) client: &'a str,
    pub(crate) path: &'a Path,
    pub(crate) what: PlanAction,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) bytes: usize,
    pub(crate) taken_at: Timestamp,
    pub(crate) mode_before: Option<u32>,
}

impl FileEdit {
    pub(super) fn view(&self, pinned: bool) -> BackupView {
        BackupView {
            id: self.id,
            client: self.client.clone(),
            path: self.path.display().to_string(),
            taken_at: self.taken_at,
            digest: self.before.clone(),
            bytes: self.bytes,
            pinned,
            what: self.what,
            intact: None,
        }
    }
}

const COLUMNS: &str =
    "id, client, path, what, before, after, bytes, taken_at, state, open, mode_before";

/// All of them, newest first.
pub(super) async fn all(pool: &SqlitePool, root: &Path) -> Result<Vec<FileEdit>, BackupsError> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM touches ORDER BY id DESC"));
    let rows = sqlx::query(sql).fetch_all(pool).await.map_err(BackupsError::Journal)?;
    rows.iter().map(|row| touch(row, root)).collect()
}

/// Those that were begun and not settled, oldest first.
pub(super) async fn begun(pool: &SqlitePool, root: &Path) -> Result<Vec<FileEdit>, BackupsError> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM touches WHERE state = 'begun' ORDER BY id"
    ));
    let rows = sqlx::query(sql).fetch_all(pool).await.map_err(BackupsError::Journal)?;
    rows.iter().map(|row| touch(row, root)).collect()
}

/// The changes of a file that a restore would undo, newest first. The last of them holds the pinned original.
pub(super) async fn open_of(
    pool: &SqlitePool,
    root: &Path,
    path: &Path,
) -> Result<Vec<FileEdit>, BackupsError> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM touches WHERE path = ? AND open = 1 ORDER BY id DESC"
    ));
    let rows = sqlx::query(sql)
        .bind(text(root, path)?)
        .fetch_all(pool)
        .await
        .map_err(BackupsError::Journal)?;
    rows.iter().map(|row| touch(row, root)).collect()
}

/// Writes down what is about to be done; gives the row's id.
pub(super) async fn begin(
    to: &mut SqliteConnection,
    root: &Path,
    new: &NewFileEdit<'_>,
) -> Result<i64, BackupsError> {
    let inserted = sqlx::query(
        "INSERT INTO touches (client, path, what, before, after, bytes, taken_at, state, open, \
         mode_before) VALUES (?, ?, ?, ?, ?, ?, ?, 'begun', 1, ?)",
    )
    .bind(new.client)
    .bind(text(root, new.path)?)
    .bind(word(new.what))
    .bind(&new.before)
    .bind(&new.after)
    .bind(i64::try_from(new.bytes).unwrap_or(i64::MAX))
    .bind(new.taken_at.0)
    .bind(new.mode_before)
    .execute(to)
    .await
    .map_err(BackupsError::Journal)?;
    Ok(inserted.last_insert_rowid())
}

/// Marks a change as made. A restore closes the rows it undid and its own, and so does a disconnect after nothing but
/// connects. If the file was brought back to its original by hand, its rows are closed too, unless servers were moved to
/// the gateway meanwhile: these rows are the only way back to them.
pub(super) async fn finish(to: &mut SqliteConnection, id: i64) -> Result<(), BackupsError> {
    for sql in [
        "UPDATE touches SET state = 'done' WHERE id = ?1",
        "UPDATE touches SET open = 0 \
         FROM (SELECT path, before FROM touches WHERE id = ?1) AS this \
         WHERE touches.path = this.path AND touches.id < ?1 AND this.before IS \
            (SELECT before FROM touches AS pinned WHERE pinned.path = this.path AND pinned.open = 1 \
                ORDER BY pinned.id LIMIT 1) \
            AND NOT EXISTS (SELECT 1 FROM touches AS other \
                WHERE other.path = this.path AND other.id < ?1 AND other.open = 1 \
                    AND other.what = 'consolidate' AND other.before IS NOT this.before)",
        "UPDATE touches SET open = 0 \
         FROM (SELECT path, what FROM touches WHERE id = ?1) AS this \
         WHERE touches.path = this.path AND touches.id <= ?1 AND (this.what = 'restore' \
            OR this.what = 'disconnect' AND NOT EXISTS (SELECT 1 FROM touches AS other \
                WHERE other.path = this.path AND other.open = 1 AND other.what = 'consolidate'))",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *to).await.map_err(BackupsError::Journal)?;
    }
    Ok(())
}

/// The file's path, if the touch is a restore.
pub(super) async fn restored_path(
    from: &mut SqliteConnection,
    id: i64,
) -> Result<Option<String>, BackupsError> {
    sqlx::query_scalar("SELECT path FROM touches WHERE id = ? AND what = 'restore'")
        .bind(id)
        .fetch_optional(from)
        .await
        .map_err(BackupsError::Journal)
}

/// Deletes the row of a change that was not made.
pub(super) async fn forget(to: &mut SqliteConnection, id: i64) -> Result<(), BackupsError> {
    sqlx::query("DELETE FROM touches WHERE id = ?")
        .bind(id)
        .execute(to)
        .await
        .map(drop)
        .map_err(BackupsError::Journal)
}

/// The path as it stands in the journal.
pub(super) fn text<'a>(root: &Path, path: &'a Path) -> Result<&'a str, BackupsError> {
    path.to_str().ok_or_else(|| BackupsError::Corrupt {
        path: journal::file(root),
        what: "a path that is no Unicode".to_owned(),
    })
}

fn touch(row: &SqliteRow, root: &Path) -> Result<FileEdit, BackupsError> {
    let read = |row: &SqliteRow| -> Result<FileEdit, sqlx::Error> {
        let what: String = row.try_get("what")?;
        Ok(FileEdit {
            id: row.try_get("id")?,
            client: row.try_get("client")?,
            path: PathBuf::from(row.try_get::<String, _>("path")?),
            what: from_word(&what).ok_or_else(|| sqlx::Error::Decode(what.into()))?,
            before: row.try_get("before")?,
            after: row.try_get("after")?,
            bytes: row.try_get::<i64, _>("bytes")?.unsigned_abs(),
            taken_at: Timestamp(row.try_get("taken_at")?),
            begun: row.try_get::<String, _>("state")? == "begun",
            open: row.try_get("open")?,
            mode_before: row.try_get("mode_before")?,
        })
    };
    read(row).map_err(|error| BackupsError::Corrupt {
        path: journal::file(root),
        what: error.to_string(),
    })
}

fn word(what: PlanAction) -> &'static str {
    match what {
        PlanAction::Connect => "connect",
        PlanAction::Disconnect => "disconnect",
        PlanAction::Consolidate => "consolidate",
        PlanAction::Restore => "restore",
    }
}

fn from_word(word: &str) -> Option<PlanAction> {
    [PlanAction::Connect, PlanAction::Disconnect, PlanAction::Consolidate, PlanAction::Restore]
        .into_iter()
        .find(|what| self::word(*what) == word)
}
