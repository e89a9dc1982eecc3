//! Carrying a plan out: first what the gateway can refuse, then the files, then what can only follow.
//!
//! Until the files are written, whatever was made is taken back if something fails. After that nothing is taken back:
//! what could not be done then is told to the owner, who can do it by hand.

use agentport_api::{Event, NewKey};
use agentport_clients::{
    apply,
    entry::Target,
    plan::{Import, WantsKey},
    types::{Applied, EnvironmentView, Via, What},
    write,
};
use agentport_core::{AgentId, IntegrationId, Secret};
use agentport_gateway::clock;
use http::StatusCode;
use serde_json::json;

use crate::{
    agents::{self, Made},
    integrations,
    keys::Key,
    make::Prepared,
    plane::{Plane, PlaneError},
    problem::ConnectError,
    site::Site,
};

/// What was made so far, to be taken back.
#[derive(Default)]
struct Begun {
    /// Noted as having to do with the file, and not before.
    noted: Vec<IntegrationId>,
    integrations: Vec<IntegrationId>,
    key: Option<AgentId>,
    /// The bridge's key, and the one that was there before.
    bridge_key: Option<(String, Option<Secret>)>,
}

impl Site {
    /// Does what the plan says, through the gateway.
    pub(crate) async fn carry_out(
        &self,
        plane: &Plane,
        prepared: &Prepared,
    ) -> Result<Applied, ConnectError> {
        if !prepared.plan.conflicts.is_empty() {
            return Err(ConnectError::Undecided);
        }
        self.check(prepared)?;
        self.check_gateway(plane, prepared).await?;
        let mut begun = Begun::default();
        let done = self.begin(plane, prepared, &mut begun).await;
        let (key, agent) = match done {
            Ok(done) => done,
            Err(error) => {
                self.take_back(plane, prepared, begun).await;
                return Err(error);
            }
        };
        let files = match self.write(prepared, key.as_ref()).await {
            Ok(files) => files,
            Err(error) => {
                self.take_back(plane, prepared, begun).await;
                return Err(error);
            }
        };
        let mut applied = Applied {
            files,
            added: begun.integrations,
            environment: environment(&self.target(&prepared.plan.place), prepared, key.as_ref()),
            restart: prepared.client.restart().map(str::to_owned),
            notes: Vec::new(),
        };
        self.follow_up(plane, prepared, agent, &mut applied).await;
        self.tell(plane, prepared, &applied).await;
        Ok(applied)
    }

    /// Brings an original back with no gateway: keys and integrations stay as they are.
    pub async fn restore(&self, prepared: &Prepared) -> Result<Applied, ConnectError> {
        if prepared.plan.what != What::Restore {
            return Err(ConnectError::NeedsGateway);
        }
        if !prepared.plan.conflicts.is_empty() {
            return Err(ConnectError::Undecided);
        }
        self.check(prepared)?;
        let files = self.write(prepared, None).await?;
        let restart = prepared.client.restart().map(str::to_owned);
        let notes = prepared.plan.notes.clone();
        Ok(Applied { files, added: Vec::new(), environment: None, restart, notes })
    }

    /// Is every file still what the plan saw?
    fn check(&self, prepared: &Prepared) -> Result<(), ConnectError> {
        for change in &prepared.plan.files {
            let path = || change.path.clone();
            let now = write::read(&change.path)
                .map_err(|source| ConnectError::Read { path: path(), source })?;
            if now != change.before {
                return Err(ConnectError::Changed { path: path() });
            }
        }
        Ok(())
    }

    /// What the gateway can refuse. Gives the key of the new entry and whose it is.
    async fn begin(
        &self,
        plane: &Plane,
        prepared: &Prepared,
        begun: &mut Begun,
    ) -> Result<(Option<Secret>, Option<AgentId>), ConnectError> {
        for import in &prepared.plan.imports {
            // First, so that a restore knows them even if this process is killed in between.
            self.note(prepared, import, begun).await?;
            if import.merged.is_none() {
                let added = integrations::add(plane, import, &prepared.client.name).await?;
                begun.integrations.push(added.id);
            }
        }
        match &prepared.key {
            Key::None => Ok((None, None)),
            Key::Kept { key, agent, wants } => {
                self.give_bridge(wants, key, begun)?;
                Ok((Some(key.clone()), *agent))
            }
            Key::Made(wants) => {
                let body = json!({ "name": wants.agent });
                let made: NewKey = plane.post("/control/keys", &body).await?;
                begun.key = Some(made.id);
                let key = Secret::new(made.key);
                self.give_bridge(wants, &key, begun)?;
                Ok((Some(key), Some(made.id)))
            }
        }
    }

