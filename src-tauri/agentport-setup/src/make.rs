//! Making a plan: what is to be written, and what that means for keys and integrations.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use agentport_api::{IntegrationView, Items, KeyView};
use agentport_clients::{
    backups::{Backups, BackupsError},
    client::{Client, Place},
    plan::{self, Known, Plan, PlanError, Wishes},
    types::{Choice, PlanView, WantPlan, What},
    write,
};
use agentport_core::{AgentId, IntegrationId};

use crate::{
    integrations::{self, Same},
    keys::Key,
    plane::Plane,
    problem::ConnectError,
    site::Site,
};

/// Said of a plan for which no gateway was asked.
fn unasked(what: What) -> &'static str {
    match what {
        What::Connect => "No gateway was asked: the agent may get another name.",
        What::Disconnect => "No gateway was asked: whose key will be revoked is not known.",
        What::Consolidate => {
            "No gateway was asked: which servers are integrations already, and which names are taken, is not known."
        }
        What::Restore => "Without a gateway, keys and integrations stay as they are.",
    }
}

/// A plan, and what goes with it beside the files.
pub struct Prepared {
    pub(crate) client: &'static Client,
    pub(crate) plan: Plan,
    pub(crate) key: Key,
    /// The agent that loses its entry.
    pub(crate) revokes: Option<(AgentId, String)>,
    /// The bridge's key that nobody needs any more.
    pub(crate) drops_bridge_key: Option<String>,
    pub(crate) removes: Vec<IntegrationId>,
    /// What the owner chose, by the server's name.
    pub(crate) choices: BTreeMap<String, Choice>,
}

impl Prepared {
    /// As it is shown; `id` is how it will be asked for, empty if it can only be looked at.
    pub fn view(&self, id: String) -> PlanView {
        let mut view = self.plan.view(id);
        view.makes_key_for = match &self.key {
            Key::Made(wants) => Some(wants.agent.clone()),
            Key::None | Key::Kept { .. } => None,
        };
        view.revokes_key_of = self.revokes.as_ref().map(|(_, name)| name.clone());
        view.removes.clone_from(&self.removes);
        view.is_empty = self.is_empty();
        if view.is_empty {
            view.restart = None;
        }
        view
    }

    pub(crate) fn is_empty(&self) -> bool {
        let makes_no_key = !matches!(self.key, Key::Made(_));
        let has_nothing_to_choose = self.plan.conflicts.is_empty();
        self.plan.is_empty() && makes_no_key && has_nothing_to_choose && self.removes.is_empty()
    }
}

#[cfg(test)]
impl Prepared {
    /// A plan that does nothing.
    pub(crate) fn nothing() -> Self {
        use agentport_clients::{client::Format, types::FileScope};
        let client = &Client::all()[0];
        let place = Place {
            client,
            scope: FileScope::User,
            path: "/nowhere".into(),
            target: "/nowhere".into(),
            format: Format::Json,
            container: vec!["servers".to_owned()],
        };
        let plan = Plan {
            what: What::Restore,
            place,
            files: Vec::new(),
            imports: Vec::new(),
            left: Vec::new(),
            conflicts: Vec::new(),
            key: None,
            takes_key: false,
            notes: Vec::new(),
        };
        let (key, removes, choices) = (Key::None, Vec::new(), BTreeMap::new());
        Self { client, plan, key, revokes: None, drops_bridge_key: None, removes, choices }
    }
}

impl Site {
    /// What would be done, without asking a gateway: to be looked at, or for a restore that leaves keys and
    /// integrations as they are.
    pub async fn plan(&self, client: &str, want: &WantPlan) -> Result<Prepared, ConnectError> {
        let mut prepared = self.prepare(None, client, want).await?;
        if !prepared.is_empty() {
            prepared.plan.notes.push(unasked(want.what).to_owned());
        }
        Ok(prepared)
    }

