//! The database: everything that outlives the process, one file per table.
//!
//! SQLite in WAL mode. One connection writes, a few read; readers never wait for the writer, and two writes never
//! collide. Commits survive a kill of the process at any point (`synchronous=NORMAL`); a loss of power may take the
//! last moments with it, never the consistency of what is there.
//!
//! A row that maps to no value of its type is [`StoreError::Corrupt`], naming table and row. There is no repository
//! trait (there is one database) and no secret in clear: credentials and results come here sealed by the vault.

mod accounts;
mod activity;
mod agents;
mod approval_states;
mod approvals;
mod chosen_accounts;
mod columns;
mod credentials;
mod definitions;
mod denial_resets;
mod integrations;
mod listings;
mod notes;
mod oauth;
mod open;
mod profiles;
mod restore;
mod rules;
mod second_factor;
mod sessions;
mod settings;
#[cfg(test)]
pub(crate) mod testing;
mod tool_effects;
mod transition;

use std::sync::Arc;

use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

pub(crate) use self::{
    accounts::{AccountAuth, AccountRow},
    activity::{
        ActivityFilter, Buckets, ImportedStart, complete_call, insert_calls, keep_first_start,
    },
    agents::{AgentRow, InsertError},
    approvals::{ApprovalFilter, DenialRow},
    chosen_accounts::{ChosenAccountRow, ChosenFor},
    columns::{Columns, hex},
    integrations::IntegrationRow,
    listings::ListingRow,
    notes::NoteRow,
    oauth::{
        Audience, GrantId, GrantRow, LiveTokenRow, NewTokens, OAuthClientRow, RefreshTokenRow,
    },
    restore::Restored,
    second_factor::{CodeHash, SecondFactorRow},
    sessions::SessionRow,
    tool_effects::ToolEffectRow,
    transition::Transition,
};

/// A handle on the database. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Store(Arc<Pools>);

struct Pools {
    writer: SqlitePool,
    readers: SqlitePool,
}

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the database failed while {doing}")]
    Database {
        doing: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// What is stored is not what this program writes. Whatever depended on it does not happen.
    #[error("row {row} of the table {table} is corrupt: {what}")]
    Corrupt { table: &'static str, row: String, what: String },
}

/// Says what the program was about when the database failed.
pub(crate) trait While<T> {
    fn doing(self, doing: &'static str) -> Result<T>;
}

impl<T> While<T> for std::result::Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T> {
        self.map_err(|source| StoreError::Database { doing, source })
    }
}

impl Store {
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    /// The one connection that writes. A statement of its own is its own transaction.
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.0.writer
    }

    /// A transaction that may write. Rolled back unless committed.
    pub(crate) async fn transaction(&self) -> Result<Transaction<'static, Sqlite>> {
        self.writer().begin_with("BEGIN IMMEDIATE").await.doing("beginning a transaction")
    }

    /// Reads within one moment of the database, however many statements it takes.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'static, Sqlite>> {
        self.readers().begin().await.doing("beginning to read")
    }

    /// Moves what has been committed from the write-ahead log to the disk.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(self.writer())
            .await
            .map(drop)
            .doing("writing the log back to the database")
    }

    /// Lets statements in flight finish and closes every connection. Later uses fail.
    pub(crate) async fn close(&self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
    }
}

pub(crate) async fn commit(transaction: Transaction<'_, Sqlite>) -> Result<()> {
    transaction.commit().await.doing("committing a transaction")
}

/// Executes one of the statements that are only a string.
async fn execute(
    connection: &mut SqliteConnection,
    sql: &'static str,
    doing: &'static str,
) -> Result<u64> {
    let done = sqlx::query(sql).execute(connection).await.doing(doing)?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests;
