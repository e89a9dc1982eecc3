//! The table `oauth_grants`: one row per consent that was made use of.

use agentport_core::{AgentId, Timestamp};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::tokens::{self, NewTokens};
use crate::store::{
    AgentRow, Columns, InsertError, Result, Store, Transition, While as _, agents, commit,
};

/// One family of tokens (RFC 9700, section 4.14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GrantId(pub(crate) Uuid);

/// Where tokens may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    /// The gateway on loopback, by any of its names.
    Loopback,
    /// The gateway behind its external URL.
    External,
}

impl Audience {
    const ALL: [Self; 2] = [Self::Loopback, Self::External];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::External => "external",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.as_str() == word)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrantRow {
    pub(crate) id: GrantId,
    pub(crate) agent: AgentId,
    pub(crate) client_id: String,
    /// Where the code was sent.
    pub(crate) redirect_uri: String,
    pub(crate) audience: Audience,
    pub(crate) granted_at: Timestamp,
    pub(crate) refreshed_at: Option<Timestamp>,
    /// Revoked by the client or the owner, or ended because a token was used again.
    pub(crate) ended_at: Option<Timestamp>,
    /// When its last token ends; absent where none is left.
    pub(crate) expires_at: Option<Timestamp>,
}

fn read(row: &SqliteRow) -> Result<GrantRow> {
    let columns = Columns::new("oauth_grants", "id", row);
    Ok(GrantRow {
        id: GrantId(columns.uuid("id")?),
        agent: AgentId(columns.uuid("agent")?),
        client_id: columns.text("client_id")?,
        redirect_uri: columns.text("redirect_uri")?,
        audience: columns.word("audience", Audience::parse)?,
        granted_at: columns.moment("granted_at")?,
        refreshed_at: columns.opt_moment("refreshed_at")?,
        ended_at: columns.opt_moment("ended_at")?,
        expires_at: columns.opt_moment("expires_at")?,
    })
}

impl Store {
    /// Every grant that is kept, the newest first.
    pub(crate) async fn oauth_grants(&self) -> Result<Vec<GrantRow>> {
        sqlx::query(
            "SELECT oauth_grants.*, (SELECT max(expires_at) FROM oauth_tokens
                                     WHERE grant_id = oauth_grants.id AND rotated_at IS NULL) AS expires_at
             FROM oauth_grants ORDER BY granted_at DESC, id",
        )
            .fetch_all(self.readers())
            .await
            .doing("reading the grants of OAuth clients")?
            .iter()
            .map(read)
            .collect()
    }

    /// Stores a grant with its first tokens, and its agent if that is a new one. All or nothing.
    pub(crate) async fn insert_oauth_grant(
        &self,
        grant: &GrantRow,
        new_agent: Option<&AgentRow>,
        tokens: &NewTokens,
    ) -> std::result::Result<(), InsertError> {
        const DOING: &str = "storing a grant";
        let mut transaction = self.transaction().await?;
        if let Some(agent) = new_agent {
            agents::insert(&mut *transaction, agent, agents::no_key()).await?;
        }
        sqlx::query(
            "INSERT INTO oauth_grants (id, agent, client_id, redirect_uri, audience, granted_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(grant.id.0.as_bytes().as_slice())
        .bind(grant.agent.0.as_bytes().as_slice())
        .bind(&grant.client_id)
        .bind(&grant.redirect_uri)
        .bind(grant.audience.as_str())
        .bind(grant.granted_at.0)
        .execute(&mut *transaction)
        .await
        .doing(DOING)?;
        sqlx::query("UPDATE oauth_clients SET used_at = coalesce(used_at, ?) WHERE client_id = ?")
            .bind(grant.granted_at.0)
            .bind(&grant.client_id)
            .execute(&mut *transaction)
            .await
            .doing(DOING)?;
        tokens::insert(&mut transaction, grant.id, tokens).await?;
        commit(transaction).await?;
        Ok(())
    }

    /// Ends a grant: none of its tokens is accepted any more. [`Transition::LostRace`]: it had ended.
    pub(crate) async fn end_oauth_grant(&self, id: GrantId, at: Timestamp) -> Result<Transition> {
        sqlx::query("UPDATE oauth_grants SET ended_at = ? WHERE id = ? AND ended_at IS NULL")
            .bind(at.0)
            .bind(id.0.as_bytes().as_slice())
            .execute(self.writer())
            .await
            .map(Transition::from_rows)
            .doing("ending a grant")
    }

    /// Ends the oldest grants of an agent beyond so many.
    pub(crate) async fn end_oldest_oauth_grants(
        &self,
        agent: AgentId,
        most: u32,
        at: Timestamp,
    ) -> Result<u64> {
        sqlx::query(
            "UPDATE oauth_grants SET ended_at = ?1 WHERE id IN (
                 SELECT id FROM oauth_grants WHERE agent = ?2 AND ended_at IS NULL
                 ORDER BY coalesce(refreshed_at, granted_at) DESC, id LIMIT -1 OFFSET ?3)",
        )
        .bind(at.0)
        .bind(agent.0.as_bytes().as_slice())
        .bind(most)
        .execute(self.writer())
        .await
        .map(|done| done.rows_affected())
        .doing("ending an agent's oldest grants")
    }

    /// Removes grants that have ended or expired before then, but for the newest of each agent, which says how it came.
    pub(crate) async fn delete_old_oauth_grants(&self, before: Timestamp) -> Result<u64> {
        sqlx::query(
            "DELETE FROM oauth_grants WHERE granted_at < ?1
               AND (ended_at < ?1 OR NOT EXISTS (SELECT 1 FROM oauth_tokens WHERE grant_id = oauth_grants.id))
               AND EXISTS (SELECT 1 FROM oauth_grants AS newer WHERE newer.agent = oauth_grants.agent
                             AND newer.granted_at > oauth_grants.granted_at)",
        )
        .bind(before.0)
        .execute(self.writer())
        .await
        .map(|done| done.rows_affected())
        .doing("removing old grants")
    }
}

/// Notes when a grant was renewed last.
pub(super) async fn touch(to: &mut SqliteConnection, id: GrantId, at: Timestamp) -> Result<()> {
    sqlx::query("UPDATE oauth_grants SET refreshed_at = ? WHERE id = ?")
        .bind(at.0)
        .bind(id.0.as_bytes().as_slice())
        .execute(to)
        .await
        .map(drop)
        .doing("noting a grant's renewal")
}
