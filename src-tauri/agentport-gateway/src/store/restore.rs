//! Storing what a backup holds, all of it or nothing.

use agentport_api::Settings;
use agentport_core::{IntegrationId, key::KeyHash, policy::Rule, profile::Profile};

use super::{
    AgentRow, InsertError, IntegrationRow, Store, Transition, agents, commit, integrations,
    profiles, rules, settings,
};

/// What is to be stored. What is not in it stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    pub(crate) settings: Option<Settings>,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) new_agents: Vec<(AgentRow, KeyHash)>,
    /// Of these the profile and the end count.
    pub(crate) agents: Vec<AgentRow>,
    pub(crate) integrations: Vec<IntegrationRow>,
    /// Those among them that are reached in another way than before: the secrets they had are for elsewhere.
    pub(crate) reconnected: Vec<IntegrationId>,
    /// Each in place of the one of its id.
    pub(crate) rules: Vec<Rule>,
}

impl Store {
    pub(crate) async fn restore(&self, restored: &Restored) -> Result<(), InsertError> {
        let mut transaction = self.transaction().await?;
        if let Some(settings) = &restored.settings {
            settings::put_settings(&mut *transaction, settings).await?;
        }
        for profile in &restored.profiles {
            profiles::put(&mut *transaction, profile).await?;
        }
        for (agent, key) in &restored.new_agents {
            agents::insert(&mut *transaction, agent, *key).await?;
        }
        for agent in &restored.agents {
            agents::update(&mut *transaction, agent).await?;
        }
        for id in &restored.reconnected {
            integrations::forget_connection(&mut transaction, id).await?;
        }
        for integration in &restored.integrations {
            let updated = integrations::update(&mut *transaction, integration).await?;
            if updated == Transition::LostRace {
                // The transaction holds the writer, so the id is free.
                let _ = integrations::insert(&mut *transaction, integration).await?;
            }
        }
        for rule in &restored.rules {
            // A rule that is new is not there to be deleted.
            let _ = rules::delete(&mut *transaction, rule.id).await?;
            rules::insert(&mut transaction, rule).await?;
        }
        Ok(commit(transaction).await?)
    }
}

#[cfg(test)]
mod tests {
    use agentport_core::{
        RuleId, Timestamp,
        policy::{Mode, Origin, Scope},
    };
    use uuid::Uuid;

    use super::*;
    use crate::store::testing::{agent, store};

    #[tokio::test]
    async fn all_of_it_or_nothing() {
        let store = store().await;
        store.add_agent("taken").await;
        let rule = Rule {
            id: RuleId(Uuid::now_v7()),
            scope: Scope::Everything,
            mode: Mode::Deny,
            agent: None,
            conditions: Vec::new(),
            digest: None,
            expires_at: None,
            session: false,
            origin: Origin::Owner,
            created_at: Timestamp(1),
        };
        let settings = Settings { port: 5_000, ..Settings::default() };
        let mut restored = Restored {
            settings: Some(settings.clone()),
            new_agents: vec![(agent("free"), KeyHash([1; 32])), (agent("taken"), KeyHash([2; 32]))],
            rules: vec![rule.clone()],
            ..Restored::default()
        };
        assert!(matches!(store.restore(&restored).await, Err(InsertError::NameTaken(_))));
        assert_eq!(store.settings().await.unwrap(), Settings::default());
        assert_eq!(store.agents().await.unwrap().len(), 1);
        restored.new_agents.pop();
        store.restore(&restored).await.unwrap();
        assert_eq!(store.settings().await.unwrap(), settings);
        assert_eq!(store.agents().await.unwrap().len(), 2);
        restored.new_agents.clear();
        restored.rules[0].mode = Mode::Allow;
        store.restore(&restored).await.unwrap();
        assert_eq!(store.rules().await.unwrap(), restored.rules, "in place of the one before");
    }
}
