//! Applies a plan: first what the gateway can refuse, then the files, then the clean-up that depends on both.
//!
//! A failure before the files are written rolls back what was made in the gateway. After that nothing is rolled back: what
//! could not be done is listed in the notes of the result, for the owner to do by hand.

use std::io;

use agentport_api::{ControlError, Event, NewKey, paths};
use agentport_clients::{
    apply, atomic_write,
    entry::EntryTarget,
    plan::{PlannedImport, WantsKey},
    types::{Applied, ConnectionMethod, EnvironmentView, PlanAction},
};
use agentport_core::{AgentId, IntegrationId, Secret, audit::AuditAction};
use agentport_gateway::clock;
use http::StatusCode;
use serde_json::json;

use crate::{
    agents::{self, AgentsByFile},
    bridge_sign_in::SignInFile,
    control::ControlApi,
    error::SetupError,
    installation::Installation,
    integrations,
    keys::{EntryKey, RevokedAgent},
    prepare::PreparedPlan,
    sign_ins, starts,
};

/// What was made for a plan so far, to be undone if it fails.
#[derive(Default)]
struct Rollback {
    /// Integrations newly recorded as having come from the file.
    recorded: Vec<IntegrationId>,
    integrations: Vec<IntegrationId>,
    key: Option<AgentId>,
    /// The bridge's key, and the one that was there before.
    bridge_key: Option<(String, Option<Secret>)>,
}

impl Installation {
    /// Does what the plan says, with the gateway.
    pub(crate) async fn apply(
        &self,
        control: &ControlApi,
        prepared: &PreparedPlan,
    ) -> Result<Applied, SetupError> {
        if !prepared.plan.conflicts.is_empty() {
            return Err(SetupError::Undecided);
        }
        self.check_files(prepared)?;
        self.check_gateway(control, prepared).await?;
        let mut rollback = Rollback::default();
        let done = self.apply_to_gateway(control, prepared, &mut rollback).await;
        let (key, agent) = match done {
            Ok(done) => done,
            Err(error) => {
                self.roll_back(control, prepared, rollback).await;
                return Err(error);
            }
        };
        let files = match self.write_files(prepared, key.as_ref()).await {
            Ok(files) => files,
            Err(error) => {
                self.roll_back(control, prepared, rollback).await;
                return Err(error);
            }
        };
        let mut applied = Applied {
            files,
            added: rollback.integrations,
            failed: Vec::new(),
            starting: Vec::new(),
            bypassing: prepared.view(String::new()).bypassing,
            environment: environment(&self.target(&prepared.plan.place), prepared, key.as_ref()),
            restart: prepared.client.restart().map(str::to_owned),
            notes: Vec::new(),
        };
        self.follow_up(control, prepared, agent, &mut applied).await;
        starts::inspect(control, prepared, &mut applied).await;
        self.announce(control, prepared, &applied).await;
        Ok(applied)
    }

    /// Restores an original without a gateway: keys and integrations stay as they are.
    pub async fn restore(&self, prepared: &PreparedPlan) -> Result<Applied, SetupError> {
        if prepared.plan.what != PlanAction::Restore {
            return Err(SetupError::NeedsGateway);
        }
        if !prepared.plan.conflicts.is_empty() {
            return Err(SetupError::Undecided);
        }
        self.check_files(prepared)?;
        let files = self.write_files(prepared, None).await?;
        let restart = prepared.client.restart().map(str::to_owned);
        let notes = prepared.plan.notes.clone();
        Ok(Applied {
            files,
            added: Vec::new(),
            failed: Vec::new(),
            starting: Vec::new(),
            bypassing: None,
            environment: None,
            restart,
            notes,
        })
    }

    /// Is every file still what the plan saw?
    fn check_files(&self, prepared: &PreparedPlan) -> Result<(), SetupError> {
        for change in &prepared.plan.files {
            let path = || change.path.clone();
            let now = atomic_write::read(&change.path)
                .map_err(|source| SetupError::Read { path: path(), source })?;
            if now != change.before {
                return Err(SetupError::Changed { path: path() });
            }
        }
        Ok(())
    }