    fn give_bridge(
        &self,
        wants: &WantsKey,
        key: &Secret,
        begun: &mut Begun,
    ) -> Result<(), ConnectError> {
        if wants.via == Via::Bridge {
            let before = agents::put_bridge_key(&self.home, &wants.key_name, Some(key))
                .map_err(ConnectError::BridgeKey)?;
            begun.bridge_key = Some((wants.key_name.clone(), before));
        }
        Ok(())
    }

    async fn write(
        &self,
        prepared: &Prepared,
        key: Option<&Secret>,
    ) -> Result<Vec<String>, ConnectError> {
        let backups = self.backups().await?;
        let plan = &prepared.plan;
        let written = apply::apply(plan, key, backups, clock::now(), &mut |_| {}).await?;
        Ok(written.iter().map(|path| path.display().to_string()).collect())
    }

    /// Makes undone what was made for files that were not written.
    async fn take_back(&self, plane: &Plane, prepared: &Prepared, begun: Begun) {
        let Begun { mut noted, integrations, key, bridge_key } = begun;
        if let Some((name, before)) = bridge_key
            && let Err(error) = agents::put_bridge_key(&self.home, &name, before.as_ref())
        {
            tracing::error!(%error, name, "a bridge's key could not be taken back");
        }
        if let Some(id) = key
            && let Err(error) = plane.delete(&format!("/control/keys/{id}")).await
        {
            tracing::error!(%error, %id, "a key that was made for a plan could not be taken back");
        }
        for id in integrations {
            if let Err(error) = plane.delete(&format!("/control/integrations/{id}")).await {
                tracing::error!(%error, %id, "what was added for a plan could not be taken back");
                // It stays, and whoever takes it over later should know where it came from.
                noted.retain(|noted| *noted != id);
            }
        }
        let path = &prepared.plan.place.path;
        let forgotten = async { self.backups().await?.unnote(path, &noted).await };
        if let Err(error) = forgotten.await {
            tracing::error!(%error, "what was noted for a plan could not be taken back");
        }
    }

    /// What comes after the files. What fails is said in the notes.
    async fn follow_up(
        &self,
        plane: &Plane,
        prepared: &Prepared,
        agent: Option<AgentId>,
        applied: &mut Applied,
    ) {
        let path = &prepared.plan.place.path;
        let notes = &mut applied.notes;
        if let Some((id, name)) = &prepared.revokes
            && let Err(error) = plane.delete(&format!("/control/keys/{id}")).await
        {
            notes.push(format!("The key of {name} could not be revoked: {error}"));
        }
        if let Some(name) = &prepared.drops_bridge_key
            && let Err(error) = agents::put_bridge_key(&self.home, name, None)
        {
            notes.push(format!("The bridge's key could not be removed: {error}"));
        }
        let is_ours_still = !matches!(prepared.plan.what, What::Disconnect | What::Restore);
        if (agent.is_some() || !is_ours_still)
            && let Err(error) = Made::note(&self.home, path, agent)
        {
            notes.push(format!("Whose entry it is could not be noted: {error}"));
        }
        for id in &prepared.removes {
            match plane.delete(&format!("/control/integrations/{id}")).await {
                Ok(()) | Err(PlaneError::Refused { status: StatusCode::NOT_FOUND, .. }) => {}
                Err(error) => {
                    notes.push(format!("The integration {id} could not be removed: {error}"));
                }
            }
        }
    }

    /// Remembers which integration a server of this file becomes, so that a restore can tell what nobody else needs.
    async fn note(
        &self,
        prepared: &Prepared,
        import: &Import,
        begun: &mut Begun,
    ) -> Result<(), ConnectError> {
        let path = &prepared.plan.place.path;
        let backups = self.backups().await?;
        let (id, is_new) = match &import.merged {
            Some(id) => (id, backups.note_used(path, id).await?),
            None => (&import.id, backups.note_added(path, import).await?),
        };
        if is_new {
            begun.noted.push(id.clone());
        }
        Ok(())
    }

    async fn tell(&self, plane: &Plane, prepared: &Prepared, applied: &Applied) {
        let what = match prepared.plan.what {
            What::Connect => "client.connected",
            What::Disconnect => "client.disconnected",
            What::Consolidate => "client.consolidated",
            What::Restore => "client.restored",
        };
        let detail = json!({
            "files": applied.files,
            "added": applied.added,
            "removed": prepared.removes,
        });
        plane.hand.note(what, &prepared.client.id, detail).await;
        plane.hand.tell(Event::Clients);
    }
}

/// What the owner has to set, where the file only names a variable.
fn environment(
    target: &Target,
    prepared: &Prepared,
    key: Option<&Secret>,
) -> Option<EnvironmentView> {
    let wants = match &prepared.key {
        Key::Made(wants) | Key::Kept { wants, .. } => wants,
        Key::None => return None,
    };
    let key = key.filter(|_| wants.via == Via::HttpEnvironment)?;
    Some(EnvironmentView { variable: target.variable.clone(), key: key.expose().to_owned() })
}
