//! What the importer writes: rows of the activity, and how far it has come, in one transaction.

use std::collections::HashMap;

use agentport_core::{CallId, activity::CallEnd};
use sqlx::SqliteConnection;

use super::line::Line;
use crate::store::{
    self, Columns, ImportedStart, Store, While as _, commit, complete_call, insert_calls,
    keep_first_start,
};

const IMPORTING: &str = "importing the journal";

/// What the row of a call says that had not ended when the gateway did.
const INTERRUPTED: &str = "the gateway stopped before this call finished";

/// A place in the journal. Later is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) file: u64,
    pub(super) bytes: u64,
}

/// How far the journal has been imported.
pub(super) async fn position(store: &Store) -> store::Result<Position> {
    let row = sqlx::query("SELECT * FROM journal_position")
        .fetch_optional(store.readers())
        .await
        .doing("reading how far the journal has been imported")?;
    let Some(row) = row else { return Ok(Position { file: 0, bytes: 0 }) };
    let columns = Columns::new("journal_position", "only", &row);
    Ok(Position { file: columns.count("file")?, bytes: columns.count("bytes")? })
}

/// Marks what had begun and not ended. Only when nothing runs.
pub(super) async fn interrupt(store: &Store) -> store::Result<()> {
    sqlx::query("UPDATE activity SET ended = 1, error = ? WHERE ended = 0")
        .bind(INTERRUPTED)
        .execute(store.writer())
        .await
        .map(drop)
        .doing("marking interrupted calls")
}

/// Imports lines, and notes that the journal has been imported up to `position`: both or neither. Says how many rows
/// were written or completed.
pub(super) async fn import(
    store: &Store,
    lines: Vec<Line>,
    position: Position,
) -> store::Result<u64> {
    let batch = Batch::of(lines);
    let count = batch.begun.len() + batch.ended.len();
    let mut transaction = store.transaction().await?;
    batch.write(&mut transaction).await?;
    sqlx::query(
        "INSERT INTO journal_position (only, file, bytes) VALUES (1, ?, ?)
         ON CONFLICT (only) DO UPDATE SET file = excluded.file, bytes = excluded.bytes",
    )
    .bind(integer(position.file))
    .bind(integer(position.bytes))
    .execute(&mut *transaction)
    .await
    .doing(IMPORTING)?;
    commit(transaction).await?;
    Ok(count as u64)
}

/// Lines put together by call, so that most calls are one INSERT.
#[derive(Default)]
struct Batch {
    /// In the order they began.
    begun: Vec<(Box<ImportedStart>, Option<CallEnd>)>,
    /// Those that began in an earlier batch.
    ended: Vec<CallEnd>,
}

impl Batch {
    fn of(lines: Vec<Line>) -> Self {
        let mut batch = Self::default();
        let mut at: HashMap<CallId, usize> = HashMap::with_capacity(lines.len() / 2);
        for line in lines {
            match line {
                Line::Start(mut start) => match at.get(&start.id) {
                    Some(&index) => {
                        let call = &mut batch.begun[index];
                        keep_first_start(&mut start, &mut call.0);
                        *call = (start, None);
                    }
                    None => {
                        at.insert(start.id, batch.begun.len());
                        // If the call has a row, this start resets what an earlier end said of it.
                        batch.begun.push((start, None));
                    }
                },
                Line::End(end) => match at.get(&end.id) {
                    Some(&index) => batch.begun[index].1 = Some(end),
                    None => batch.ended.push(end),
                },
            }
        }
        batch
    }

    async fn write(&self, connection: &mut SqliteConnection) -> store::Result<()> {
        // An end that was written before a new start of its call would undo that if it came later.
        for end in &self.ended {
            complete_call(connection, end).await?;
        }
        insert_calls(connection, &self.begun).await
    }
}

/// SQLite's integers are signed.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
