//! The tables `approvals` and `approval_results`.
//!
//! A state changes only through [`Store::transition`], which names the state it starts from: of two who decide at
//! once, one is told that the other was faster. An approval whose arguments no longer have their hash is corrupt: what
//! runs is what the owner saw.

use std::time::Duration;

use agentport_core::{
    AccountId, AgentId, ApprovalId, IntegrationId, Timestamp,
    approval::{Approval, StateName},
    arguments::ArgumentsHash,
    tool::DefinitionDigest,
};
use sqlx::{QueryBuilder, Sqlite, sqlite::SqliteRow};

use super::{
    Columns, Result, Store, Transition, While as _,
    approval_states::{self, StateColumns},
    columns::to_json,
};

/// Longest time until a pending approval expires (bound of the setting `approval_expiry_minutes`). So one that was denied
/// lately is not much older, which lets the index on creation find it.
const MAX_PENDING: Duration = Duration::from_secs(24 * 3600);

/// Which approvals to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApprovalFilter {
    /// Any of these; empty: all.
    pub(crate) states: Vec<StateName>,
    pub(crate) agent: Option<AgentId>,
    pub(crate) limit: u32,
}

/// A request the owner denied, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DenialRow {
    pub(crate) id: ApprovalId,
    pub(crate) agent: AgentId,
    pub(crate) integration: IntegrationId,
    pub(crate) tool: String,
    pub(crate) at: Timestamp,
}

fn row(row: &SqliteRow) -> Result<Approval> {
    let columns = Columns::new("approvals", "id", row);
    let approval = Approval {
        id: ApprovalId(columns.uuid("id")?),
        agent: AgentId(columns.uuid("agent")?),
        integration: columns.word("integration", |word| IntegrationId::new(word).ok())?,
        account: columns.opt_uuid("account")?.map(AccountId),
        tool: columns.text("tool")?,
        digest: DefinitionDigest(columns.digest("digest")?),
        arguments: columns.json("arguments")?,
        asked_hash: ArgumentsHash(columns.digest("asked_hash")?),
        arguments_hash: ArgumentsHash(columns.digest("arguments_hash")?),
        additional_info: columns.opt_text("additional_info")?,
        created_at: columns.moment("created_at")?,
        expires_at: columns.moment("expires_at")?,
        state: approval_states::read(&columns)?,
    };
    if ArgumentsHash::of(&approval.arguments) != approval.arguments_hash {
        return Err(columns.corrupt("arguments: not those the hash was made of"));
    }
    Ok(approval)
}

impl Store {
    pub(crate) async fn insert_approval(&self, approval: &Approval) -> Result<()> {
        let state = StateColumns::of(&approval.state);
        sqlx::query(
            "INSERT INTO approvals (id, agent, integration, tool, digest, arguments, asked_hash, arguments_hash,
                                    additional_info, created_at, expires_at, state, decided_at, approved_at,
                                    granted, granted_until, audience, started_at, finished_at, outcome, reason,
                                    withdrawn_because, account)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(approval.id.0.as_bytes().as_slice())
        .bind(approval.agent.0.as_bytes().as_slice())
        .bind(approval.integration.as_str())
        .bind(&approval.tool)
        .bind(approval.digest.0.as_slice())
        .bind(to_json(&approval.arguments))
        .bind(approval.asked_hash.0.as_slice())
        .bind(approval.arguments_hash.0.as_slice())
        .bind(&approval.additional_info)
        .bind(approval.created_at.0)
        .bind(approval.expires_at.0)
        .bind(approval.state.name().as_str())
        .bind(state.decided_at)
        .bind(state.approved_at)
        .bind(state.granted)
        .bind(state.granted_until)
        .bind(state.audience)
        .bind(state.started_at)
        .bind(state.finished_at)
        .bind(state.outcome)
        .bind(state.reason)
        .bind(state.withdrawn_because)
        .bind(approval.account.as_ref().map(|id| id.0.as_bytes().as_slice()))
        .execute(self.writer())
        .await
        .map(drop)
        .doing("storing a request for approval")
    }

