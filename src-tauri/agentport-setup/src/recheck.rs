//! Checks that a plan still fits the gateway's integrations and keys, right before it is applied.
//!
//! A plan takes servers out of a file because the gateway has them, and leaves an entry because its key is valid. Where
//! that no longer holds, nothing is done.
//!
//! Deliberately absent: a lock on the gateway meanwhile. A change by another window of the owner in the milliseconds after
//! the check is shown there.

use agentport_api::{IntegrationView, KeyView, paths};
use agentport_clients::{
    atomic_write,
    plan::PlannedImport,
    types::{Choice, PlanAction},
};
use agentport_core::{AgentId, IntegrationId};

use crate::{
    control::ControlApi,
    entries::{self, EntryInFile, KnownAgents},
    error::SetupError,
    installation::Installation,
    integrations::{self, SameIntegration},
    keys::EntryKey,
    prepare::PreparedPlan,
};

/// What has changed in the gateway since the plan was made.
#[derive(Debug, thiserror::Error)]
pub enum StalePlan {
    #[error(
        "the integration {0} was removed or has changed since the plan was made; make a new one"
    )]
    Gone(IntegrationId),
    #[error("the id {0} was taken by another integration since the plan was made; make a new one")]
    Taken(IntegrationId),
    #[error(
        "the integration {0} has come into use elsewhere since the plan was made; make a new one"
    )]
    Used(IntegrationId),
    #[error("the name {0} was taken by another agent since the plan was made; make a new one")]
    Name(String),
    #[error("the key of the entry was revoked or replaced since the plan was made; make a new one")]
    Key,
}

impl Installation {
    /// Does the gateway still have what the plan relies on?
    pub(crate) async fn check_gateway(
        &self,
        control: &ControlApi,
        prepared: &PreparedPlan,
    ) -> Result<(), SetupError> {
        self.check_imports(control, prepared).await?;
        self.check_removed(prepared).await?;
        let keys: Vec<KeyView> = control.list(paths::KEYS).await?;
        self.check_key(prepared, &self.agents(Some(keys)))
    }

    async fn check_imports(
        &self,
        control: &ControlApi,
        prepared: &PreparedPlan,
    ) -> Result<(), SetupError> {
        let imports = &prepared.plan.imports;
        if imports.is_empty() {
            return Ok(());
        }
        let installed: Vec<IntegrationView> = control.list(paths::INTEGRATIONS).await?;
        let is_there = |id: &IntegrationId| installed.iter().any(|view| view.id == *id);
        for import in imports {
            match &import.merged {
                None if is_there(&import.id) => {
                    return Err(StalePlan::Taken(import.id.clone()).into());
                }
                None => {}
                Some(id) if !is_there(id) => return Err(StalePlan::Gone(id.clone()).into()),
                // The owner chose the existing one, whatever it is.
                Some(_) if uses_existing(prepared, import) => {}
                Some(id) => match integrations::compare(control, import).await? {
                    SameIntegration::Same(same) if same == *id => {}
                    SameIntegration::Same(_)
                    | SameIntegration::Different
                    | SameIntegration::Unusable(_) => {
                        return Err(StalePlan::Gone(id.clone()).into());
                    }
                },
            }
        }
        Ok(())
    }

    /// Do the integrations to be removed still belong to this file alone?
    async fn check_removed(&self, prepared: &PreparedPlan) -> Result<(), SetupError> {
        if prepared.removes.is_empty() {
            return Ok(());
        }
        let added = self.backups().await?.added_by(&prepared.plan.place.path).await?;
        match prepared.removes.iter().find(|id| !added.contains(id)) {
            Some(id) => Err(StalePlan::Used(id.clone()).into()),
            None => Ok(()),
        }
    }

    /// Does the entry still belong to the same agent, and is the key it will hold valid?
    fn check_key(&self, prepared: &PreparedPlan, agents: &KnownAgents) -> Result<(), SetupError> {
        let place = &prepared.plan.place;
        let now = atomic_write::read(&place.path)
            .map_err(|source| SetupError::Read { path: place.path.clone(), source })?;
        let servers = entries::servers(place, now.as_deref()).unwrap_or_default();
        let entry = EntryInFile::find(self, &servers);
        let own = entry.as_ref().and_then(|entry| agents.its_own(place, entry));
        let own: Option<AgentId> = own.map(|key| key.id);
        let revokes = prepared.revokes.as_ref().map(|agent| agent.id);
        // A bridge's key can be replaced without a change of the client's file: the agent that has it by now would be lost.
        let is_other_agent = own.is_some() && own != revokes;
        let holds = match &prepared.key {
            EntryKey::Kept { key, .. } => agents.is_in_force(key),
            EntryKey::New(wants) => {
                if agents.free_name(&wants.agent) != wants.agent {
                    return Err(StalePlan::Name(wants.agent.clone()).into());
                }
                !is_other_agent
            }
            EntryKey::SignIn(wants) => {
                let stays = |entry: EntryInFile| entry.signs_in() && entry.ours.via == wants.via;
                !is_other_agent || entry.is_some_and(stays)
            }
            EntryKey::None => match prepared.plan.what {
                PlanAction::Connect | PlanAction::Consolidate => {
                    entry.is_none_or(|entry| agents.admits(place, &entry))
                }
                PlanAction::Disconnect | PlanAction::Restore => {
                    let ends = revokes.is_some() || prepared.drops_bridge.is_some();
                    !(ends && is_other_agent)
                }
            },
        };
        if holds { Ok(()) } else { Err(StalePlan::Key.into()) }
    }
}

fn uses_existing(prepared: &PreparedPlan, import: &PlannedImport) -> bool {
    prepared.choices.get(&import.server) == Some(&Choice::UseExisting)
}
