//! Accounts: the sets of credentials of remote servers, of which an integration can have several.
//!
//! One that is signed in to by OAuth holds one record (client, endpoints, tokens), which is replaced as a whole and
//! stored, sealed, before it is used: many providers accept a refresh token once. It is renewed by one task at a time,
//! whichever of its requests, or the clock, asked for it ([`OAuthAccount`]). One whose tokens the owner pasted is
//! replaced by the owner alone ([`TokenAccount`]).
//!
//! Secrets of local servers are no accounts; they are in the table `credentials`.
//!
//! Deliberately absent: signing in, which adds integrations and is therefore a layer above (`sign_ins`).

mod account;
mod choice;
mod identity;
mod labels;
pub(crate) mod oauth;
mod oauth_account;
mod renewal;
mod schedule;
mod token_account;
mod token_source;
mod tokens;
mod view;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use agentport_api::{Event, Health, OAuthSettings};
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

pub(crate) use self::{
    account::IntegrationAccount,
    oauth_account::OAuthAccount,
    token_account::{AccountSecrets, TokenAccount},
};
use self::{
    choice::AccountChoices,
    labels::{FIRST_LABEL, MAX_LABEL},
    oauth::{OAuthClient, OAuthRecord},
    renewal::{AccountServices, UnreadableAccount},
    token_account::StateChange,
};
use crate::{
    audit::Audit,
    clock,
    events::Events,
    store::{AccountAuth, AccountRow, Store, StoreError, Transition},
    vault::Vault,
};

