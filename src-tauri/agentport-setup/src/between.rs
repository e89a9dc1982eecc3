//! What the gateway has may change between a plan and its being carried out, as files may. A plan takes servers out of
//! a file because the gateway has them, and leaves an entry because its key lets somebody in: where that no longer
//! holds, nothing is done.
//!
//! Asked right before anything is made. Deliberately absent: holding the gateway still meanwhile; what another page of
//! the owner's does in the milliseconds after is theirs to see.

use agentport_api::{IntegrationView, Items, KeyView};
use agentport_clients::{
    plan::Import,
    types::{Choice, What},
    write,
};
use agentport_core::{AgentId, IntegrationId};

use crate::{
    entries::{self, Agents, Entry},
    integrations::{self, Same},
    keys::Key,
    make::Prepared,
    plane::Plane,
    problem::ConnectError,
    site::Site,
};

/// What is otherwise than when the plan was made.
#[derive(Debug, thiserror::Error)]
pub enum Outdated {
    #[error("the integration {0} was removed or has changed")]
    Gone(IntegrationId),
    #[error("the id {0} was taken by another integration")]
    Taken(IntegrationId),
    #[error("the integration {0} has come into use elsewhere")]
    Used(IntegrationId),
    #[error("the name {0} was taken by another agent")]
    Name(String),
    #[error("the key of the entry was revoked or replaced")]
    Key,
}

impl Site {
    /// Does the gateway still have what the plan counts on?
    pub(crate) async fn check_gateway(
        &self,
        plane: &Plane,
        prepared: &Prepared,
    ) -> Result<(), ConnectError> {
        self.check_imports(plane, prepared).await?;
        self.check_removed(prepared).await?;
        let keys: Items<KeyView> = plane.get("/control/keys").await?;
        self.check_key(prepared, &self.agents(Some(keys.items)))
    }

    async fn check_imports(&self, plane: &Plane, prepared: &Prepared) -> Result<(), ConnectError> {
        let imports = &prepared.plan.imports;
        if imports.is_empty() {
            return Ok(());
        }
        let there: Items<IntegrationView> = plane.get("/control/integrations").await?;
        let is_there = |id: &IntegrationId| there.items.iter().any(|view| view.id == *id);
        for import in imports {
            match &import.merged {
                None if is_there(&import.id) => {
                    return Err(Outdated::Taken(import.id.clone()).into());
                }
                None => {}
                Some(id) if !is_there(id) => return Err(Outdated::Gone(id.clone()).into()),
                // What it is was never asked; the owner wanted it whatever it is.
                Some(_) if uses_existing(prepared, import) => {}
                Some(id) => match integrations::compare(plane, import).await? {
                    Same::Is(same) if same == *id => {}
                    Same::Is(_) | Same::No | Same::Unusable(_) => {
                        return Err(Outdated::Gone(id.clone()).into());
                    }
                },
            }
        }
        Ok(())
    }

    /// Is what will be removed still this file's alone?
    async fn check_removed(&self, prepared: &Prepared) -> Result<(), ConnectError> {
        if prepared.removes.is_empty() {
            return Ok(());
        }
        let added = self.backups().await?.added_by(&prepared.plan.place.path).await?;
        match prepared.removes.iter().find(|id| !added.contains(id)) {
            Some(id) => Err(Outdated::Used(id.clone()).into()),
            None => Ok(()),
        }
    }

    /// Is the entry still the agent's that it was, and is whoever it will show let in?
    fn check_key(&self, prepared: &Prepared, agents: &Agents) -> Result<(), ConnectError> {
        let place = &prepared.plan.place;
        let now = write::read(&place.path)
            .map_err(|source| ConnectError::Read { path: place.path.clone(), source })?;
        let servers = entries::servers(place, now.as_deref()).unwrap_or_default();
        let entry = Entry::find(self, &servers);
        let own = entry.as_ref().and_then(|entry| agents.its_own(&place.path, entry));
        let own: Option<AgentId> = own.map(|key| key.id);
        let revokes = prepared.revokes.as_ref().map(|(id, _)| *id);
        // A bridge's key is replaced without the client's file changing: whoever has it by then would be forgotten.
        let is_somebody_else = own.is_some() && own != revokes;
        let holds = match &prepared.key {
            Key::Kept { key, .. } => agents.lets_in(key),
            Key::Made(wants) => {
                if agents.free_name(&wants.agent) != wants.agent {
                    return Err(Outdated::Name(wants.agent.clone()).into());
                }
                !is_somebody_else
            }
            Key::None => match prepared.plan.what {
                What::Connect | What::Consolidate => {
                    entry.is_none_or(|entry| agents.let_in(&place.path, &entry))
                }
                What::Disconnect | What::Restore => {
                    let ends = revokes.is_some() || prepared.drops_bridge_key.is_some();
                    !(ends && is_somebody_else)
                }
            },
        };
        if holds { Ok(()) } else { Err(Outdated::Key.into()) }
    }
}

fn uses_existing(prepared: &Prepared, import: &Import) -> bool {
    prepared.choices.get(&import.server) == Some(&Choice::UseExisting)
}
