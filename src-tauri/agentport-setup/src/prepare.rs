//! Plans with the gateway: the change of the file, and what it means for keys and integrations.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use agentport_api::{IntegrationView, KeyView, paths};
use agentport_clients::{
    atomic_write,
    backups::{Backups, BackupsError},
    client::{Client, Place},
    plan::{self, ConsolidateWishes, KnownGateway, McpRemotePrograms, Plan, PlanError},
    types::{Choice, PlanAction, PlanRequest, PlanView},
};
use agentport_core::IntegrationId;

use crate::{
    control::ControlApi,
    error::SetupError,
    installation::Installation,
    integrations::{self, SameIntegration},
    keys::{EntryKey, RevokedAgent},
};

/// Note on a plan that was made without a gateway.
fn offline_note(what: PlanAction) -> &'static str {
    match what {
        PlanAction::Connect => "No gateway was asked: the agent may get another name.",
        PlanAction::Disconnect => "No gateway was asked: whose key will be revoked is not known.",
        PlanAction::Consolidate => {
            "No gateway was asked: which servers are integrations already, and which names are taken, is not known."
        }
        PlanAction::Restore => "Without a gateway, keys and integrations stay as they are.",
    }
}

/// A plan of file changes, with what is done to keys and integrations.
pub struct PreparedPlan {
    pub(crate) client: &'static Client,
    pub(crate) plan: Plan,
    pub(crate) key: EntryKey,
    /// The agent that loses its entry.
    pub(crate) revokes: Option<RevokedAgent>,
    /// The bridge, by the name of its key, that has no entry any more, or whose key is no longer valid: its key and its
    /// sign-in are deleted.
    pub(crate) drops_bridge: Option<String>,
    pub(crate) removes: Vec<IntegrationId>,
    /// What the owner chose, by the server's name.
    pub(crate) choices: BTreeMap<String, Choice>,
}

impl PreparedPlan {
    /// The plan as shown; `id` names it for applying, and is empty where it can only be looked at.
    pub fn view(&self, id: String) -> PlanView {
        let mut view = self.plan.view(id);
        view.makes_key_for = match &self.key {
            EntryKey::New(wants) => Some(wants.agent.clone()),
            EntryKey::None | EntryKey::Kept { .. } | EntryKey::SignIn(_) => None,
        };
        if let Some(RevokedAgent { name, signed_in, .. }) = &self.revokes {
            let shown = match signed_in {
                true => &mut view.signs_out,
                false => &mut view.revokes_key_of,
            };
            *shown = Some(name.clone());
        }
        view.removes.clone_from(&self.removes);
        view.is_empty = self.is_empty();
        if view.is_empty {
            view.restart = None;
        }
        view
    }

    pub(crate) fn is_empty(&self) -> bool {
        let makes_no_key = !matches!(self.key, EntryKey::New(_));
        let has_nothing_to_choose = self.plan.conflicts.is_empty();
        let drops_no_key = self.drops_bridge.is_none();
        self.plan.is_empty()
            && makes_no_key
            && drops_no_key
            && has_nothing_to_choose
            && self.removes.is_empty()
    }
}

#[cfg(test)]
impl PreparedPlan {
    /// A plan that does nothing.
    pub(crate) fn nothing() -> Self {
        use agentport_clients::{client::FileFormat, types::FileScope};
        let client = &Client::all()[0];
        let place = Place {
            client,
            scope: FileScope::User,
            path: "/nowhere".into(),
            target: "/nowhere".into(),
            format: FileFormat::Json,
            container: vec!["servers".to_owned()],
        };
        let plan = Plan {
            what: PlanAction::Restore,
            place,
            files: Vec::new(),
            imports: Vec::new(),
            left: Vec::new(),
            conflicts: Vec::new(),
            key: None,
            takes_key: false,
            notes: Vec::new(),
            bypass: None,
        };
        let (key, removes, choices) = (EntryKey::None, Vec::new(), BTreeMap::new());
        Self { client, plan, key, revokes: None, drops_bridge: None, removes, choices }
    }
}

impl Installation {
    /// Plans without a gateway: to be looked at, or for a restore that leaves keys and integrations as they are.
    pub async fn plan(
        &self,
        client: &str,
        request: &PlanRequest,
    ) -> Result<PreparedPlan, SetupError> {
        let mut prepared = self.prepare(None, client, request).await?;
        if !prepared.is_empty() {
            prepared.plan.notes.push(offline_note(request.what).to_owned());
        }
        Ok(prepared)
    }

