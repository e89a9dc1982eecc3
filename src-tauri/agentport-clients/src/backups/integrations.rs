//! Records which integrations consolidating a file added or used, so that a restore can remove them.
//!
//! An integration is recorded before it is created, so that one of a killed process is known too. It may be removed only
//! if its server is in the file again, which is decided by the server's fingerprint, since its name may have been reused.

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
    plan::{self, McpRemotePrograms, PlannedImport},
};

impl Backups {
    /// Records an integration that consolidating this file adds. `false`: it was recorded already, as added or used.
    pub async fn note_added(
        &self,
        path: &Path,
        import: &PlannedImport,
    ) -> Result<bool, BackupsError> {
        self.note(path, &import.id, Some(&import.fingerprint())).await
    }

    /// Records an existing integration that replaces a server of this file. As long as it does, restoring another file
    /// does not remove it. `false`: it was recorded already, as added or used.
    pub async fn note_used(&self, path: &Path, used: &IntegrationId) -> Result<bool, BackupsError> {
        self.note(path, used, None).await
    }

    /// Removes these records of this file.
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

    /// Those of them whose servers are in `content`, so that removing them loses nothing.
    pub async fn stand_in(
        &self,
        place: &Place,
        content: Option<&[u8]>,
    ) -> Result<BTreeSet<IntegrationId>, BackupsError> {
        // A file in which nothing can be read has nothing to show for them.
        let there: HashSet<String> = [McpRemotePrograms::None, McpRemotePrograms::All]
            .into_iter()
            .flat_map(|programs| plan::imports(place, content, programs).unwrap_or_default())
            .map(|server| server.fingerprint())
            .collect();
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

/// The file was restored and uses none of them any more. An integration it added passes to the next file that uses it,
/// so that restoring the last file removes it.
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