/// All accounts.
pub(crate) struct Accounts {
    services: Arc<AccountServices>,
    audit: Audit,
    accounts: RwLock<HashMap<AccountId, IntegrationAccount>>,
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
            let id = row.id;
            let settings = settings_of(&row.integration).unwrap_or_default();
            match self.read(row, settings) {
                Ok(account) => {
                    self.accounts.write().insert(id, account);
                }
                Err(error) => tracing::error!(
                    account = %id,
                    error = %ErrorChain(&*error),
                    "the credentials of an account cannot be read; sign in again, or give its token again"
                ),
            }
        }
        self.reload_choices().await
    }

    fn read(
        &self,
        row: AccountRow,
        settings: OAuthSettings,
    ) -> Result<IntegrationAccount, UnreadableAccount> {
        let json = self.services.unsealed(&row)?;
        let services = self.services.clone();
        Ok(match row.auth_method {
            AccountAuth::Oauth => {
                let record = OAuthRecord::from_json(json.expose())?;
                IntegrationAccount::OAuth(OAuthAccount::new(services, row, record, settings))
            }
            AccountAuth::Token => {
                let secrets = token_account::from_json(&json)?;
                IntegrationAccount::Token(TokenAccount::new(services, row, secrets))
            }
        })
    }

    /// An account in memory alone, for trying it; [`Accounts::keep`] or the store of integrations makes it last.
    pub(crate) fn provisional(
        &self,
        integration: &IntegrationId,
        label: String,
        record: OAuthRecord,
        settings: OAuthSettings,
    ) -> Arc<OAuthAccount> {
        let row = self.new_row(integration, label, AccountAuth::Oauth);
        OAuthAccount::new(self.services.clone(), row, record, settings)
    }

    /// The same with tokens the owner pasted. Without a label it is the integration's first.
    pub(crate) fn provisional_token(
        &self,
        integration: &IntegrationId,
        label: Option<String>,
        secrets: AccountSecrets,
    ) -> IntegrationAccount {
        let label = label.unwrap_or_else(|| FIRST_LABEL.to_owned());
        let row = self.new_row(integration, label, AccountAuth::Token);
        IntegrationAccount::Token(TokenAccount::new(self.services.clone(), row, secrets))
    }

    fn new_row(
        &self,
        integration: &IntegrationId,
        label: String,
        auth_method: AccountAuth,
    ) -> AccountRow {
        AccountRow {
            id: AccountId(Uuid::now_v7()),
            integration: integration.clone(),
            label,
            is_default: self.default_of(integration).is_none(),
            auth_method,
            sealed: Vec::new(),
            sign_in_needed: None,
            created_at: clock::now(),
        }
    }

    /// Stores a provisional account of an integration that exists.
    pub(crate) async fn keep(&self, account: IntegrationAccount) -> Result<(), AccountError> {
        let row = account.sealed_row();
        if self.services.store.insert_account(&row).await? == Transition::LostRace {
            return Err(AccountError::LabelTaken(row.label));
        }
        self.stored(account).await;
        Ok(())
    }

    /// Makes an account of the secrets that the table `credentials` holds of an integration.
    pub(crate) async fn adopt_credentials(
        &self,
        integration: &IntegrationId,
        secrets: AccountSecrets,
    ) -> Result<(), StoreError> {
        let account = self.provisional_token(integration, None, secrets);
        let stored = self.services.store.replace_credentials_by(&account.sealed_row()).await?;
        if stored.is_applied() {
            self.came_with_integration(account);
        }
        Ok(())
    }

    /// An account was stored together with its integration.
    pub(crate) fn came_with_integration(&self, account: IntegrationAccount) {
        self.accounts.write().insert(account.id(), account);
        self.changed();
    }

    /// A provisional account was stored, by whichever service.
    pub(crate) async fn stored(&self, account: IntegrationAccount) {
        if let Some(account) = account.oauth() {
            account.mark_stored().await;
        }
        self.accounts.write().insert(account.id(), account.clone());
        self.record(AuditAction::AccountAdded, account.integration(), &account.label()).await;
        self.changed();
    }

    /// Replaces the secrets of an account, after they have worked.
    pub(crate) async fn replace_secrets(
        &self,
        account: &TokenAccount,
        secrets: AccountSecrets,
    ) -> Result<(), AccountError> {
        account.replace_secrets(secrets).await?;
        self.changed();
        Ok(())
    }

    /// Takes over what the connection of an account has found; without an account, that of the default one.
    pub(crate) fn set_health(
        &self,
        integration: &IntegrationId,
        account: Option<AccountId>,
        health: &Health,
    ) {
        let account = match account {
            Some(id) => self.get(id),
            None => self.default_of(integration),
        };
        if let Some(IntegrationAccount::Token(account)) = account
            && account.set_health(health) == StateChange::Changed
        {
            self.changed();
        }
    }

    /// Replaces the record of an account after it was signed in to again.
    pub(crate) async fn replace(
        &self,
        id: AccountId,
        record: OAuthRecord,
    ) -> Result<(), AccountError> {
        let account = self.oauth_account(id).ok_or(AccountError::Unknown(id))?;
        account.replace_record(record).await?;
        let identity = &account.identity;
        self.record(AuditAction::AccountSignedIn, identity.integration(), &identity.label()).await;
        self.changed();
        Ok(())
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<IntegrationAccount> {
        self.accounts.read().get(&id).cloned()
    }

    /// The same, if it was signed in to by OAuth.
    pub(crate) fn oauth_account(&self, id: AccountId) -> Option<Arc<OAuthAccount>> {
        self.get(id)?.oauth().cloned()
    }

    /// By integration and age.
    pub(crate) fn all(&self) -> Vec<IntegrationAccount> {
        let mut all: Vec<_> = self.accounts.read().values().cloned().collect();
        all.sort_by_key(|account| (account.integration().clone(), account.id()));
        all
    }

    pub(crate) fn of(&self, integration: &IntegrationId) -> Vec<IntegrationAccount> {
        let all = self.accounts.read();
        let mut of: Vec<_> =
            all.values().filter(|account| account.integration() == integration).cloned().collect();
        of.sort_by_key(|account| account.id());
        of
    }

    /// The account that is used where nothing else was chosen.
    pub(crate) fn default_of(&self, integration: &IntegrationId) -> Option<IntegrationAccount> {
        let all = self.accounts.read();
        let mut of = all.values().filter(|account| account.integration() == integration);
        of.find(|account| account.is_default()).cloned()
    }

    pub(crate) async fn make_default(&self, id: AccountId) -> Result<(), AccountError> {
        let account = self.get(id).ok_or(AccountError::Unknown(id))?;
        if self.services.store.make_default_account(id).await? == Transition::LostRace {
            return Err(AccountError::Unknown(id));
        }
        for other in self.of(account.integration()) {
            other.identity().set_default(other.id() == id);
        }
        self.record(AuditAction::AccountChanged, account.integration(), &account.label()).await;
        self.changed();
        Ok(())
    }

    /// Makes the next sign-in register with the provider anew.
    pub(crate) async fn forget_registration(&self, id: AccountId) -> Result<(), AccountError> {
        let account = self.oauth_account(id).ok_or(AccountError::Unknown(id))?;
        if account.forget_registration().await? == Transition::LostRace {
            return Err(AccountError::Unknown(id));
        }
        let identity = &account.identity;
        self.record(AuditAction::AccountChanged, identity.integration(), &identity.label()).await;
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
            next.identity().set_default(true);
        }
        self.reload_choices().await?;
        self.record(AuditAction::AccountRemoved, account.integration(), &account.label()).await;
        self.changed();
        if let Some(account) = account.oauth() {
            self.services.revoke(account.record());
        }
        Ok(())
    }

    /// The integration was removed, and its rows with it.
    pub(crate) fn integration_removed(&self, integration: &IntegrationId) {
        for account in self.of(integration) {
            self.accounts.write().remove(&account.id());
            if let Some(account) = account.oauth() {
                self.services.revoke(account.record());
            }
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