    /// Makes the integrations and the key: all that the gateway can refuse. Returns the key of the new entry and its agent.
    async fn apply_to_gateway(
        &self,
        control: &ControlApi,
        prepared: &PreparedPlan,
        rollback: &mut Rollback,
    ) -> Result<(Option<Secret>, Option<AgentId>), SetupError> {
        for import in &prepared.plan.imports {
            // Before it is added, so that a restore knows it even if this process is killed in between.
            self.record_origin(prepared, import, rollback).await?;
            if import.merged.is_none() {
                let added = integrations::add(control, import, &prepared.client.name).await?;
                rollback.integrations.push(added.id);
            }
        }
        match &prepared.key {
            EntryKey::None | EntryKey::SignIn(_) => Ok((None, None)),
            EntryKey::Kept { key, agent, wants } => {
                self.write_bridge_key(wants, key, rollback)?;
                Ok((Some(key.clone()), *agent))
            }
            EntryKey::New(wants) => {
                let body = json!({ "name": wants.agent });
                let made: NewKey = control.post(paths::KEYS, &body).await?;
                rollback.key = Some(made.id);
                let key = Secret::new(made.key);
                self.write_bridge_key(wants, &key, rollback)?;
                Ok((Some(key), Some(made.id)))
            }
        }
    }

    fn write_bridge_key(
        &self,
        wants: &WantsKey,
        key: &Secret,
        rollback: &mut Rollback,
    ) -> Result<(), SetupError> {
        if wants.via == ConnectionMethod::Bridge {
            let before = agents::write_bridge_key(&self.home, &wants.key_name, Some(key))
                .map_err(SetupError::BridgeKey)?;
            rollback.bridge_key = Some((wants.key_name.clone(), before));
        }
        Ok(())
    }

    async fn write_files(
        &self,
        prepared: &PreparedPlan,
        key: Option<&Secret>,
    ) -> Result<Vec<String>, SetupError> {
        let backups = self.backups().await?;
        let plan = &prepared.plan;
        let written = apply::apply(plan, key, backups, clock::now(), &mut |_| {}).await?;
        Ok(written.iter().map(|path| path.display().to_string()).collect())
    }

    /// Undoes what was made for files that were not written.
    async fn roll_back(&self, control: &ControlApi, prepared: &PreparedPlan, rollback: Rollback) {
        let Rollback { mut recorded, integrations, key, bridge_key } = rollback;
        if let Some((name, before)) = bridge_key
            && let Err(error) = agents::write_bridge_key(&self.home, &name, before.as_ref())
        {
            tracing::error!(%error, name, "a bridge's key could not be taken back");
        }
        if let Some(id) = key
            && let Err(error) = control.delete(&paths::fill(paths::KEY, id)).await
        {
            tracing::error!(%error, %id, "a key that was made for a plan could not be taken back");
        }
        for id in integrations {
            if let Err(error) = control.delete(&paths::fill(paths::INTEGRATION, &id)).await {
                tracing::error!(%error, %id, "what was added for a plan could not be taken back");
                // It stays, so its origin stays on record.
                recorded.retain(|recorded| *recorded != id);
            }
        }
        let path = &prepared.plan.place.path;
        let removed = async { self.backups().await?.unnote(path, &recorded).await };
        if let Err(error) = removed.await {
            tracing::error!(%error, "what was noted for a plan could not be taken back");
        }
    }

