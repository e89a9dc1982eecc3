//! The table `oauth_tokens`: hashes of access and refresh tokens.

use agentport_core::{AgentId, Timestamp, oauth_token::TokenHash};
use sqlx::SqliteConnection;

use super::{
    GrantId,
    grants::{self, Audience},
};
use crate::store::{Columns, Result, Store, While as _, commit};

/// Tokens of a grant that can be used; beyond, the oldest are removed. Refresh tokens that were used are kept, so that a
/// second use is noticed.
const MAX_TOKENS_PER_GRANT: u32 = 160;

/// An access token and, for a client that takes one, a refresh token, issued together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewTokens {
    pub(crate) access: TokenHash,
    pub(crate) access_expires_at: Timestamp,
    pub(crate) refresh: Option<(TokenHash, Timestamp)>,
    pub(crate) issued_at: Timestamp,
}

/// A token that has not expired, of a grant that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveTokenRow {
    /// `None` for a refresh token: it keeps its grant alive, and lets no request in.
    pub(crate) access: Option<TokenHash>,
    pub(crate) grant: GrantId,
    pub(crate) agent: AgentId,
    pub(crate) audience: Audience,
    pub(crate) expires_at: Timestamp,
}

/// A refresh token, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefreshTokenRow {
    pub(crate) grant: GrantId,
    pub(crate) agent: AgentId,
    pub(crate) client_id: String,
    pub(crate) audience: Audience,
    pub(crate) expires_at: Timestamp,
    /// When it was first used.
    pub(crate) rotated_at: Option<Timestamp>,
    /// Its grant has ended, or its agent is revoked.
    pub(crate) ended: bool,
}

impl Store {
    /// The tokens that are valid now.
    pub(crate) async fn live_oauth_tokens(&self, now: Timestamp) -> Result<Vec<LiveTokenRow>> {
        sqlx::query(
            "SELECT hash, kind = 'access' AS is_access, grant_id, agent, audience, oauth_tokens.expires_at AS expires_at FROM oauth_tokens
             JOIN oauth_grants ON oauth_grants.id = grant_id AND ended_at IS NULL
             JOIN agents ON agents.id = agent AND revoked_at IS NULL
             WHERE oauth_tokens.expires_at > ?",
        )
        .bind(now.0)
        .fetch_all(self.readers())
        .await
        .doing("reading the valid tokens")?
        .iter()
        .map(|row| {
            let columns = Columns::new("oauth_tokens", "hash", row);
            let hash = TokenHash(columns.digest("hash")?);
            Ok(LiveTokenRow {
                access: columns.flag("is_access")?.then_some(hash),
                grant: GrantId(columns.uuid("grant_id")?),
                agent: AgentId(columns.uuid("agent")?),
                audience: columns.word("audience", Audience::parse)?,
                expires_at: columns.moment("expires_at")?,
            })
        })
        .collect()
    }

    pub(crate) async fn oauth_refresh_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<RefreshTokenRow>> {
        let row = sqlx::query(
            "SELECT grant_id, agent, client_id, audience, oauth_tokens.expires_at AS expires_at, rotated_at,
                    ended_at IS NOT NULL OR revoked_at IS NOT NULL AS ended
             FROM oauth_tokens JOIN oauth_grants ON oauth_grants.id = grant_id JOIN agents ON agents.id = agent
             WHERE hash = ? AND kind = 'refresh'",
        )
        .bind(hash.0.as_slice())
        .fetch_optional(self.readers())
        .await
        .doing("reading a refresh token")?;
        let Some(row) = row else { return Ok(None) };
        let columns = Columns::new("oauth_tokens", "grant_id", &row);
        Ok(Some(RefreshTokenRow {
            grant: GrantId(columns.uuid("grant_id")?),
            agent: AgentId(columns.uuid("agent")?),
            client_id: columns.text("client_id")?,
            audience: columns.word("audience", Audience::parse)?,
            expires_at: columns.moment("expires_at")?,
            rotated_at: columns.opt_moment("rotated_at")?,
            ended: columns.flag("ended")?,
        }))
    }

