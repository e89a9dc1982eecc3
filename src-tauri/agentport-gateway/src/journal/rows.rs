//! What the importer writes: rows of the activity, and how far it has come, in one transaction.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use agentport_core::{CallId, outcome::OutcomeKind};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::line::{Began, Ended, Line};
use crate::store::{self, Columns, Store, While as _, commit};

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
    begun: Vec<(Box<Began>, Option<Ended>)>,
    /// Those that began in an earlier batch.
    ended: Vec<Ended>,
}

impl Batch {
    fn of(lines: Vec<Line>) -> Self {
        let mut batch = Self::default();
        let mut at: HashMap<CallId, usize> = HashMap::with_capacity(lines.len() / 2);
        for line in lines {
            match line {
                Line::Begin(mut began) => match at.get(&began.id) {
                    Some(&index) => {
                        let call = &mut batch.begun[index];
                        began.at = call.0.at;
                        began.door.clone_from(&call.0.door);
                        if began.because.is_none() {
                            began.because = call.0.because.take();
                        }
                        *call = (began, None);
                    }
                    None => {
                        at.insert(began.id, batch.begun.len());
                        // If the call has a row, this begin resets what an earlier end said of it.
                        batch.begun.push((began, None));
                    }
                },
                Line::End(ended) => match at.get(&ended.id) {
                    Some(&index) => batch.begun[index].1 = Some(ended),
                    None => batch.ended.push(ended),
                },
            }
        }
        batch
    }

    async fn write(&self, connection: &mut SqliteConnection) -> store::Result<()> {
        // An end that stands before a new begin of its call would undo that if it came later.
        for end in &self.ended {
            write_end(connection, end).await?;
        }
        let mut rest = self.begun.as_slice();
        for insert in &*INSERTS {
            while let Some((rows, others)) = rest.split_at_checked(insert.rows) {
                insert.execute(connection, rows).await?;
                rest = others;
            }
        }
        Ok(())
    }
}

async fn write_end(connection: &mut SqliteConnection, end: &Ended) -> store::Result<()> {
    let done = sqlx::query(
        "UPDATE activity SET ended = 1, outcome = ?, ran_us = ?, bytes_out = ?, error = ? WHERE id = ?",
    )
    .bind(end.outcome.as_str())
    .bind(integer(end.ran_us))
    .bind(integer(end.bytes_out))
    .bind(&end.error)
    .bind(end.id.0.as_bytes().as_slice())
    .execute(connection)
    .await
    .doing(IMPORTING)?;
    if done.rows_affected() == 0 {
        // Its row has been forgotten since it began.
        tracing::debug!(call = %end.id, "the end of a call without a row");
    }
    Ok(())
}

/// A prepared INSERT of so many rows. Few sizes, so that each is compiled once.
struct Insert {
    rows: usize,
    sql: Arc<str>,
}

static INSERTS: LazyLock<[Insert; 3]> = LazyLock::new(|| [64, 8, 1].map(Insert::new));

impl Insert {
    fn new(rows: usize) -> Self {
        let row = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
        let sql = format!(
            "INSERT INTO activity (id, at, ended, agent, integration, tool, outcome, arguments, arguments_hash,
                                   digest, decision, because, approval, waited_ms, ran_us, bytes_in, bytes_out,
                                   error, door)
             VALUES {}
             ON CONFLICT (id) DO UPDATE SET
                 ended = excluded.ended, outcome = excluded.outcome, arguments = excluded.arguments,
                 arguments_hash = excluded.arguments_hash, digest = excluded.digest,
                 decision = excluded.decision, because = coalesce(excluded.because, because), approval = excluded.approval,
                 waited_ms = excluded.waited_ms, ran_us = excluded.ran_us, bytes_in = excluded.bytes_in,
                 bytes_out = excluded.bytes_out, error = excluded.error",
            vec![row; rows].join(",")
        );
        Self { rows, sql: sql.into() }
    }

    async fn execute(
        &self,
        connection: &mut SqliteConnection,
        rows: &[(Box<Began>, Option<Ended>)],
    ) -> store::Result<()> {
        // Nothing in the statement comes from outside; it differs only in how many rows it takes.
        let mut insert = sqlx::query(AssertSqlSafe(self.sql.clone()));
        for (began, ended) in rows {
            let outcome = ended.as_ref().map_or(OutcomeKind::Interrupted, |ended| ended.outcome);
            insert = insert
                .bind(began.id.0.as_bytes().as_slice())
                .bind(began.at)
                .bind(ended.is_some())
                .bind(began.agent.0.as_bytes().as_slice())
                .bind(&began.integration)
                .bind(&began.tool)
                .bind(outcome.as_str())
                .bind(began.arguments.get())
                .bind(began.arguments_hash.as_ref().map(|hash| hash.0.as_slice()))
                .bind(began.digest.as_ref().map(|digest| digest.0.as_slice()))
                .bind(began.decision.map(|mode| mode.as_str()))
                .bind(began.because.as_ref().map(|because| because.get()))
                .bind(began.approval.as_ref().map(|id| id.0.as_bytes().as_slice()))
                .bind(integer(began.waited_ms))
                .bind(ended.as_ref().map_or(0, |ended| integer(ended.ran_us)))
                .bind(integer(began.bytes_in))
                .bind(ended.as_ref().map_or(0, |ended| integer(ended.bytes_out)))
                .bind(ended.as_ref().and_then(|ended| ended.error.as_deref()))
                .bind(&began.door);
        }
        insert.execute(connection).await.map(drop).doing(IMPORTING)
    }
}

/// SQLite's integers are signed.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