    pub(crate) async fn approval(&self, id: ApprovalId) -> Result<Option<Approval>> {
        sqlx::query("SELECT * FROM approvals WHERE id = ?")
            .bind(id.0.as_bytes().as_slice())
            .fetch_optional(self.readers())
            .await
            .doing("reading a request for approval")?
            .as_ref()
            .map(row)
            .transpose()
    }

    /// Newest first.
    pub(crate) async fn approvals(&self, filter: ApprovalFilter) -> Result<Vec<Approval>> {
        let mut select = QueryBuilder::<Sqlite>::new("SELECT * FROM approvals WHERE true");
        if !filter.states.is_empty() {
            select.push(" AND state IN (");
            let mut states = select.separated(", ");
            for state in &filter.states {
                states.push_bind(state.as_str());
            }
            select.push(")");
        }
        if let Some(agent) = &filter.agent {
            select.push(" AND agent = ").push_bind(agent.0.as_bytes().as_slice());
        }
        select.push(" ORDER BY created_at DESC, rowid DESC LIMIT ").push_bind(filter.limit);
        select
            .build()
            .fetch_all(self.readers())
            .await
            .doing("reading requests for approval")?
            .iter()
            .map(row)
            .collect()
    }

    /// Stores the new state (and with it arguments and expiry, which the owner may have changed) of an approval that
    /// still is in `from`. [`Transition::LostRace`]: it is not; another decision was faster, and nothing has changed.
    pub(crate) async fn transition(&self, new: &Approval, from: StateName) -> Result<Transition> {
        let state = StateColumns::of(&new.state);
        sqlx::query(
            "UPDATE approvals
             SET arguments = ?, arguments_hash = ?, expires_at = ?, state = ?, decided_at = ?, approved_at = ?,
                 granted = ?, granted_until = ?, audience = ?, started_at = ?, finished_at = ?, outcome = ?, reason = ?,
                 withdrawn_because = ?
             WHERE id = ? AND state = ?",
        )
        .bind(to_json(&new.arguments))
        .bind(new.arguments_hash.0.as_slice())
        .bind(new.expires_at.0)
        .bind(new.state.name().as_str())
        .bind(state.decided_at)
        .bind(state.approved_at)
        .bind(state.granted)
        .bind(state.granted_until)
        .bind(state.audience)
        .bind(state.started_at)
        .bind(state.finished_at)
        .bind(state.outcome)
        .bind(state.reason)
        .bind(state.withdrawn_because)
        .bind(new.id.0.as_bytes().as_slice())
        .bind(from.as_str())
        .execute(self.writer())
        .await
        .map(Transition::from_rows)
        .doing("changing the state of a request")
    }

    /// Those that may still come to something: pending, approved, running. Oldest first.
    pub(crate) async fn open_approvals(&self) -> Result<Vec<Approval>> {
        sqlx::query(
            "SELECT * FROM approvals WHERE state IN ('pending', 'approved', 'running')
             ORDER BY created_at, rowid",
        )
        .fetch_all(self.readers())
        .await
        .doing("reading the open requests")?
        .iter()
        .map(row)
        .collect()
    }

    /// Notes the agent's words where there are none yet. [`Transition::LostRace`]: there were, or there is no such approval.
    pub(crate) async fn set_additional_info(
        &self,
        id: ApprovalId,
        info: &str,
    ) -> Result<Transition> {
        sqlx::query(
            "UPDATE approvals SET additional_info = ? WHERE id = ? AND additional_info IS NULL",
        )
        .bind(info)
        .bind(id.0.as_bytes().as_slice())
        .execute(self.writer())
        .await
        .map(Transition::from_rows)
        .doing("noting what the agent says about a request")
    }

