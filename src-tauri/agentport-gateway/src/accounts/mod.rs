//! Accounts: the credentials of integrations that are signed in to by OAuth, and keeping them fresh.
//!
//! An account holds one record (client, endpoints, tokens), which is replaced as a whole and stored, sealed, before it
//! is used: many providers accept a refresh token once. An account is renewed by one task at a time, whichever of its
//! requests, or the clock, asked for it ([`OAuthAccount`]).
//!
//! Deliberately absent: signing in, which adds integrations and is therefore a layer above (`sign_ins`).

mod choice;
pub(crate) mod oauth;
mod oauth_account;
mod renewal;
mod schedule;
mod tokens;
mod view;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use agentport_api::{Event, OAuthSettings};
use agentport_core::{
    AccountId, ErrorChain, IntegrationId,
    audit::{Actor, AuditAction},
};
use arc_swap::ArcSwap;
use parking_lot::RwLock;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub(crate) use self::oauth_account::OAuthAccount;
use self::{
    choice::AccountChoices,
    oauth::{OAuthClient, OAuthRecord},
    renewal::AccountServices,
};
use crate::{
    audit::Audit,
    clock,
    events::Events,
    store::{AccountAuth, AccountRow, Store, StoreError, Transition},
    vault::Vault,
};

/// The label of the first account of an integration.
const FIRST_LABEL: &str = "default";
/// Characters of a label.
const MAX_LABEL: usize = 64;

/// All accounts that were signed in to.
pub(crate) struct Accounts {
    services: Arc<AccountServices>,
    audit: Audit,
    accounts: RwLock<HashMap<AccountId, Arc<OAuthAccount>>>,
    choices: ArcSwap<AccountChoices>,
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("there is no account {0}")]
    Unknown(AccountId),
    #[error("{0:?} is no id of an agent")]
    UnknownAgent(String),
    #[error("{0:?} is no label; it has 1 to {MAX_LABEL} characters")]
    BadLabel(String),
    #[error("the integration has an account with the label {0:?} already")]
    LabelTaken(String),
    #[error("the account could not be stored")]
    Store(#[from] StoreError),
}

/// An account that needs the owner, as of now.
#[derive(Debug, Clone)]
pub(crate) struct SignInNeeded {
    pub(crate) integration: IntegrationId,
    pub(crate) account: AccountId,
    pub(crate) message: String,
}

impl Accounts {
    /// `needy` gets every account whose credentials were refused for good.
    pub(crate) fn new(
        store: Store,
        vault: Arc<Vault>,
        events: Events,
        audit: Audit,
        tasks: TaskTracker,
        needy: mpsc::UnboundedSender<SignInNeeded>,
    ) -> Self {
        let oauth = OAuthClient::new();
        let services = AccountServices { store, vault, events, oauth, tasks, needy };
        Self {
            services: Arc::new(services),
            audit,
            accounts: RwLock::default(),
            choices: ArcSwap::default(),
        }
    }

    pub(crate) fn oauth(&self) -> &OAuthClient {
        &self.services.oauth
    }

    /// Reads all accounts at the start; `settings_of` gives the OAuth settings of an integration. One whose record cannot
    /// be read has to be signed in to again. Nothing is sent.
    pub(crate) async fn load(
        &self,
        settings_of: impl Fn(&IntegrationId) -> Option<OAuthSettings>,
    ) -> Result<(), StoreError> {
        for row in self.services.store.accounts().await? {
            if row.auth_method != AccountAuth::Oauth {
                continue;
            }
            let settings = settings_of(&row.integration).unwrap_or_default();
            let id = row.id;
            match self.services.unsealed(&row) {
                Ok(record) => {
                    let account = OAuthAccount::new(self.services.clone(), row, record, settings);
                    self.accounts.write().insert(id, account);
                }
                Err(error) => tracing::error!(
                    account = %id,
                    error = %ErrorChain(&*error),
                    "the credentials of an account cannot be read; sign in again"
                ),
            }
        }
        self.reload_choices().await
    }

    /// An account in memory alone, for trying it; [`Accounts::keep`] or the store of integrations makes it last.
    pub(crate) fn provisional(
        &self,
        integration: &IntegrationId,
        label: String,
        record: OAuthRecord,
        settings: OAuthSettings,
    ) -> Arc<OAuthAccount> {
        let row = AccountRow {
            id: AccountId(Uuid::now_v7()),
            integration: integration.clone(),
            label,
            is_default: self.default_of(integration).is_none(),
            auth_method: AccountAuth::Oauth,
            sealed: Vec::new(),
            sign_in_needed: None,
            created_at: clock::now(),
        };
        OAuthAccount::new(self.services.clone(), row, record, settings)
    }

    /// Stores a provisional account of an integration that exists.
    pub(crate) async fn keep(&self, account: Arc<OAuthAccount>) -> Result<(), AccountError> {
        let row = account.sealed_row();
        if self.services.store.insert_account(&row).await? == Transition::LostRace {
            return Err(AccountError::LabelTaken(row.label));
        }
        self.stored(account).await;
        Ok(())
    }

    /// A provisional account was stored, by whichever service.
    pub(crate) async fn stored(&self, account: Arc<OAuthAccount>) {
        account.mark_stored().await;
        self.accounts.write().insert(account.id(), account.clone());
        self.record(AuditAction::AccountAdded, account.integration(), &account.label()).await;
        self.changed();
    }