    /// The grant and client of a token of either kind, for revoking it.
    pub(crate) async fn oauth_grant_of(
        &self,
        hash: TokenHash,
    ) -> Result<Option<(GrantId, AgentId, String)>> {
        let row = sqlx::query(
            "SELECT grant_id, agent, client_id FROM oauth_tokens
             JOIN oauth_grants ON oauth_grants.id = grant_id WHERE hash = ?",
        )
        .bind(hash.0.as_slice())
        .fetch_optional(self.readers())
        .await
        .doing("looking for a token's grant")?;
        let Some(row) = row else { return Ok(None) };
        let columns = Columns::new("oauth_tokens", "grant_id", &row);
        let grant = GrantId(columns.uuid("grant_id")?);
        Ok(Some((grant, AgentId(columns.uuid("agent")?), columns.text("client_id")?)))
    }

    /// How many refresh tokens a grant was given since then.
    pub(crate) async fn oauth_refreshes_since(
        &self,
        grant: GrantId,
        since: Timestamp,
    ) -> Result<u64> {
        let row = sqlx::query(
            "SELECT count(*) AS issued FROM oauth_tokens
             WHERE grant_id = ? AND kind = 'refresh' AND issued_at > ?",
        )
        .bind(grant.0.as_bytes().as_slice())
        .bind(since.0)
        .fetch_one(self.readers())
        .await
        .doing("counting a grant's renewals")?;
        Columns::new("oauth_tokens", "issued", &row).count("issued")
    }

    /// Replaces a refresh token by fresh tokens of the same grant. The first use is noted, later ones leave it as it is.
    pub(crate) async fn rotate_oauth_tokens(
        &self,
        used: TokenHash,
        grant: GrantId,
        tokens: &NewTokens,
    ) -> Result<()> {
        let mut transaction = self.transaction().await?;
        sqlx::query("UPDATE oauth_tokens SET rotated_at = coalesce(rotated_at, ?) WHERE hash = ?")
            .bind(tokens.issued_at.0)
            .bind(used.0.as_slice())
            .execute(&mut *transaction)
            .await
            .doing("noting a refresh token's use")?;
        insert(&mut transaction, grant, tokens).await?;
        grants::touch(&mut transaction, grant, tokens.issued_at).await?;
        commit(transaction).await
    }

    /// Removes tokens that expired before then. A refresh token that was used is kept until it expires, so that a
    /// second use is noticed.
    pub(crate) async fn delete_expired_oauth_tokens(&self, before: Timestamp) -> Result<u64> {
        sqlx::query("DELETE FROM oauth_tokens WHERE expires_at < ?")
            .bind(before.0)
            .execute(self.writer())
            .await
            .map(|done| done.rows_affected())
            .doing("removing expired tokens")
    }
}

/// Stores two tokens, and makes room for them.
pub(super) async fn insert(
    to: &mut SqliteConnection,
    grant: GrantId,
    tokens: &NewTokens,
) -> Result<()> {
    let access = Some((tokens.access, tokens.access_expires_at)).map(|token| ("access", token));
    let refresh = tokens.refresh.map(|token| ("refresh", token));
    for (kind, (hash, expires_at)) in access.into_iter().chain(refresh) {
        sqlx::query(
            "INSERT INTO oauth_tokens (hash, grant_id, kind, issued_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(hash.0.as_slice())
        .bind(grant.0.as_bytes().as_slice())
        .bind(kind)
        .bind(tokens.issued_at.0)
        .bind(expires_at.0)
        .execute(&mut *to)
        .await
        .doing("storing a token")?;
    }
    sqlx::query(
        "DELETE FROM oauth_tokens WHERE hash IN (
             SELECT hash FROM oauth_tokens WHERE grant_id = ? AND rotated_at IS NULL ORDER BY issued_at DESC, hash LIMIT -1 OFFSET ?)",
    )
    .bind(grant.0.as_bytes().as_slice())
    .bind(MAX_TOKENS_PER_GRANT)
    .execute(to)
    .await
    .map(drop)
    .doing("removing a grant's oldest tokens")
}