    /// Keeps the sealed result of an approved call until then.
    pub(crate) async fn put_result(
        &self,
        id: ApprovalId,
        sealed: &[u8],
        expires_at: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO approval_results (approval, sealed, expires_at) VALUES (?, ?, ?)
             ON CONFLICT (approval) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at",
        )
        .bind(id.0.as_bytes().as_slice())
        .bind(sealed)
        .bind(expires_at.0)
        .execute(self.writer())
        .await
        .map(drop)
        .doing("storing a result")
    }

    /// The sealed result, if there is one that has not expired.
    pub(crate) async fn result(&self, id: ApprovalId, now: Timestamp) -> Result<Option<Vec<u8>>> {
        sqlx::query_scalar(
            "SELECT sealed FROM approval_results WHERE approval = ? AND expires_at > ?",
        )
        .bind(id.0.as_bytes().as_slice())
        .bind(now.0)
        .fetch_optional(self.readers())
        .await
        .doing("reading a result")
    }

    /// Drops the results that have expired, and says how many those were.
    pub(crate) async fn delete_results(&self, now: Timestamp) -> Result<u64> {
        sqlx::query("DELETE FROM approval_results WHERE expires_at <= ?")
            .bind(now.0)
            .execute(self.writer())
            .await
            .map(|done| done.rows_affected())
            .doing("dropping expired results")
    }

    /// How many requests are in this state.
    pub(crate) async fn count_approvals(&self, state: StateName) -> Result<u32> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM approvals WHERE state = ?")
            .bind(state.as_str())
            .fetch_one(self.readers())
            .await
            .doing("counting requests")?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Forgets requests made before `moment` that are over.
    pub(crate) async fn delete_approvals_before(&self, moment: Timestamp) -> Result<u64> {
        sqlx::query(
            "DELETE FROM approvals
             WHERE created_at < ? AND state NOT IN ('pending', 'approved', 'running')",
        )
        .bind(moment.0)
        .execute(self.writer())
        .await
        .map(|done| done.rows_affected())
        .doing("forgetting old requests")
    }

    /// When the owner denied this tool to this agent, from `since` on, oldest first.
    pub(crate) async fn recent_denials(
        &self,
        agent: AgentId,
        integration: &IntegrationId,
        tool: &str,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>> {
        let moments: Vec<i64> = sqlx::query_scalar(
            "SELECT decided_at FROM approvals a
             WHERE agent = ? AND state = 'denied' AND decided_at >= ? AND integration = ? AND tool = ?
               AND decided_at > coalesce((SELECT at FROM denial_resets r WHERE r.agent = a.agent
                                          AND r.integration = a.integration AND r.tool = a.tool), -1)
             ORDER BY decided_at",
        )
        .bind(agent.0.as_bytes().as_slice())
        .bind(since.0)
        .bind(integration.as_str())
        .bind(tool)
        .fetch_all(self.readers())
        .await
        .doing("reading recent denials")?;
        Ok(moments.into_iter().map(Timestamp).collect())
    }

    /// When the owner denied any tool to any agent, from `since` on, oldest first.
    pub(crate) async fn all_recent_denials(&self, since: Timestamp) -> Result<Vec<DenialRow>> {
        sqlx::query(
            "SELECT a.id, a.agent, a.integration, a.tool, a.decided_at FROM approvals a
             LEFT JOIN denial_resets r
               ON r.agent = a.agent AND r.integration = a.integration AND r.tool = a.tool
             WHERE a.state = 'denied' AND a.created_at >= ? AND a.decided_at >= ? AND a.decided_at > coalesce(r.at, -1)
             ORDER BY a.decided_at, a.created_at, a.rowid",
        )
        .bind(since.minus(MAX_PENDING).0)
        .bind(since.0)
        .fetch_all(self.readers())
        .await
        .doing("reading recent denials")?
        .iter()
        .map(|found| {
            let columns = Columns::new("approvals", "id", found);
            Ok(DenialRow {
                id: ApprovalId(columns.uuid("id")?),
                agent: AgentId(columns.uuid("agent")?),
                integration: columns.word("integration", |word| IntegrationId::new(word).ok())?,
                tool: columns.text("tool")?,
                at: columns.moment("decided_at")?,
            })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
