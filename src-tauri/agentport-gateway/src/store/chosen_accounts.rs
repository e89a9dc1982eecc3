//! The table `chosen_accounts`: which account an agent, or a profile, uses in place of an integration's default.

use agentport_core::{AccountId, AgentId, IntegrationId};

use super::{Columns, Result, Store, While as _, commit};

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChosenAccountRow {
    pub(crate) integration: IntegrationId,
    pub(crate) chosen_for: ChosenFor,
    pub(crate) account: AccountId,
}

/// Whose choice it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ChosenFor {
    Agent(AgentId),
    Profile(String),
}

impl Store {
    pub(crate) async fn chosen_accounts(&self) -> Result<Vec<ChosenAccountRow>> {
        sqlx::query("SELECT * FROM chosen_accounts")
            .fetch_all(self.readers())
            .await
            .doing("reading the chosen accounts")?
            .iter()
            .map(|row| {
                let columns = Columns::new("chosen_accounts", "integration", row);
                let chosen_for = match columns.opt_uuid("agent")? {
                    Some(agent) => ChosenFor::Agent(AgentId(agent)),
                    None => ChosenFor::Profile(columns.text("profile")?),
                };
                Ok(ChosenAccountRow {
                    integration: columns
                        .word("integration", |word| IntegrationId::new(word).ok())?,
                    chosen_for,
                    account: AccountId(columns.uuid("account")?),
                })
            })
            .collect()
    }

    /// Replaces all choices of an integration. Its accounts must exist.
    pub(crate) async fn put_chosen_accounts(
        &self,
        integration: &IntegrationId,
        choices: &[(ChosenFor, AccountId)],
    ) -> Result<()> {
        const DOING: &str = "storing the chosen accounts";
        let mut transaction = self.transaction().await?;
        sqlx::query("DELETE FROM chosen_accounts WHERE integration = ?")
            .bind(integration.as_str())
            .execute(&mut *transaction)
            .await
            .doing(DOING)?;
        for (chosen_for, account) in choices {
            let (agent, profile) = match chosen_for {
                ChosenFor::Agent(agent) => (Some(agent.0.as_bytes().as_slice()), None),
                ChosenFor::Profile(profile) => (None, Some(profile)),
            };
            sqlx::query(
                "INSERT INTO chosen_accounts (integration, agent, profile, account) VALUES (?, ?, ?, ?)",
            )
            .bind(integration.as_str())
            .bind(agent)
            .bind(profile)
            .bind(account.0.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await
            .doing(DOING)?;
        }
        commit(transaction).await
    }
}
