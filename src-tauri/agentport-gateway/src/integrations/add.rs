//! Adding and removing.

use std::{collections::HashMap, sync::Arc};

use agentport_api::{AddIntegration, Connection, Event, Imported, TokenPlace};
use agentport_core::{
    ErrorChain, IntegrationId, Secret,
    audit::{Actor, AuditAction},
    policy::IntegrationPolicy,
};
use serde_json::json;

use super::{
    Integrations,
    accounts::takes_token_accounts,
    connect::{ConnectError, credential_seal, refuse_plaintext, secret_names, target},
    imported::{TooMuch, fit_to_be_kept},
    naming::{free_id, own_name, suggested_name},
    pasted_secret::{UnusableSecret, tidied},
    trial::close,
};
use crate::{
    accounts::{AccountError, IntegrationAccount, OAuthAccount},
    catalogue::{Classifications, ToolClassification},
    clock,
    store::{IntegrationRow, ListingRow, Store, StoreError, ToolEffectRow, Transition},
    upstream::{Listing, OpenedUpstream, UpstreamError, UpstreamTarget},
};

/// Why an integration was not added. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddError {
    #[error("an integration \"{0}\" exists already; remove it first, or choose another id")]
    Exists(IntegrationId),
    #[error("an integration \"{0}\" is being added already")]
    AlreadyPending(String),
    #[error("adding it was ended before it counted; nothing of it is kept")]
    Cancelled,
    #[error("an attempt has a name of 1 to 64 bytes")]
    BadAttempt,
    #[error("no id could be made for it; choose one")]
    NoFreeId,
    #[error(transparent)]
    UnusableSecret(#[from] UnusableSecret),
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
    #[error(
        "the server wants a token, and none was given: it goes into the header {}, as {}",
        .0.header, .0.format.replace("{token}", "…")
    )]
    TokenNeeded(TokenPlace),
    #[error("the server could not be used with the new credentials, so the old ones stay: {}", ErrorChain(.0))]
    NotWithThese(UpstreamError),
    #[error("\"{0}\" takes no accounts by token: only a remote server that is given a token does")]
    NoTokenAccounts(IntegrationId),
    #[error("the server could not be used with it, so the account was not added: {}", ErrorChain(.0))]
    NotWithThisAccount(UpstreamError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error("the integration could not be stored")]
    Store(#[from] StoreError),
}

/// Longest name of an attempt, in bytes.
const MAX_ATTEMPT: usize = 64;

impl Integrations {
    /// Tries the connection, unless it is not to be tried, then keeps it with its sealed credentials. Calls go on over the
    /// connection that was tried. `actor` is who asked for it.
    pub(crate) async fn add_integration(
        &self,
        mut add: AddIntegration,
        actor: Actor,
    ) -> Result<IntegrationRow, AddError> {
        if let Connection::Builtin { name } = &add.connection {
            let id = add.id.or_else(|| IntegrationId::new(name).ok());
            return self.add_builtin(id, actor).await;
        }
        let secrets = std::mem::take(&mut add.secrets);
        add.secrets = tidied(&add.connection, secrets)?;
        self.add(add, None, actor).await
    }

    /// The same for one that was signed in to, with the account for it, which is kept with it.
    pub(crate) async fn add_signed_in(
        &self,
        add: AddIntegration,
        account: Arc<OAuthAccount>,
        actor: Actor,
    ) -> Result<IntegrationRow, AddError> {
        self.add(add, Some(account), actor).await
    }