    /// What follows the files: old keys and integrations go. Failures are added to the notes of the result.
    async fn follow_up(
        &self,
        control: &ControlApi,
        prepared: &PreparedPlan,
        agent: Option<AgentId>,
        applied: &mut Applied,
    ) {
        let path = &prepared.plan.place.path;
        let notes = &mut applied.notes;
        if let Some(RevokedAgent { id, name, .. }) = &prepared.revokes
            && let Err(error) = control.delete(&paths::fill(paths::KEY, id)).await
        {
            notes.push(format!("The agent {name} could not be revoked: {error}"));
        }
        if let Some(name) = &prepared.drops_bridge
            && let Err(error) = self.drop_bridge(name)
        {
            notes.push(format!("The bridge's key could not be removed: {error}"));
        }
        if let EntryKey::SignIn(wants) = &prepared.key {
            notes.push(sign_ins::plan_note(prepared.client, wants.via));
            if wants.via == ConnectionMethod::Bridge
                && let Err(error) = self.name_bridge(wants)
            {
                notes.push(format!("What the bridge is called could not be noted: {error}"));
            }
        }
        let has_no_key = matches!(prepared.key, EntryKey::SignIn(_))
            || matches!(prepared.plan.what, PlanAction::Disconnect | PlanAction::Restore);
        if (agent.is_some() || has_no_key)
            && let Err(error) = AgentsByFile::record(&self.home, path, agent)
        {
            notes.push(format!("Whose entry it is could not be noted: {error}"));
        }
        for id in &prepared.removes {
            match control.delete(&paths::fill(paths::INTEGRATION, id)).await {
                Ok(()) | Err(ControlError::Refused { status: StatusCode::NOT_FOUND, .. }) => {}
                Err(error) => {
                    notes.push(format!("The integration {id} could not be removed: {error}"));
                }
            }
        }
    }

    /// Deletes the key and the sign-in of a bridge.
    fn drop_bridge(&self, name: &str) -> io::Result<()> {
        agents::write_bridge_key(&self.home, name, None)?;
        match SignInFile::of(&self.home, name) {
            Some(file) => file.delete(),
            None => Ok(()),
        }
    }

    /// Notes the name under which the bridge asks to be let in.
    fn name_bridge(&self, wants: &WantsKey) -> io::Result<()> {
        let Some(file) = SignInFile::of(&self.home, &wants.key_name) else { return Ok(()) };
        file.update(|sign_in| sign_in.name = Some(wants.agent.clone()))
    }

    /// Records which integration a server of this file becomes, so that a restore knows which ones only this file needs.
    async fn record_origin(
        &self,
        prepared: &PreparedPlan,
        import: &PlannedImport,
        rollback: &mut Rollback,
    ) -> Result<(), SetupError> {
        let path = &prepared.plan.place.path;
        let backups = self.backups().await?;
        let (id, is_new) = match &import.merged {
            Some(id) => (id, backups.note_used(path, id).await?),
            None => (&import.id, backups.note_added(path, import).await?),
        };
        if is_new {
            rollback.recorded.push(id.clone());
        }
        Ok(())
    }

    async fn announce(&self, control: &ControlApi, prepared: &PreparedPlan, applied: &Applied) {
        let action = match prepared.plan.what {
            PlanAction::Connect => AuditAction::ClientConnected,
            PlanAction::Disconnect => AuditAction::ClientDisconnected,
            PlanAction::Consolidate => AuditAction::ClientConsolidated,
            PlanAction::Restore => AuditAction::ClientRestored,
        };
        let detail = json!({
            "files": applied.files,
            "added": applied.added,
            "removed": prepared.removes,
        });
        control.transport().handle.record(action, &prepared.client.id, detail).await;
        control.transport().handle.tell(Event::Clients);
    }
}

/// The variable the owner has to set, where the file only refers to it.
fn environment(
    target: &EntryTarget,
    prepared: &PreparedPlan,
    key: Option<&Secret>,
) -> Option<EnvironmentView> {
    let wants = match &prepared.key {
        EntryKey::New(wants) | EntryKey::Kept { wants, .. } => wants,
        EntryKey::None | EntryKey::SignIn(_) => return None,
    };
    let key = key.filter(|_| wants.via == ConnectionMethod::HttpEnvironment)?;
    Some(EnvironmentView { variable: target.variable.clone(), key: key.expose().to_owned() })
}
