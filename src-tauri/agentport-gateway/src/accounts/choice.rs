//! Which account a call uses: what was chosen for its agent, else for its profile, else the integration's default.

use std::{collections::HashMap, sync::Arc};

use agentport_api::ChosenAccounts;
use agentport_core::{AccountId, AgentId, IntegrationId, audit::AuditAction};

use super::{AccountError, Accounts, IntegrationAccount};
use crate::store::{ChosenAccountRow, ChosenFor, StoreError};

/// The choices of all integrations.
pub(super) type AccountChoices = HashMap<IntegrationId, HashMap<ChosenFor, AccountId>>;

/// Choices as they are stored.
pub(super) fn from_rows(rows: Vec<ChosenAccountRow>) -> AccountChoices {
    let mut all = AccountChoices::new();
    for ChosenAccountRow { integration, chosen_for, account } in rows {
        all.entry(integration).or_default().insert(chosen_for, account);
    }
    all
}

impl Accounts {
    /// The account a call of this agent uses. `None`: the integration has none.
    pub(crate) fn used_by(
        &self,
        integration: &IntegrationId,
        agent: AgentId,
        profile: &str,
    ) -> Option<IntegrationAccount> {
        let accounts = self.accounts.read();
        let of = || accounts.values().filter(|account| account.integration() == integration);
        of().next()?;
        let chosen = self.chosen(integration, agent, profile);
        let used = chosen.and_then(|id| of().find(|account| account.id() == id));
        used.or_else(|| of().find(|account| account.is_default())).cloned()
    }

    fn chosen(
        &self,
        integration: &IntegrationId,
        agent: AgentId,
        profile: &str,
    ) -> Option<AccountId> {
        let choices = self.choices.load();
        let of = choices.get(integration)?;
        let chosen = of.get(&ChosenFor::Agent(agent));
        chosen.or_else(|| of.get(&ChosenFor::Profile(profile.to_owned()))).copied()
    }

    /// What is chosen for an integration.
    pub(crate) fn choices_of(&self, integration: &IntegrationId) -> ChosenAccounts {
        let mut view = ChosenAccounts::default();
        for (chosen_for, account) in self.choices.load().get(integration).into_iter().flatten() {
            match chosen_for {
                ChosenFor::Agent(agent) => view.agents.insert(agent.to_string(), *account),
                ChosenFor::Profile(name) => view.profiles.insert(name.clone(), *account),
            };
        }
        view
    }

    /// Replaces what is chosen for an integration. It counts from the next call on; a request that waits keeps the
    /// account it is about.
    pub(crate) async fn choose(
        &self,
        integration: &IntegrationId,
        wanted: &ChosenAccounts,
    ) -> Result<(), AccountError> {
        let mut choices = Vec::new();
        for (agent, account) in &wanted.agents {
            let agent = agent.parse().map_err(|_| AccountError::UnknownAgent(agent.clone()))?;
            choices.push((ChosenFor::Agent(agent), *account));
        }
        for (profile, account) in &wanted.profiles {
            choices.push((ChosenFor::Profile(profile.clone()), *account));
        }
        let of = self.of(integration);
        let is_known = |id: AccountId| of.iter().any(|account| account.id() == id);
        if let Some((_, unknown)) = choices.iter().find(|(_, account)| !is_known(*account)) {
            return Err(AccountError::Unknown(*unknown));
        }
        self.services.store.put_chosen_accounts(integration, &choices).await?;
        self.reload_choices().await?;
        self.record(AuditAction::AccountChanged, integration, "chosen").await;
        self.changed();
        Ok(())
    }

    /// Reads the choices again: those of an account that is gone went with it.
    pub(super) async fn reload_choices(&self) -> Result<(), StoreError> {
        let rows = self.services.store.chosen_accounts().await?;
        self.choices.store(Arc::new(from_rows(rows)));
        Ok(())
    }
}