    async fn add(
        &self,
        mut add: AddIntegration,
        account: Option<Arc<OAuthAccount>>,
        actor: Actor,
    ) -> Result<IntegrationRow, AddError> {
        if let Some(id) = add.id.as_ref().filter(|id| self.catalogue.get(id).is_some()) {
            return Err(AddError::Exists(id.clone()));
        }
        let imported = add.imported.take().map(fit_to_be_kept).transpose()?;
        let trial_id = self.trial_id(&add)?;
        let attempt = add.attempt.as_deref().unwrap_or(trial_id.as_str());
        if attempt.is_empty() || attempt.len() > MAX_ATTEMPT {
            return Err(AddError::BadAttempt);
        }
        let pending = self
            .pending_adds
            .begin(attempt)
            .ok_or_else(|| AddError::AlreadyPending(attempt.to_owned()))?;
        let opened = self.try_out(trial_id, &add, account.as_ref(), &pending).await?;
        if pending.commit() == Transition::LostRace {
            close(opened).await;
            return Err(AddError::Cancelled);
        }
        self.keep(add, imported, account, opened, actor).await
    }

    /// The id it has while it is tried.
    fn trial_id(&self, add: &AddIntegration) -> Result<IntegrationId, AddError> {
        match &add.id {
            Some(id) => Ok(id.clone()),
            None => self.free_id(&suggested_name(&add.connection)),
        }
    }

    /// An id made from a name, which no integration has.
    pub(crate) fn free_id(&self, name: &str) -> Result<IntegrationId, AddError> {
        let is_taken = |id: &IntegrationId| self.catalogue.get(id).is_some();
        free_id(name, is_taken).ok_or(AddError::NoFreeId)
    }

    /// What is stored of a new integration. A name it was not given is what the server calls itself.
    fn new_row(
        &self,
        add: &AddIntegration,
        imported: Option<Imported>,
        listing: Option<&Listing>,
    ) -> Result<IntegrationRow, AddError> {
        let named = match (&add.name, &add.id, add.connection.program()) {
            (Some(name), _, _) => Some(name.clone()),
            // The owner, or a client's file, chose the id for the program it runs.
            (None, Some(id), Some(_)) => Some(id.to_string()),
            (None, _, _) => listing.and_then(own_name),
        };
        let name = named.unwrap_or_else(|| match &add.id {
            Some(id) => id.to_string(),
            None => suggested_name(&add.connection),
        });
        let id = match &add.id {
            Some(id) => id.clone(),
            None => self.free_id(&name)?,
        };
        Ok(IntegrationRow {
            enabled: is_on(add),
            imported,
            name,
            auth_method: auth_method(add).to_owned(),
            connection: add.connection.clone(),
            tags: add.tags.clone(),
            policy: IntegrationPolicy::default(),
            resources: false,
            added_at: clock::now(),
            id,
        })
    }

    /// Stores an integration that was tried, and hands its connection on to the calls.
    async fn keep(
        &self,
        add: AddIntegration,
        imported: Option<Imported>,
        account: Option<Arc<OAuthAccount>>,
        opened: Option<OpenedUpstream>,
        actor: Actor,
    ) -> Result<IntegrationRow, AddError> {
        let listing = opened.as_ref().map(|opened| opened.listing.clone());
        let row = self.new_row(&add, imported, listing.as_ref())?;
        if self.store_new(&row, &add, account).await? == Transition::LostRace {
            close(opened).await;
            return Err(AddError::Exists(row.id));
        }
        if let Some(listing) = &listing {
            keep_listing(&self.store, &row.id, listing).await?;
        }
        self.catalogue.put(row.clone(), listing);
        self.connect_with(&row, opened).await?;
        self.policy.reload().await?;
        if add.untried {
            self.upstreams.wake(&row.id);
        }
        self.audit
            .record(actor, AuditAction::IntegrationAdded, row.id.as_str(), added(&row, add.untried))
            .await;
        self.events.send(Event::Integration { id: row.id.clone() });
        self.approvals.review_installs(&row.id).await?;
        Ok(row)
    }

