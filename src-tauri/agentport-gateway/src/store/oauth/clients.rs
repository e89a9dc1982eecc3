//! The table `oauth_clients`.

use agentport_core::Timestamp;
use serde_json::{Map, Value};
use sqlx::sqlite::SqliteRow;

use crate::store::{Columns, Result, Store, While as _};

/// A client, registered or known by its metadata document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OAuthClientRow {
    /// Chosen by us, or the address of the metadata document.
    pub(crate) client_id: String,
    /// Of the metadata.
    pub(crate) digest: [u8; 32],
    /// As it was answered (RFC 7591, section 3.2.1).
    pub(crate) metadata: Map<String, Value>,
    pub(crate) created_at: Timestamp,
    /// When it got its first token.
    pub(crate) used_at: Option<Timestamp>,
}

fn read(row: &SqliteRow) -> Result<OAuthClientRow> {
    let columns = Columns::new("oauth_clients", "client_id", row);
    Ok(OAuthClientRow {
        client_id: columns.text("client_id")?,
        digest: columns.digest("digest")?,
        metadata: columns.json("metadata")?,
        created_at: columns.moment("created_at")?,
        used_at: columns.opt_moment("used_at")?,
    })
}

impl Store {
    pub(crate) async fn oauth_client(&self, client_id: &str) -> Result<Option<OAuthClientRow>> {
        sqlx::query("SELECT * FROM oauth_clients WHERE client_id = ?")
            .bind(client_id)
            .fetch_optional(self.readers())
            .await
            .doing("reading an OAuth client")?
            .as_ref()
            .map(read)
            .transpose()
    }

    pub(crate) async fn oauth_client_with(
        &self,
        digest: [u8; 32],
    ) -> Result<Option<OAuthClientRow>> {
        sqlx::query("SELECT * FROM oauth_clients WHERE digest = ?")
            .bind(digest.as_slice())
            .fetch_optional(self.readers())
            .await
            .doing("looking for an OAuth client")?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Stores a client and answers what is stored: the one of that digest which was there before, or this one.
    pub(crate) async fn put_oauth_client(&self, client: OAuthClientRow) -> Result<OAuthClientRow> {
        const DOING: &str = "storing an OAuth client";
        let metadata = Value::Object(client.metadata.clone()).to_string();
        let row = sqlx::query(
            "INSERT INTO oauth_clients (client_id, digest, metadata, created_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest
             ON CONFLICT (client_id) DO UPDATE SET digest = excluded.digest, metadata = excluded.metadata
             RETURNING *",
        )
        .bind(&client.client_id)
        .bind(client.digest.as_slice())
        .bind(metadata)
        .bind(client.created_at.0)
        .fetch_one(self.writer())
        .await
        .doing(DOING)?;
        read(&row)
    }

    /// Removes clients that never got a token: those older than `before`, and the oldest beyond `most`.
    pub(crate) async fn delete_unused_oauth_clients(
        &self,
        before: Timestamp,
        most: u32,
    ) -> Result<u64> {
        sqlx::query(
            "DELETE FROM oauth_clients WHERE used_at IS NULL AND (created_at < ?1 OR client_id IN (
                 SELECT client_id FROM oauth_clients WHERE used_at IS NULL
                 ORDER BY created_at DESC, client_id LIMIT -1 OFFSET ?2))",
        )
        .bind(before.0)
        .bind(most)
        .execute(self.writer())
        .await
        .map(|done| done.rows_affected())
        .doing("removing unused OAuth clients")
    }
}