    /// Replaces the record of an account after it was signed in to again.
    pub(crate) async fn replace(
        &self,
        id: AccountId,
        record: OAuthRecord,
    ) -> Result<(), AccountError> {
        let account = self.get(id).ok_or(AccountError::Unknown(id))?;
        account.replace_record(record).await?;
        self.record(AuditAction::AccountSignedIn, account.integration(), &account.label()).await;
        self.changed();
        Ok(())
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<Arc<OAuthAccount>> {
        self.accounts.read().get(&id).cloned()
    }

    /// By integration and age.
    pub(crate) fn all(&self) -> Vec<Arc<OAuthAccount>> {
        let mut all: Vec<_> = self.accounts.read().values().cloned().collect();
        all.sort_by_key(|account| (account.integration().clone(), account.id()));
        all
    }

    pub(crate) fn of(&self, integration: &IntegrationId) -> Vec<Arc<OAuthAccount>> {
        let all = self.accounts.read();
        let mut of: Vec<_> =
            all.values().filter(|account| account.integration() == integration).cloned().collect();
        of.sort_by_key(|account| account.id());
        of
    }

    /// The account that is used where nothing else was chosen.
    pub(crate) fn default_of(&self, integration: &IntegrationId) -> Option<Arc<OAuthAccount>> {
        self.of(integration).into_iter().find(|account| account.is_default())
    }

    /// A label for a new account: the wanted one if it is free, else the first free one.
    pub(crate) fn label_for(
        &self,
        integration: &IntegrationId,
        wanted: Option<&str>,
    ) -> Result<String, AccountError> {
        let taken: Vec<String> =
            self.of(integration).iter().map(|account| account.label()).collect();
        match wanted {
            Some(wanted) => {
                let label = checked_label(wanted)?;
                if taken.contains(&label) {
                    return Err(AccountError::LabelTaken(label));
                }
                Ok(label)
            }
            None => {
                let numbered = (2_u32..).map(|number| format!("account {number}"));
                let mut labels = std::iter::once(FIRST_LABEL.to_owned()).chain(numbered);
                Ok(labels.find(|label| !taken.contains(label)).unwrap_or_default())
            }
        }
    }

    pub(crate) async fn rename(&self, id: AccountId, label: &str) -> Result<(), AccountError> {
        let account = self.get(id).ok_or(AccountError::Unknown(id))?;
        let label = checked_label(label)?;
        if label == account.label() {
            return Ok(());
        }
        if self.services.store.rename_account(id, &label).await? == Transition::LostRace {
            return Err(AccountError::LabelTaken(label));
        }
        account.set_label(&label);
        self.record(AuditAction::AccountChanged, account.integration(), &label).await;
        self.changed();
        Ok(())
    }

    pub(crate) async fn make_default(&self, id: AccountId) -> Result<(), AccountError> {
        let account = self.get(id).ok_or(AccountError::Unknown(id))?;
        if self.services.store.make_default_account(id).await? == Transition::LostRace {
            return Err(AccountError::Unknown(id));
        }
        for other in self.of(account.integration()) {
            other.set_default(other.id() == id);
        }
        self.record(AuditAction::AccountChanged, account.integration(), &account.label()).await;
        self.changed();
        Ok(())
    }

    /// Makes the next sign-in register with the provider anew.
    pub(crate) async fn forget_registration(&self, id: AccountId) -> Result<(), AccountError> {
        let account = self.get(id).ok_or(AccountError::Unknown(id))?;
        account.forget_registration();
        self.record(AuditAction::AccountChanged, account.integration(), &account.label()).await;
        Ok(())
    }

    /// Forgets an account; its tokens are revoked at the provider where that is offered. What the provider says to
    /// that does not matter: they are gone here.
    pub(crate) async fn disconnect(&self, id: AccountId) -> Result<(), AccountError> {
        let removed = self.accounts.write().remove(&id);
        let account = removed.ok_or(AccountError::Unknown(id))?;
        let _: Transition = self.services.store.delete_account(id).await?;
        if account.is_default()
            && let Some(next) = self.of(account.integration()).first()
        {
            next.set_default(true);
        }
        self.reload_choices().await?;
        self.record(AuditAction::AccountRemoved, account.integration(), &account.label()).await;
        self.changed();
        self.services.revoke(account.record());
        Ok(())
    }

    /// The integration was removed, and its rows with it.
    pub(crate) fn integration_removed(&self, integration: &IntegrationId) {
        for account in self.of(integration) {
            self.accounts.write().remove(&account.id());
            self.services.revoke(account.record());
        }
        self.changed();
    }

    /// Revokes tokens that no account uses, in the background.
    pub(crate) fn revoke(&self, record: OAuthRecord) {
        self.services.revoke(record);
    }

    fn changed(&self) {
        self.services.events.send(Event::Accounts);
    }

    async fn record(&self, action: AuditAction, integration: &IntegrationId, label: &str) {
        self.audit
            .record(Actor::Owner, action, integration.as_str(), json!({ "account": label }))
            .await;
    }
}

fn checked_label(label: &str) -> Result<String, AccountError> {
    let clean = agentport_core::sanitize::sanitize_line(label.trim(), MAX_LABEL);
    if clean.is_empty() || clean != label.trim() {
        return Err(AccountError::BadLabel(agentport_core::sanitize::sanitize_line(
            label, MAX_LABEL,
        )));
    }
    Ok(clean)
}
