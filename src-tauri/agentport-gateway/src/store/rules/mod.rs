//! The table `rules`: the owner's policy.

use agentport_core::{
    AgentId, ApprovalId, IntegrationId, RuleId, Timestamp,
    policy::{Mode, Origin, Rule, Scope},
    tool::DefinitionDigest,
};
use sqlx::{SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use super::{Columns, Result, Store, Transition, While as _, columns::to_json, commit, execute};

fn row(row: &SqliteRow) -> Result<Rule> {
    let columns = Columns::new("rules", "id", row);
    Ok(Rule {
        id: RuleId(columns.uuid("id")?),
        scope: scope(&columns)?,
        mode: columns.word("mode", Mode::parse)?,
        agent: columns.opt_uuid("agent")?.map(AgentId),
        conditions: columns.json("conditions")?,
        digest: columns.opt_digest("digest")?.map(DefinitionDigest),
        expires_at: columns.opt_moment("expires_at")?,
        session: columns.flag("session")?,
        origin: match columns.get("origin")? {
            "owner" => Origin::Owner,
            "approval" => Origin::Approval { id: ApprovalId(columns.uuid("origin_approval")?) },
            "builtin" => Origin::Builtin,
            other => return Err(columns.corrupt(format!("origin: unknown word {other:?}"))),
        },
        created_at: columns.moment("created_at")?,
    })
}

fn scope(columns: &Columns<'_>) -> Result<Scope> {
    let integration = || columns.word("integration", |word| IntegrationId::new(word).ok());
    Ok(match columns.get("scope")? {
        "tool" => Scope::Tool { integration: integration()?, tool: columns.text("tool")? },
        "category" => {
            Scope::Category { integration: integration()?, category: columns.text("category")? }
        }
        "read_only" => Scope::ReadOnly { integration: integration()? },
        "integration" => Scope::Integration { integration: integration()? },
        "non_destructive" => Scope::NonDestructive,
        "everything" => Scope::Everything,
        other => return Err(columns.corrupt(format!("scope: unknown word {other:?}"))),
    })
}

/// A scope as its columns: kind, integration, tool, category.
fn parts(scope: &Scope) -> (&'static str, Option<&str>, Option<&str>, Option<&str>) {
    match scope {
        Scope::Tool { integration, tool } => ("tool", Some(integration.as_str()), Some(tool), None),
        Scope::Category { integration, category } => {
            ("category", Some(integration.as_str()), None, Some(category))
        }
        Scope::ReadOnly { integration } => ("read_only", Some(integration.as_str()), None, None),
        Scope::Integration { integration } => {
            ("integration", Some(integration.as_str()), None, None)
        }
        Scope::NonDestructive => ("non_destructive", None, None, None),
        Scope::Everything => ("everything", None, None, None),
    }
}

pub(super) async fn insert(connection: &mut SqliteConnection, rule: &Rule) -> Result<()> {
    let (scope, integration, tool, category) = parts(&rule.scope);
    let (origin, approval) = match &rule.origin {
        Origin::Owner => ("owner", None),
        Origin::Approval { id } => ("approval", Some(id.0.as_bytes().as_slice())),
        Origin::Builtin => ("builtin", None),
    };
    sqlx::query(
        "INSERT INTO rules (id, scope, integration, tool, category, mode, agent, conditions, digest, expires_at,
                            session, origin, origin_approval, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(rule.id.0.as_bytes().as_slice())
    .bind(scope)
    .bind(integration)
    .bind(tool)
    .bind(category)
    .bind(rule.mode.as_str())
    .bind(rule.agent.as_ref().map(|agent| agent.0.as_bytes().as_slice()))
    .bind(to_json(&rule.conditions))
    .bind(rule.digest.as_ref().map(|digest| digest.0.as_slice()))
    .bind(rule.expires_at.map(|at| at.0))
    .bind(rule.session)
    .bind(origin)
    .bind(approval)
    .bind(rule.created_at.0)
    .execute(connection)
    .await
    .map(drop)
    .doing("storing a rule")
}

/// Deletes the rules of this scope and agent that have no conditions, and gives them back.
async fn clear(
    connection: &mut SqliteConnection,
    scope: &Scope,
    agent: Option<AgentId>,
) -> Result<Vec<Rule>> {
    let (scope, integration, tool, category) = parts(scope);
    sqlx::query(
        "DELETE FROM rules
         WHERE scope = ? AND integration IS ? AND tool IS ? AND category IS ? AND agent IS ?
           AND conditions = '[]'
         RETURNING *",
    )
    .bind(scope)
    .bind(integration)
    .bind(tool)
    .bind(category)
    .bind(agent.as_ref().map(|agent| agent.0.as_bytes().as_slice()))
    .fetch_all(connection)
    .await
    .doing("replacing a rule")?
    .iter()
    .map(row)
    .collect()
}

/// [`Transition::LostRace`]: no such rule.
pub(super) async fn delete(from: impl SqliteExecutor<'_>, id: RuleId) -> Result<Transition> {
    sqlx::query("DELETE FROM rules WHERE id = ?")
        .bind(id.0.as_bytes().as_slice())
        .execute(from)
        .await
        .map(Transition::from_rows)
        .doing("deleting a rule")
}

impl Store {
    /// Oldest first.
    pub(crate) async fn rules(&self) -> Result<Vec<Rule>> {
        sqlx::query("SELECT * FROM rules ORDER BY created_at, rowid")
            .fetch_all(self.readers())
            .await
            .doing("reading the rules")?
            .iter()
            .map(row)
            .collect()
    }

    pub(crate) async fn rule(&self, id: RuleId) -> Result<Option<Rule>> {
        sqlx::query("SELECT * FROM rules WHERE id = ?")
            .bind(id.0.as_bytes().as_slice())
            .fetch_optional(self.readers())
            .await
            .doing("reading a rule")?
            .as_ref()
            .map(row)
            .transpose()
    }

    pub(crate) async fn insert_rule(&self, rule: &Rule) -> Result<()> {
        let mut connection = self.writer().acquire().await.doing("storing a rule")?;
        insert(&mut connection, rule).await
    }

    /// [`Transition::LostRace`]: no such rule.
    pub(crate) async fn delete_rule(&self, id: RuleId) -> Result<Transition> {
        delete(self.writer(), id).await
    }

    /// Drops a rule and stores others instead. [`Transition::LostRace`]: there is no such rule, and nothing was stored.
    pub(crate) async fn swap_rule(&self, id: RuleId, instead: &[Rule]) -> Result<Transition> {
        let mut transaction = self.transaction().await?;
        if delete(&mut *transaction, id).await? == Transition::LostRace {
            return Ok(Transition::LostRace);
        }
        for rule in instead {
            insert(&mut transaction, rule).await?;
        }
        commit(transaction).await?;
        Ok(Transition::Applied)
    }

    /// Puts a rule in place of every other of the same scope and agent, wherever those came from, and gives those back.
    /// Rules with conditions stay: they say something else. One transaction, so there is no moment without a rule.
    pub(crate) async fn replace_tool_rule(&self, rule: &Rule) -> Result<Vec<Rule>> {
        let mut transaction = self.transaction().await?;
        let replaced = clear(&mut transaction, &rule.scope, rule.agent).await?;
        insert(&mut transaction, rule).await?;
        commit(transaction).await?;
        Ok(replaced)
    }

    /// The same for what every agent may do with a category. Without a rule there is none afterwards.
    pub(crate) async fn replace_category_rule(
        &self,
        scope: &Scope,
        rule: Option<&Rule>,
    ) -> Result<Vec<Rule>> {
        let mut transaction = self.transaction().await?;
        let replaced = clear(&mut transaction, scope, None).await?;
        if let Some(rule) = rule {
            insert(&mut transaction, rule).await?;
        }
        commit(transaction).await?;
        Ok(replaced)
    }

    /// Drops the rules that lived for a session.
    pub(crate) async fn delete_session_rules(&self) -> Result<u64> {
        let doing = "dropping the rules of past sessions";
        let mut connection = self.writer().acquire().await.doing(doing)?;
        execute(&mut connection, "DELETE FROM rules WHERE session = 1", doing).await
    }

    /// Drops the rules whose time is over, and says how many those were.
    pub(crate) async fn delete_expired_rules(&self, now: Timestamp) -> Result<u64> {
        sqlx::query("DELETE FROM rules WHERE expires_at <= ?")
            .bind(now.0)
            .execute(self.writer())
            .await
            .map(|done| done.rows_affected())
            .doing("dropping expired rules")
    }
}

#[cfg(test)]
mod tests;
