//! Which integrations consolidations of a file led to, so that a restore can take them away again.
//!
//! What holds: an integration counts as added by a file from before it is made, so that one of a process that was
//! killed is known too. It may go only where its server stands again: that is told by what the server is, for its name
//! may be another's by then.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use agentport_core::IntegrationId;
use sqlx::{Row as _, SqliteConnection};

use super::{Backups, BackupsError, journal};
use crate::backups::edits;
use crate::{
    client::Place,
    plan::{self, Import},
};

impl Backups {
    /// Notes an integration that a consolidation of this file adds, or is about to. `false`: it was noted already, as
    /// added or as used.
    pub async fn note_added(&self, path: &Path, import: &Import) -> Result<bool, BackupsError> {
        self.note(path, &import.id, Some(&import.fingerprint())).await
    }

    /// Notes an integration, there already, that takes the place of a server of this file. As long as it does, no
    /// restore of another file takes it away. `false`: it was noted already, as added or as used.
    pub async fn note_used(&self, path: &Path, used: &IntegrationId) -> Result<bool, BackupsError> {
        self.note(path, used, None).await
    }

    /// These have nothing to do with this file after all.
    pub async fn unnote(&self, path: &Path, ids: &[IntegrationId]) -> Result<(), BackupsError> {
        for id in ids {
            sqlx::query("DELETE FROM integrations WHERE path = ? AND integration = ?")
                .bind(edits::text(&self.root, path)?)
                .bind(id.as_str())
                .execute(&self.pool)
                .await
                .map_err(BackupsError::Journal)?;
        }
        Ok(())
    }

    /// The integrations that consolidations of this file added and that no other file's consolidation added or uses.
    pub async fn added_by(&self, path: &Path) -> Result<Vec<IntegrationId>, BackupsError> {
        Ok(self.added(path).await?.into_iter().map(|(id, _)| id).collect())
    }

    /// Those of them whose servers stand in `content`, so that nothing is lost with them.
    pub async fn stand_in(
        &self,
        place: &Place,
        content: Option<&[u8]>,
    ) -> Result<BTreeSet<IntegrationId>, BackupsError> {
        // A file in which nothing can be read has nothing to show for them.
        let servers = plan::imports(place, content).unwrap_or_default();
        let there: HashSet<String> = servers.iter().map(Import::fingerprint).collect();
        let stands =
            |fingerprint: Option<String>| fingerprint.is_some_and(|it| there.contains(&it));
        let added = self.added(&place.path).await?.into_iter();
        Ok(added.filter_map(|(id, fingerprint)| stands(fingerprint).then_some(id)).collect())
    }

    /// Each with its server's fingerprint.
    async fn added(
        &self,
        path: &Path,
    ) -> Result<Vec<(IntegrationId, Option<String>)>, BackupsError> {
        let rows = sqlx::query(
            "SELECT integration, fingerprint FROM integrations AS this WHERE path = ? AND added = 1 \
             AND NOT EXISTS (SELECT 1 FROM integrations AS other \
                WHERE other.integration = this.integration AND other.path <> this.path) \
             ORDER BY integration",
        )
        .bind(edits::text(&self.root, path)?)
        .fetch_all(&self.pool)
        .await
        .map_err(BackupsError::Journal)?;
        let mut added = Vec::new();
        for row in rows {
            let text: String = row.try_get(0).map_err(BackupsError::Journal)?;
            let id = IntegrationId::new(&text).map_err(|_| BackupsError::Corrupt {
                path: journal::file(&self.root),
                what: format!("{text:?} is no integration's id"),
            })?;
            added.push((id, row.try_get(1).map_err(BackupsError::Journal)?));
        }
        Ok(added)
    }

    /// What is added has a fingerprint.
    async fn note(
        &self,
        path: &Path,
        id: &IntegrationId,
        fingerprint: Option<&str>,
    ) -> Result<bool, BackupsError> {
        let path = edits::text(&self.root, path)?;
        let mut transaction = self.pool.begin().await.map_err(BackupsError::Journal)?;
        let known: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM integrations WHERE path = ? AND integration = ?",
        )
        .bind(path)
        .bind(id.as_str())
        .fetch_one(&mut *transaction)
        .await
        .map_err(BackupsError::Journal)?;
        // What was added stays added when it is used once more.
        sqlx::query(
            "INSERT INTO integrations (path, integration, added, fingerprint) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO UPDATE SET added = max(added, excluded.added), \
                fingerprint = coalesce(excluded.fingerprint, fingerprint)",
        )
        .bind(path)
        .bind(id.as_str())
        .bind(fingerprint.is_some())
        .bind(fingerprint)
        .execute(&mut *transaction)
        .await
        .map_err(BackupsError::Journal)?;
        transaction.commit().await.map_err(BackupsError::Journal)?;
        Ok(known == 0)
    }
}

/// The file was restored: it uses none of them any more. What it added falls to the next file that uses it, so that the
/// last one takes it away; what it is, is then still what the first one added.
pub(super) async fn let_go(to: &mut SqliteConnection, path: &str) -> Result<(), BackupsError> {
    for sql in [
        "UPDATE integrations SET added = 1, fingerprint = mine.fingerprint \
         FROM integrations AS mine WHERE mine.path = ?1 AND mine.added = 1 \
            AND integrations.integration = mine.integration AND integrations.path <> ?1 \
            AND integrations.added = 0",
        "DELETE FROM integrations WHERE path = ?1",
    ] {
        sqlx::query(sql).bind(path).execute(&mut *to).await.map_err(BackupsError::Journal)?;
    }
    Ok(())
}
