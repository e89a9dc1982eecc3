//! The table `sessions`: MCP sessions of revisions before 2026-07-28, so that they outlive a restart.

use agentport_core::{AgentId, Timestamp};
use sqlx::sqlite::SqliteRow;

use super::{Columns, Result, Store, Transition, While as _, commit};

/// A session, by the `Mcp-Session-Id` given to its agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) agent: AgentId,
    pub(crate) state_json: String,
    pub(crate) created_at: Timestamp,
    pub(crate) used_at: Timestamp,
}

/// A moment that has been noted is never taken back.
const TOUCH: &str = "UPDATE sessions SET used_at = max(used_at, ?) WHERE id = ?";

fn row(row: &SqliteRow) -> Result<SessionRow> {
    // An id is as good as a secret, so a corrupt row is named by its moment.
    let columns = Columns::new("sessions", "created_at", row);
    Ok(SessionRow {
        id: columns.text("id")?,
        agent: AgentId(columns.uuid("agent")?),
        state_json: columns.text("state")?,
        created_at: columns.moment("created_at")?,
        used_at: columns.moment("used_at")?,
    })
}

impl Store {
    /// Stores a session in place of the one of that id.
    pub(crate) async fn put_session(&self, session: &SessionRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO sessions (id, agent, state, created_at, used_at) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE
             SET agent = excluded.agent, state = excluded.state, used_at = excluded.used_at",
        )
        .bind(&session.id)
        .bind(session.agent.0.as_bytes().as_slice())
        .bind(&session.state_json)
        .bind(session.created_at.0)
        .bind(session.used_at.0)
        .execute(self.writer())
        .await
        .map(drop)
        .doing("storing a session")
    }

    pub(crate) async fn session(&self, id: &str) -> Result<Option<SessionRow>> {
        sqlx::query("SELECT * FROM sessions WHERE id = ?")
            .bind(id)
            .fetch_optional(self.readers())
            .await
            .doing("reading a session")?
            .as_ref()
            .map(row)
            .transpose()
    }

    /// Most recently used first.
    pub(crate) async fn sessions(&self) -> Result<Vec<SessionRow>> {
        sqlx::query("SELECT * FROM sessions ORDER BY used_at DESC, rowid DESC")
            .fetch_all(self.readers())
            .await
            .doing("reading the sessions")?
            .iter()
            .map(row)
            .collect()
    }

    /// [`Transition::LostRace`]: no such session.
    pub(crate) async fn touch_session(&self, id: &str, at: Timestamp) -> Result<Transition> {
        sqlx::query(TOUCH)
            .bind(at.0)
            .bind(id)
            .execute(self.writer())
            .await
            .map(Transition::from_rows)
            .doing("noting that a session was used")
    }

    /// Notes when each of these was used last. Those that are gone stay gone.
    pub(crate) async fn touch_sessions(&self, used: &[(String, Timestamp)]) -> Result<()> {
        let mut transaction = self.transaction().await?;
        for (id, at) in used {
            sqlx::query(TOUCH)
                .bind(at.0)
                .bind(id)
                .execute(&mut *transaction)
                .await
                .doing("noting when sessions were used")?;
        }
        commit(transaction).await
    }

    /// [`Transition::LostRace`]: no such session.
    pub(crate) async fn delete_session(&self, id: &str) -> Result<Transition> {
        sqlx::query("DELETE FROM sessions WHERE id = ?")
            .bind(id)
            .execute(self.writer())
            .await
            .map(Transition::from_rows)
            .doing("deleting a session")
    }

    /// Keeps so many sessions, of one agent or of all, drops those used longest ago, and says how many those were.
    ///
    /// The `live` ones count, are taken for the ones used last, and are never dropped.
    pub(crate) async fn delete_sessions_beyond(
        &self,
        keep: u32,
        of: Option<AgentId>,
        live: &[String],
    ) -> Result<u64> {
        sqlx::query(
            "WITH live (id) AS (SELECT value FROM json_each(?1))
             DELETE FROM sessions WHERE id NOT IN live AND id IN
             (SELECT id FROM sessions WHERE ?2 IS NULL OR agent = ?2
              ORDER BY id IN live DESC, used_at DESC, rowid DESC LIMIT -1 OFFSET ?3)",
        )
        .bind(serde_json::Value::from(live).to_string())
        .bind(of.map(|agent| agent.0.as_bytes().to_vec()))
        .bind(keep)
        .execute(self.writer())
        .await
        .map(|done| done.rows_affected())
        .doing("dropping old sessions")
    }
}

#[cfg(test)]
mod tests;
