//! The table `agents`: who has been let in, by the hash of the key.

use std::collections::{HashMap, HashSet};

use agentport_core::{AgentId, Timestamp, key::KeyHash};
use sqlx::{QueryBuilder, Sqlite, SqliteExecutor, sqlite::SqliteRow};

use super::{Columns, Result, Store, StoreError, Transition, While as _, commit};

/// Names read by one query; SQLite bounds the parameters of one.
const MAX_NAMES_PER_QUERY: usize = 500;

/// An agent. Its key's hash is deliberately not in here: rows are shown and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentRow {
    pub(crate) id: AgentId,
    /// Unique among the agents that are not revoked.
    pub(crate) name: String,
    /// The key's first characters, by which people know it; empty without a key.
    pub(crate) key_prefix: String,
    pub(crate) profile: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    /// What the agent says it is. Unverified.
    pub(crate) client: Option<String>,
}

/// Why an agent was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InsertError {
    #[error("there is an agent named {0:?} already; revoke its key first, or choose another name")]
    NameTaken(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn row(row: &SqliteRow) -> Result<AgentRow> {
    let columns = Columns::new("agents", "id", row);
    Ok(AgentRow {
        id: AgentId(columns.uuid("id")?),
        name: columns.text("name")?,
        key_prefix: columns.text("key_prefix")?,
        profile: columns.opt_text("profile")?,
        created_at: columns.moment("created_at")?,
        expires_at: columns.opt_moment("expires_at")?,
        revoked_at: columns.opt_moment("revoked_at")?,
        last_used_at: columns.opt_moment("last_used_at")?,
        client: columns.opt_text("client")?,
    })
}

impl Store {
    pub(crate) async fn insert_agent(
        &self,
        agent: &AgentRow,
        key: KeyHash,
    ) -> std::result::Result<(), InsertError> {
        insert(self.writer(), agent, key).await
    }

    /// Every agent, revoked ones as well, oldest first.
    pub(crate) async fn agents(&self) -> Result<Vec<AgentRow>> {
        sqlx::query("SELECT * FROM agents ORDER BY created_at, id")
            .fetch_all(self.readers())
            .await
            .doing("reading the agents")?
            .iter()
            .map(row)
            .collect()
    }

    pub(crate) async fn agent(&self, id: AgentId) -> Result<Option<AgentRow>> {
        sqlx::query("SELECT * FROM agents WHERE id = ?")
            .bind(id.0.as_bytes().as_slice())
            .fetch_optional(self.readers())
            .await
            .doing("reading an agent")?
            .as_ref()
            .map(row)
            .transpose()
    }

    /// Names of these agents, revoked ones too. Reads the rows of these only, however many keys were ever made.
    pub(crate) async fn agent_names(
        &self,
        ids: impl IntoIterator<Item = AgentId>,
    ) -> Result<HashMap<AgentId, String>> {
        let ids: Vec<AgentId> = ids.into_iter().collect::<HashSet<_>>().into_iter().collect();
        let mut names = HashMap::with_capacity(ids.len());
        for some in ids.chunks(MAX_NAMES_PER_QUERY) {
            let mut select =
                QueryBuilder::<Sqlite>::new("SELECT id, name FROM agents WHERE id IN (");
            let mut wanted = select.separated(", ");
            for id in some {
                wanted.push_bind(id.0.as_bytes().as_slice());
            }
            select.push(")");
            let rows = select.build().fetch_all(self.readers()).await;
            for row in rows.doing("reading the names of agents")? {
                let columns = Columns::new("agents", "id", &row);
                names.insert(AgentId(columns.uuid("id")?), columns.text("name")?);
            }
        }
        Ok(names)
    }

    /// The keys that may be accepted (not revoked; expiry is for the caller to see to).
    pub(crate) async fn agent_hashes(&self) -> Result<Vec<(KeyHash, AgentRow)>> {
        sqlx::query("SELECT * FROM agents WHERE revoked_at IS NULL")
            .fetch_all(self.readers())
            .await
            .doing("reading the agents' keys")?
            .iter()
            .map(|found| {
                let hash = Columns::new("agents", "id", found).digest("key_hash")?;
                Ok((KeyHash(hash), row(found)?))
            })
            .collect()
    }

    /// Ends its sign-ins too. [`Transition::LostRace`]: unknown, or revoked before.
    pub(crate) async fn revoke_agent(&self, id: AgentId, at: Timestamp) -> Result<Transition> {
        const DOING: &str = "revoking an agent";
        let mut transaction = self.transaction().await?;
        let revoked =
            sqlx::query("UPDATE agents SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
                .bind(at.0)
                .bind(id.0.as_bytes().as_slice())
                .execute(&mut *transaction)
                .await
                .map(Transition::from_rows)
                .doing(DOING)?;
        sqlx::query("UPDATE oauth_grants SET ended_at = ? WHERE agent = ? AND ended_at IS NULL")
            .bind(at.0)
            .bind(id.0.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await
            .doing(DOING)?;
        commit(transaction).await?;
        Ok(revoked)
    }

    /// Notes when agents were last seen, and what they said they are (kept where `None`). One transaction.
    pub(crate) async fn touch_agents(
        &self,
        seen: &[(AgentId, Timestamp, Option<String>)],
    ) -> Result<()> {
        let mut transaction = self.transaction().await?;
        for (id, at, client) in seen {
            sqlx::query(
                "UPDATE agents
                 SET last_used_at = max(coalesce(last_used_at, ?1), ?1), client = coalesce(?2, client)
                 WHERE id = ?3",
            )
            .bind(at.0)
            .bind(client)
            .bind(id.0.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await
            .doing("noting when agents were seen")?;
        }
        commit(transaction).await
    }

    /// Gives an agent another name.
    pub(crate) async fn rename_agent(
        &self,
        id: AgentId,
        name: &str,
    ) -> std::result::Result<(), InsertError> {
        let taken = || InsertError::NameTaken(name.to_owned());
        sqlx::query("UPDATE OR IGNORE agents SET name = ? WHERE id = ?")
            .bind(name)
            .bind(id.0.as_bytes().as_slice())
            .execute(self.writer())
            .await
            .map(Transition::from_rows)
            .doing("renaming an agent")
            .map_err(InsertError::from)
            .and_then(|renamed| renamed.is_applied().then_some(()).ok_or_else(taken))
    }

    /// [`Transition::LostRace`]: no such agent.
    pub(crate) async fn set_agent_profile(
        &self,
        id: AgentId,
        profile: Option<&str>,
    ) -> Result<Transition> {
        sqlx::query("UPDATE agents SET profile = ? WHERE id = ?")
            .bind(profile)
            .bind(id.0.as_bytes().as_slice())
            .execute(self.writer())
            .await
            .map(Transition::from_rows)
            .doing("changing an agent's profile")
    }
}

/// In place of a key's hash, for an agent that has no key: no key has it.
pub(super) fn no_key() -> KeyHash {
    KeyHash(rand::random())
}

pub(super) async fn insert(
    to: impl SqliteExecutor<'_>,
    agent: &AgentRow,
    key: KeyHash,
) -> std::result::Result<(), InsertError> {
    let done = sqlx::query(
        "INSERT INTO agents (id, name, key_hash, key_prefix, profile, created_at, expires_at, revoked_at,
                             last_used_at, client)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING",
    )
    .bind(agent.id.0.as_bytes().as_slice())
    .bind(&agent.name)
    .bind(key.0.as_slice())
    .bind(&agent.key_prefix)
    .bind(&agent.profile)
    .bind(agent.created_at.0)
    .bind(agent.expires_at.map(|at| at.0))
    .bind(agent.revoked_at.map(|at| at.0))
    .bind(agent.last_used_at.map(|at| at.0))
    .bind(&agent.client)
    .execute(to)
    .await
    .doing("storing an agent")?;
    match done.rows_affected() {
        0 => Err(InsertError::NameTaken(agent.name.clone())),
        _ => Ok(()),
    }
}

/// Sets what of an agent can be changed: its profile, and when its key expires.
pub(super) async fn update(to: impl SqliteExecutor<'_>, agent: &AgentRow) -> Result<()> {
    sqlx::query("UPDATE agents SET profile = ?, expires_at = ? WHERE id = ?")
        .bind(&agent.profile)
        .bind(agent.expires_at.map(|at| at.0))
        .bind(agent.id.0.as_bytes().as_slice())
        .execute(to)
        .await
        .map(drop)
        .doing("changing an agent")
}

#[cfg(test)]
mod tests;
