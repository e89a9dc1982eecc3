//! Adding, changing and removing.

use std::collections::{BTreeMap, HashMap};

use agentport_api::{AddIntegration, ChangeIntegration, Connection, Event};
use agentport_core::{
    ErrorChain, IntegrationId, Secret,
    policy::{IntegrationPolicy, Mode},
};
use serde_json::json;

use super::{
    Integrations,
    connect::{ConnectError, credential_seal, refuse_plaintext, secret_names, target},
    imported::{TooMuch, fit_to_be_kept},
    pending::PendingAdd,
};
use crate::{
    catalogue::{Classifications, ToolClassification},
    clock,
    store::{IntegrationRow, ListingRow, Store, StoreError, ToolEffectRow},
    upstream::{Listing, UpstreamError, UpstreamSpec, UpstreamTarget},
};

/// Why an integration was not added. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddError {
    #[error("an integration \"{0}\" exists already; remove it first, or choose another id")]
    Exists(IntegrationId),
    #[error("the integration \"{0}\" is being added already")]
    AlreadyPending(IntegrationId),
    #[error("adding the integration \"{0}\" was ended before it counted; nothing of it is kept")]
    Cancelled(IntegrationId),
    #[error(transparent)]
    Unusable(#[from] ConnectError),
    #[error("a built-in integration is added by its name; there is only \"demo\"")]
    UnknownBuiltin,
    #[error("{0:?} is given as a secret, but nothing in the connection asks for it")]
    UnusedSecret(String),
    #[error(transparent)]
    TooMuchImported(#[from] TooMuch),
    #[error("the server could not be used, so it was not added: {}", ErrorChain(.0))]
    Unreachable(UpstreamError),
    #[error("the server could not be used with the new credentials, so the old ones stay: {}", ErrorChain(.0))]
    NotWithThese(UpstreamError),
    #[error("the integration could not be stored")]
    Store(#[from] StoreError),
}

/// Why an integration was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("there is no integration {0:?}")]
    Unknown(String),
    #[error("{0:?} is no mode; use allow, require_approval, deny or none")]
    BadMode(String),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

/// How long an integration that is kept anyway is tried.
const SHORT_TRY: std::time::Duration = std::time::Duration::from_secs(10);

impl Integrations {
    /// Tries the connection, unless it is not to be tried, then keeps it with its sealed credentials. `actor` is who
    /// asked for it.
    pub(crate) async fn add_integration(
        &self,
        add: AddIntegration,
        actor: &str,
    ) -> Result<IntegrationRow, AddError> {
        if self.catalogue.get(&add.id).is_some() {
            return Err(AddError::Exists(add.id));
        }
        if let Connection::Builtin { .. } = &add.connection {
            return self.add_builtin(add.id, actor).await;
        }
        let imported = add.imported.clone().map(fit_to_be_kept).transpose()?;
        let pending = self
            .pending_adds
            .begin(&add.id)
            .ok_or_else(|| AddError::AlreadyPending(add.id.clone()))?;
        let listing = self.try_out(&add, &pending).await?;
        if !pending.commit() {
            return Err(AddError::Cancelled(add.id));
        }
        let row = IntegrationRow {
            enabled: is_on(&add),
            imported,
            name: add.name.unwrap_or_else(|| add.id.to_string()),
            auth_method: if add.secrets.is_empty() { "none" } else { "token" }.to_owned(),
            connection: add.connection,
            tags: add.tags,
            policy: IntegrationPolicy::default(),
            resources: false,
            added_at: clock::now(),
            id: add.id,
        };
        let sealed: Vec<(String, Vec<u8>)> = add
            .secrets
            .iter()
            .map(|(name, secret)| {
                let seal = credential_seal(&row.id, name);
                (name.clone(), self.vault.seal(&seal, secret.expose().as_bytes()))
            })
            .collect();
        if !self.store.insert_integration(&row, &sealed).await? {
            return Err(AddError::Exists(row.id));
        }
        if let Some(listing) = &listing {
            keep_listing(&self.store, &row.id, listing).await?;
        }
        self.catalogue.put(row.clone(), listing);
        self.connect(&row).await?;
        self.policy.reload().await?;
        if add.untried {
            self.upstreams.wake(&row.id);
        }
        self.audit
            .record(actor, "integration.added", row.id.as_str(), added(&row, add.untried))
            .await;
        self.events.send(Event::Integration { id: row.id.clone() });
        self.approvals.review_installs(&row.id).await?;
        Ok(row)
    }

    /// What the server offers, or `None` if it is to be kept although it can't be reached now or was not to be tried.
    /// Ends when the owner ends the addition.
    async fn try_out(
        &self,
        add: &AddIntegration,
        pending: &PendingAdd<'_>,
    ) -> Result<Option<Listing>, AddError> {
        let target = target_of(add)?;
        if add.untried || !is_on(add) {
            return Ok(None);
        }
        let idle_stop = self.settings.idle_stop();
        let spec = UpstreamSpec { id: add.id.clone(), target, idle_stop, last_revision: None };
        let probe = self.upstreams.probe(spec);
        let tried = async {
            if !add.keep_unreachable {
                return probe.await.map(Some).map_err(AddError::Unreachable);
            }
            // It is kept if the owner does not answer, so no wait is long.
            match tokio::time::timeout(SHORT_TRY, probe).await {
                // That is an answer: what was given to get in does not.
                Ok(Err(error @ UpstreamError::NeedsAuth { .. })) if !add.secrets.is_empty() => {
                    Err(AddError::Unreachable(error))
                }
                Ok(tried) => Ok(tried.ok()),
                Err(_) => Ok(None),
            }
        };
        tokio::select! {
            tried = tried => tried,
            () = pending.ended() => Err(AddError::Cancelled(add.id.clone())),
        }
    }

    async fn add_builtin(
        &self,
        id: IntegrationId,
        actor: &str,
    ) -> Result<IntegrationRow, AddError> {
        if id != crate::builtin::demo::id() {
            return Err(AddError::UnknownBuiltin);
        }
        self.install_demo().await?;
        self.audit.record(actor, "integration.added", id.as_str(), json!({})).await;
        self.events.send(Event::Integration { id: id.clone() });
        self.catalogue.get(&id).map(|entry| entry.row.clone()).ok_or(AddError::UnknownBuiltin)
    }

    /// Changes what the owner asked to change; the rest stays.
    pub(crate) async fn change_integration(
        &self,
        id: &IntegrationId,
        change: ChangeIntegration,
    ) -> Result<(), ChangeError> {
        let entry = self.catalogue.get(id).ok_or_else(|| ChangeError::Unknown(id.to_string()))?;
        let mut row = entry.row.clone();
        let detail = serde_json::to_value(&change).unwrap_or_default();
        if let Some(mode) = change.default_mode {
            row.policy.default_mode = match mode.as_str() {
                "none" => None,
                text => {
                    let known = Mode::parse(text);
                    Some(known.ok_or_else(|| ChangeError::BadMode(mode.clone()))?)
                }
            };
        }
        row.name = change.name.unwrap_or(row.name);
        row.tags = change.tags.unwrap_or(row.tags);
        row.policy.read_only_may_run =
            change.read_only_may_run.unwrap_or(row.policy.read_only_may_run);
        row.resources = change.resources.unwrap_or(row.resources);
        let enabled = change.enabled.unwrap_or(row.enabled);
        let switched = enabled != row.enabled;
        row.enabled = enabled;
        if let (Some(true), Some(imported)) = (change.imported_settled, &mut row.imported) {
            imported.auto_approve.clear();
            imported.auto_approve_all = false;
        }
        self.store.update_integration(&row).await?;
        self.catalogue.put(row.clone(), None);
        if switched {
            self.connect(&row).await?;
        }
        self.policy.reload().await?;
        self.audit.record("owner", "integration.changed", id.as_str(), detail).await;
        self.events.send(Event::Integration { id: id.clone() });
        Ok(())
    }

    /// Replaces secrets. The new ones are tried first; until they have worked, the old ones stay in force.
    pub(crate) async fn replace_credentials(
        &self,
        id: &IntegrationId,
        secrets: BTreeMap<String, Secret>,
    ) -> Result<(), AddError> {
        let Some(entry) = self.catalogue.get(id) else {
            return Err(ConnectError::NoSecrets(id.clone()).into());
        };
        let row = &entry.row;
        let used = secret_names(&row.connection);
        if let Some(unused) = secrets.keys().find(|name| !used.contains(&name.as_str())) {
            return Err(AddError::UnusedSecret(unused.clone()));
        }
        let mut all = self.unsealed(id).await?;
        all.extend(secrets.clone());
        let Some(target) = target(&row.connection, &all)? else {
            return Err(ConnectError::NoSecrets(id.clone()).into());
        };
        let idle_stop = self.settings.idle_stop();
        let spec = UpstreamSpec {
            id: id.clone(),
            target,
            idle_stop,
            last_revision: entry.listing.as_ref().map(|listing| listing.revision.clone()),
        };
        self.upstreams.probe(spec).await.map_err(AddError::NotWithThese)?;
        for (name, secret) in &secrets {
            let seal = credential_seal(id, name);
            let sealed = self.vault.seal(&seal, secret.expose().as_bytes());
            self.store.put_credential(id, name, &sealed).await?;
        }
        self.connect(row).await?;
        let names: Vec<&String> = secrets.keys().collect();
        self.audit
            .record("owner", "credentials.replaced", id.as_str(), json!({ "names": names }))
            .await;
        self.events.send(Event::Integration { id: id.clone() });
        Ok(())
    }

    /// Takes over what the owner says of the tools, for every integration.
    pub(crate) async fn reload_classifications(&self) -> Result<(), StoreError> {
        let mut all = HashMap::<IntegrationId, Classifications>::new();
        for ToolEffectRow { integration, tool, digest, effect } in self.store.tool_effects().await?
        {
            let said = ToolClassification { effect, digest };
            all.entry(integration).or_default().insert(tool, said);
        }
        self.catalogue.classify(all);
        Ok(())
    }

    /// Ends the connection and drops credentials, rules and open requests.
    pub(crate) async fn remove_integration(
        &self,
        id: &IntegrationId,
        actor: &str,
    ) -> Result<bool, StoreError> {
        if self.catalogue.get(id).is_none() {
            return Ok(false);
        }
        // Out of sight first, so that no new call finds it while its process ends.
        self.catalogue.remove(id);
        self.upstreams.remove(id).await;
        self.secrets.remove(id);
        self.store.delete_integration(id).await?;
        self.reload_classifications().await?;
        self.approvals.withdraw_all_of(id).await?;
        self.policy.reload().await?;
        self.audit.record(actor, "integration.removed", id.as_str(), json!({})).await;
        self.events.send(Event::Integration { id: id.clone() });
        Ok(true)
    }
}

/// Stores the last known listing of an integration.
pub(super) async fn keep_listing(
    store: &Store,
    id: &IntegrationId,
    listing: &Listing,
) -> Result<(), StoreError> {
    let json = serde_json::to_string(listing).unwrap_or_default();
    let row = ListingRow { integration: id.clone(), json, fetched_at: clock::now() };
    store.put_listing(&row).await
}

fn is_on(add: &AddIntegration) -> bool {
    add.enabled.unwrap_or(true)
}

/// What the audit says of a new integration.
fn added(row: &IntegrationRow, untried: bool) -> serde_json::Value {
    let mut detail = json!({ "name": row.name });
    if let Some(imported) = &row.imported {
        detail["from"] = json!(imported.from);
    }
    if !row.enabled {
        detail["enabled"] = json!(false);
    }
    if untried {
        detail["untried"] = json!(true);
    }
    detail
}

/// Could it be kept as it is described, once its secrets are given?
pub(crate) fn check_connection(
    id: &IntegrationId,
    connection: &Connection,
) -> Result<(), AddError> {
    let is_demo = *id == crate::builtin::demo::id();
    if let Connection::Builtin { name } = connection {
        let own = is_demo && name == id.as_str();
        return if own { Ok(()) } else { Err(AddError::UnknownBuiltin) };
    }
    if is_demo {
        return Err(AddError::UnknownBuiltin);
    }
    refuse_plaintext(connection)?;
    let any = |name: &str| (name.to_owned(), Secret::new("any"));
    let secrets = secret_names(connection).into_iter().map(any).collect();
    target(connection, &secrets)?.map(drop).ok_or(AddError::UnknownBuiltin)
}

/// Where a new integration is to be reached, if it can be as it is described and may be kept so.
pub(crate) fn target_of(add: &AddIntegration) -> Result<UpstreamTarget, AddError> {
    refuse_plaintext(&add.connection)?;
    let used = secret_names(&add.connection);
    if let Some(unused) = add.secrets.keys().find(|name| !used.contains(&name.as_str())) {
        return Err(AddError::UnusedSecret(unused.clone()));
    }
    target(&add.connection, &add.secrets)?.ok_or(AddError::UnknownBuiltin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(url: &str, header: Option<(&str, &str)>, secrets: &[&str]) -> AddIntegration {
        let headers: BTreeMap<&str, &str> = header.into_iter().collect();
        let secrets: BTreeMap<&str, &str> =
            secrets.iter().map(|name| (*name, "obviously-fake")).collect();
        serde_json::from_value(json!({
            "id": "x",
            "connection": { "type": "remote_mcp", "url": url, "headers": headers },
            "secrets": secrets,
        }))
        .unwrap()
    }

    #[test]
    fn only_what_may_be_kept_is_added() {
        let authorization = Some(("Authorization", "Bearer {token}"));
        for (add, fits) in [
            (add("https://h/mcp", None, &[]), true),
            (add("https://h/mcp", authorization, &["token"]), true),
            (add("https://h/mcp?key={token}", None, &["token"]), true),
            (add("https://h/mcp?key={token1}", authorization, &["token", "token1"]), true),
            (add("https://h/mcp?key={token}", None, &[]), false),
            (add("https://h/mcp", None, &["token"]), false),
            (add("https://h/{token}", None, &["token"]), false),
            (add("https://h/mcp?key=obviously-fake", None, &[]), false),
            (add("https://u:obviously-fake@h/mcp", None, &[]), false),
            (add("https://h/mcp", Some(("X-API-Key", "obviously-fake")), &[]), false),
        ] {
            match target_of(&add) {
                Ok(_) => assert!(fits, "{:?}", add.connection),
                Err(error) => {
                    assert!(!fits, "{:?}: {error}", add.connection);
                    assert!(!error.to_string().contains("fake"), "{error}");
                }
            }
        }
    }
}