    pub(crate) async fn prepare(
        &self,
        plane: Option<&Plane>,
        client: &str,
        want: &WantPlan,
    ) -> Result<Prepared, ConnectError> {
        let client =
            Client::by_id(client).ok_or_else(|| ConnectError::UnknownClient(client.to_owned()))?;
        let path = want.path.as_deref().map(Path::new);
        let place = self.place(client, want.what, path).await?;
        let alone = |source| PlanError::LeftAlone { path: place.path.clone(), source };
        place.may_be_touched(Some(&self.home)).map_err(alone)?;
        let before = write::read(&place.path)
            .map_err(|source| ConnectError::Read { path: place.path.clone(), source })?;
        let before = before.as_deref();
        place.may_be_worked_on(before).map_err(alone)?;
        let keys = match plane {
            Some(plane) => Some(plane.get::<Items<KeyView>>("/control/keys").await?.items),
            None => None,
        };
        let agents = self.agents(keys);
        let mut plan = match want.what {
            What::Connect => plan::connect(&place, before, want.via, &self.target(&place))?,
            What::Disconnect => self.disconnect(&place, before).await?,
            What::Consolidate => self.consolidate(plane, &place, before, want).await?,
            What::Restore => match self.backups_if_any().await? {
                Some(backups) => backups.restore(&place, before, want.on_conflict).await?,
                None => {
                    let path = place.path;
                    return Err(BackupsError::Nothing { path }.into());
                }
            },
        };
        if matches!(want.what, What::Connect | What::Consolidate) {
            self.let_in_again(&mut plan, before, want.via, &agents)?;
        }
        let removes = match (want.what, plane) {
            (What::Restore, Some(plane)) => {
                self.settle_integrations(plane, &mut plan, want.remove_integrations).await?
            }
            _ => Vec::new(),
        };
        let mut prepared = Prepared {
            client,
            plan,
            key: Key::None,
            revokes: None,
            drops_bridge_key: None,
            removes,
            choices: want.choices.clone(),
        };
        self.settle_key(&mut prepared, before, &agents)?;
        Ok(prepared)
    }

    /// The plan to take our entry out. Where only connecting went before, that is the very bytes from then.
    async fn disconnect(&self, place: &Place, before: Option<&[u8]>) -> Result<Plan, ConnectError> {
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
        Ok(plan)
    }

    async fn consolidate(
        &self,
        plane: Option<&Plane>,
        place: &Place,
        before: Option<&[u8]>,
        want: &WantPlan,
    ) -> Result<Plan, ConnectError> {
        let mut known = Known::default();
        let mut keep: BTreeSet<String> = want.keep.iter().cloned().collect();
        let mut unusable = BTreeMap::new();
        if let Some(plane) = plane {
            let there: Items<IntegrationView> = plane.get("/control/integrations").await?;
            let taken = there
                .items
                .into_iter()
                .map(|view| (view.id, integrations::words(&view.connection)));
            known.taken = taken.collect();
            for import in plan::imports(place, before)? {
                match integrations::compare(plane, &import).await? {
                    Same::Is(id) => drop(known.same.insert(import.server, id)),
                    Same::No => {}
                    Same::Unusable(why) => {
                        keep.insert(import.server.clone());
                        unusable.insert(import.server, why);
                    }
                }
            }
        }
        let wishes = Wishes { via: want.via, choices: want.choices.clone(), keep };
        let mut plan = plan::consolidate(place, before, &self.target(place), &known, &wishes)?;
        for left in &mut plan.left {
            if let Some(why) = unusable.remove(&left.server) {
                left.why = why;
            }
        }
        Ok(plan)
    }

    /// Which integrations go with a restore; of those that stay, the plan's notes tell.
    async fn settle_integrations(
        &self,
        plane: &Plane,
        plan: &mut Plan,
        remove: bool,
    ) -> Result<Vec<IntegrationId>, ConnectError> {
        let Some(backups) = self.backups_if_any().await? else { return Ok(Vec::new()) };
        let added = self.added_by(plane, backups, &plan.place).await?;
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

    /// Integrations that came from this file alone and are still there. One that came from no file is not it, whatever
    /// its id: a process can have been killed before it had added its own.
    async fn added_by(
        &self,
        plane: &Plane,
        backups: &Backups,
        place: &Place,
    ) -> Result<Vec<IntegrationId>, ConnectError> {
        let mut added = backups.added_by(&place.path).await?;
        let there: Items<IntegrationView> = plane.get("/control/integrations").await?;
        added.retain(|id| there.items.iter().any(|view| view.id == *id && view.imported.is_some()));
        Ok(added)
    }
}
