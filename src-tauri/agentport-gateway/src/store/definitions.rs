//! The table `definitions`: every tool definition seen, by its digest.

use agentport_core::{Timestamp, tool::DefinitionDigest};
use sqlx::{QueryBuilder, Sqlite};

use super::{Result, Store, While as _, commit};

/// Rows to a statement: SQLite takes 32,766 parameters, and there are three to a row.
const CHUNK: usize = 1_000;

impl Store {
    /// Stores definitions (digest, canonical JSON) that are not known yet. One transaction.
    pub(crate) async fn put_definitions(
        &self,
        definitions: &[(DefinitionDigest, String)],
        now: Timestamp,
    ) -> Result<()> {
        let mut transaction = self.transaction().await?;
        for chunk in definitions.chunks(CHUNK) {
            let mut insert = QueryBuilder::<Sqlite>::new(
                "INSERT OR IGNORE INTO definitions (digest, json, seen_at) ",
            );
            insert.push_values(chunk, |mut row, (digest, json)| {
                row.push_bind(digest.0.as_slice()).push_bind(json).push_bind(now.0);
            });
            insert
                .build()
                .persistent(false)
                .execute(&mut *transaction)
                .await
                .doing("storing tool definitions")?;
        }
        commit(transaction).await
    }

    /// The canonical JSON of a definition.
    pub(crate) async fn definition(&self, digest: DefinitionDigest) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT json FROM definitions WHERE digest = ?")
            .bind(digest.0.as_slice())
            .fetch_optional(self.readers())
            .await
            .doing("reading a tool definition")
    }
}