    /// Stores a new integration with what lets it in.
    async fn store_new(
        &self,
        row: &IntegrationRow,
        add: &AddIntegration,
        account: Option<Arc<OAuthAccount>>,
    ) -> Result<Transition, StoreError> {
        if let Some(account) = account {
            let account = IntegrationAccount::OAuth(account);
            let stored = account.sealed_row();
            let kept = self.store.insert_integration_with_account(row, &stored).await?;
            if kept.is_applied() {
                self.accounts.stored(account).await;
            }
            return Ok(kept);
        }
        if takes_token_accounts(&row.connection) && !add.secrets.is_empty() {
            let account = self.accounts.provisional_token(&row.id, None, add.secrets.clone());
            let stored = account.sealed_row();
            let kept = self.store.insert_integration_with_account(row, &stored).await?;
            if kept.is_applied() {
                self.accounts.came_with_integration(account);
            }
            return Ok(kept);
        }
        let seal = |(name, secret): (&String, &Secret)| {
            let seal = credential_seal(&row.id, name);
            (name.clone(), self.vault.seal(&seal, secret.expose().as_bytes()))
        };
        let sealed: Vec<(String, Vec<u8>)> = add.secrets.iter().map(seal).collect();
        self.store.insert_integration(row, &sealed).await
    }

    async fn add_builtin(
        &self,
        id: Option<IntegrationId>,
        actor: Actor,
    ) -> Result<IntegrationRow, AddError> {
        let id = id.filter(|id| *id == crate::builtin::demo::id());
        let id = id.ok_or(AddError::UnknownBuiltin)?;
        if self.catalogue.get(&id).is_some() {
            return Err(AddError::Exists(id));
        }
        self.install_demo().await?;
        self.audit.record(actor, AuditAction::IntegrationAdded, id.as_str(), json!({})).await;
        self.events.send(Event::Integration { id: id.clone() });
        self.catalogue.get(&id).map(|entry| entry.row.clone()).ok_or(AddError::UnknownBuiltin)
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

    /// Ends the connection and drops credentials, rules and open requests. [`Transition::LostRace`]: it is gone already.
    pub(crate) async fn remove_integration(
        &self,
        id: &IntegrationId,
        actor: Actor,
    ) -> Result<Transition, StoreError> {
        if self.catalogue.get(id).is_none() {
            return Ok(Transition::LostRace);
        }
        // Out of sight first, so that no new call finds it while its process ends.
        self.catalogue.remove(id);
        self.upstreams.remove(id).await;
        self.secrets.remove(id);
        self.accounts.integration_removed(id);
        self.remove_bundles(id).await;
        let removed = self.store.delete_integration(id).await?;
        self.reload_classifications().await?;
        self.approvals.withdraw_all_of(id).await?;
        self.policy.reload().await?;
        self.audit.record(actor, AuditAction::IntegrationRemoved, id.as_str(), json!({})).await;
        self.events.send(Event::Integration { id: id.clone() });
        Ok(removed)
    }
}

impl Integrations {
    /// Removes what was unpacked for an integration.
    pub(crate) async fn remove_bundles(&self, id: &IntegrationId) {
        let (bundles, id) = (self.bundles.clone(), id.clone());
        let removed = tokio::task::spawn_blocking(move || bundles.remove_all_of(&id)).await;
        removed.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    }

    /// Removes what was unpacked for integrations that are not there, which a killed gateway can have left.
    pub(crate) async fn remove_unused_bundles(&self) {
        let bundles = self.bundles.clone();
        let used: Vec<_> = self.catalogue.snapshot().integrations.keys().cloned().collect();
        let removed = tokio::task::spawn_blocking(move || bundles.remove_unused(used.iter())).await;
        removed.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
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

pub(super) fn is_on(add: &AddIntegration) -> bool {
    add.enabled.unwrap_or(true)
}

fn auth_method(add: &AddIntegration) -> &'static str {
    match (add.connection.oauth(), add.secrets.is_empty()) {
        (Some(_), _) => "oauth",
        (None, false) => "token",
        (None, true) => "none",
    }
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
    use std::collections::BTreeMap;

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