    pub(crate) async fn prepare(
        &self,
        control: Option<&ControlApi>,
        client: &str,
        request: &PlanRequest,
    ) -> Result<PreparedPlan, SetupError> {
        let client =
            Client::by_id(client).ok_or_else(|| SetupError::UnknownClient(client.to_owned()))?;
        let path = request.path.as_deref().map(Path::new);
        let place = self.place(client, request.what, path).await?;
        let alone = |source| PlanError::Ineligible { path: place.path.clone(), source };
        place.may_be_touched(Some(&self.home)).map_err(alone)?;
        let before = atomic_write::read(&place.path)
            .map_err(|source| SetupError::Read { path: place.path.clone(), source })?;
        let before = before.as_deref();
        place.may_be_worked_on(before).map_err(alone)?;
        let keys = match control {
            Some(control) => Some(control.list::<KeyView>(paths::KEYS).await?),
            None => None,
        };
        let agents = self.agents(keys);
        let mut plan = match request.what {
            PlanAction::Connect => {
                plan::connect(&place, before, request.via, &self.target(&place))?
            }
            PlanAction::Disconnect => self.disconnect(&place, before).await?,
            PlanAction::Consolidate => self.consolidate(control, &place, before, request).await?,
            PlanAction::Restore => match self.backups_if_any().await? {
                Some(backups) => backups.restore(&place, before, request.on_conflict).await?,
                None => {
                    let path = place.path;
                    return Err(BackupsError::Nothing { path }.into());
                }
            },
        };
        if matches!(request.what, PlanAction::Connect | PlanAction::Consolidate) {
            self.renew_key(&mut plan, before, request.via, &agents)?;
        }
        let removes = match (request.what, control) {
            (PlanAction::Restore, Some(control)) => {
                self.plan_removals(control, &mut plan, request.remove_integrations).await?
            }
            _ => Vec::new(),
        };
        let mut prepared = PreparedPlan {
            client,
            plan,
            key: EntryKey::None,
            revokes: None,
            drops_bridge: None,
            removes,
            choices: request.choices.clone(),
        };
        self.plan_key(&mut prepared, before, &agents)?;
        Ok(prepared)
    }

    /// The plan that removes our entry. Where only connecting preceded it, the file gets its bytes from before.
    async fn disconnect(&self, place: &Place, before: Option<&[u8]>) -> Result<Plan, SetupError> {
        let mut plan = plan::disconnect(place, before)?;
        if plan.is_empty() {
            return Ok(plan);
        }
        if let Some(backups) = self.backups_if_any().await?
            && let Some(original) = backups.before_connect(place, before).await?
            && let Some(change) = plan.files.iter_mut().find(|change| change.path == place.path)
        {
            change.after = original;
        }
        if let Some(backups) = self.backups_if_any().await?
            && let Some(change) = plan.files.iter_mut().find(|change| change.path == place.path)
            && change.after.is_some()
        {
            change.mode = backups.former_mode(&place.path).await?;
        }
        Ok(plan)
    }

    async fn consolidate(
        &self,
        control: Option<&ControlApi>,
        place: &Place,
        before: Option<&[u8]>,
        request: &PlanRequest,
    ) -> Result<Plan, SetupError> {
        let mut known = KnownGateway::default();
        let mut keep: BTreeSet<String> = request.keep.iter().cloned().collect();
        let as_program: BTreeSet<String> = request.as_program.iter().cloned().collect();
        let mut unusable = BTreeMap::new();
        if let Some(control) = control {
            let installed: Vec<IntegrationView> = control.list(paths::INTEGRATIONS).await?;
            let taken = installed.iter().map(|view| (view.id.clone(), view.connection.summary()));
            known.taken = taken.collect();
            for import in plan::imports(place, before, McpRemotePrograms::Named(&as_program))? {
                match integrations::compare(control, &import).await? {
                    SameIntegration::Same(id) => drop(known.same.insert(import.server, id)),
                    SameIntegration::Different => {
                        let namesake = installed.iter().find(|view| view.id == import.id);
                        let differs = namesake
                            .and_then(|view| integrations::difference(&import, &view.connection));
                        known.differs.extend(differs.map(|differs| (import.server, differs)));
                    }
                    SameIntegration::Unusable(why) => {
                        keep.insert(import.server.clone());
                        unusable.insert(import.server, why);
                    }
                }
            }
        }
        let choices = request.choices.clone();
        let wishes = ConsolidateWishes { via: request.via, choices, keep, as_program };
        let mut plan = plan::consolidate(place, before, &self.target(place), &known, &wishes)?;
        for left in &mut plan.left {
            if let Some(why) = unusable.remove(&left.server) {
                left.why = why;
            }
        }
        Ok(plan)
    }

    /// The integrations that a restore removes. Those that stay are named in the plan's notes.
    async fn plan_removals(
        &self,
        control: &ControlApi,
        plan: &mut Plan,
        remove: bool,
    ) -> Result<Vec<IntegrationId>, SetupError> {
        let Some(backups) = self.backups_if_any().await? else { return Ok(Vec::new()) };
        let added = self.added_by_file(control, backups, &plan.place).await?;
        let change = plan.files.iter().find(|change| change.path == plan.place.path);
        let after = change.and_then(|change| change.after.as_deref());
        let back = backups.stand_in(&plan.place, after).await?;
        // The integration is all that is left of a server that does not stand in the file again.
        let (removes, stay): (Vec<_>, Vec<_>) =
            added.into_iter().partition(|id| remove && back.contains(id));
        if !stay.is_empty() && (remove || !plan.is_empty()) {
            let ids: Vec<&str> = stay.iter().map(IntegrationId::as_str).collect();
            let ids = ids.join(", ");
            plan.notes.push(match remove {
                true => format!(
                    "Integrations whose servers would not stand in the file as they were stay: {ids}."
                ),
                false => format!("Integrations that came from here stay: {ids}."),
            });
        }
        Ok(removes)
    }

    /// Integrations that came from this file alone and still exist. An integration that was not imported is none of them,
    /// even with the same id: the import may have been interrupted before it was added.
    async fn added_by_file(
        &self,
        control: &ControlApi,
        backups: &Backups,
        place: &Place,
    ) -> Result<Vec<IntegrationId>, SetupError> {
        let mut added = backups.added_by(&place.path).await?;
        let installed: Vec<IntegrationView> = control.list(paths::INTEGRATIONS).await?;
        added.retain(|id| installed.iter().any(|view| view.id == *id && view.imported.is_some()));
        Ok(added)
    }
}
