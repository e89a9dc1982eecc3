//! The table `notes`: what the built-in integration `demo` works on.

use agentport_core::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{Columns, Result, Store, While as _};

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoteRow {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) created_at: Timestamp,
}

fn row(row: &SqliteRow) -> Result<NoteRow> {
    let columns = Columns::new("notes", "id", row);
    Ok(NoteRow {
        id: columns.get("id")?,
        text: columns.text("text")?,
        created_at: columns.moment("created_at")?,
    })
}

impl Store {
    /// Oldest first.
    pub(crate) async fn notes(&self) -> Result<Vec<NoteRow>> {
        sqlx::query("SELECT * FROM notes ORDER BY id")
            .fetch_all(self.readers())
            .await
            .doing("reading the notes")?
            .iter()
            .map(row)
            .collect()
    }

    pub(crate) async fn note(&self, id: i64) -> Result<Option<NoteRow>> {
        sqlx::query("SELECT * FROM notes WHERE id = ?")
            .bind(id)
            .fetch_optional(self.readers())
            .await
            .doing("reading a note")?
            .as_ref()
            .map(row)
            .transpose()
    }

    pub(crate) async fn add_note(&self, text: &str, now: Timestamp) -> Result<NoteRow> {
        let id = sqlx::query("INSERT INTO notes (text, created_at) VALUES (?, ?)")
            .bind(text)
            .bind(now.0)
            .execute(self.writer())
            .await
            .map(|done| done.last_insert_rowid())
            .doing("storing a note")?;
        Ok(NoteRow { id, text: text.to_owned(), created_at: now })
    }

    /// `false`: no such note.
    pub(crate) async fn delete_note(&self, id: i64) -> Result<bool> {
        sqlx::query("DELETE FROM notes WHERE id = ?")
            .bind(id)
            .execute(self.writer())
            .await
            .map(|done| done.rows_affected() > 0)
            .doing("deleting a note")
    }
}
