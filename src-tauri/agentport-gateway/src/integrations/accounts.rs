//! Accounts whose tokens the owner pastes: one more of an integration, and other tokens for one that is there. What is
//! new is tried against the server before it counts.

use std::collections::BTreeMap;

use agentport_api::{Connection, Event};
use agentport_core::{
    AccountId, ErrorChain, IntegrationId, Secret,
    audit::{Actor, AuditAction},
};
use serde_json::json;

use super::{
    Integrations,
    add::AddError,
    connect::{ConnectError, secret_names, sign_in_with, target},
    pasted_secret::tidied,
};
use crate::{
    accounts::{AccountError, AccountSecrets, IntegrationAccount},
    store::{IntegrationRow, StoreError},
    upstream::{OpenedUpstream, StartWatch, UpstreamError, UpstreamSpec, UpstreamTarget},
};

/// Can it have several accounts, each with tokens of its own? Local servers have one set of secrets.
pub(super) fn takes_token_accounts(connection: &Connection) -> bool {
    connection.url().is_some()
        && connection.oauth().is_none()
        && !secret_names(connection).is_empty()
}

impl Integrations {
    /// Adds an account with these tokens, once they have worked. Without a label it gets the next free one.
    pub(crate) async fn add_token_account(
        &self,
        id: &IntegrationId,
        label: Option<&str>,
        secrets: BTreeMap<String, Secret>,
    ) -> Result<AccountId, AddError> {
        let refused = || AddError::NoTokenAccounts(id.clone());
        let entry = self.catalogue.get(id).ok_or_else(refused)?;
        let row = &entry.row;
        if !takes_token_accounts(&row.connection) {
            return Err(refused());
        }
        let label = self.accounts.label_for(id, label)?;
        let secrets = self.usable(&row.connection, secrets)?;
        let opened = self.tried(row, &secrets).await?.map_err(AddError::NotWithThisAccount)?;
        let account = self.accounts.provisional_token(id, Some(label), secrets);
        if let Err(error) = self.accounts.keep(account.clone()).await {
            opened.close().await;
            return Err(error.into());
        }
        self.connect_account(row, &account, opened).await?;
        Ok(account.id())
    }

    /// Replaces tokens of an account; those that are not given stay. The new ones are tried first; until they have
    /// worked, the old ones stay in force.
    pub(crate) async fn replace_account_secrets(
        &self,
        id: AccountId,
        secrets: BTreeMap<String, Secret>,
    ) -> Result<(), AddError> {
        let unknown = || AddError::Account(AccountError::Unknown(id));
        let found = self.accounts.get(id).ok_or_else(unknown)?;
        let integration = found.integration().clone();
        let IntegrationAccount::Token(account) = &found else {
            return Err(AddError::NoTokenAccounts(integration));
        };
        let entry = self.catalogue.get(&integration).ok_or_else(unknown)?;
        let row = &entry.row;
        let secrets = self.usable(&row.connection, secrets)?;
        let mut all = AccountSecrets::clone(&account.secrets());
        all.extend(secrets.clone());
        let opened = self.tried(row, &all).await?.map_err(AddError::NotWithThese)?;
        if let Err(error) = self.accounts.replace_secrets(account, all).await {
            opened.close().await;
            return Err(error.into());
        }
        self.connect_account(row, &found, opened).await?;
        self.credentials_replaced(&integration, &secrets, Some(&found.label())).await;
        Ok(())
    }

    /// Makes an account of the secrets of a remote server that were stored before there were accounts by token. Those
    /// that cannot be read stay as they are.
    pub(crate) async fn adopt_credentials(&self, row: &IntegrationRow) -> Result<(), StoreError> {
        let names = secret_names(&row.connection);
        if !takes_token_accounts(&row.connection) || !self.accounts.of(&row.id).is_empty() {
            return Ok(());
        }
        match self.unsealed(&row.id).await {
            Ok(secrets) if names.iter().all(|name| secrets.contains_key(*name)) => {
                self.accounts.adopt_credentials(&row.id, secrets).await
            }
            _ => Ok(()),
        }
    }

    /// Those of these secrets that the connection asks for, as they were meant.
    pub(super) fn usable(
        &self,
        connection: &Connection,
        secrets: BTreeMap<String, Secret>,
    ) -> Result<BTreeMap<String, Secret>, AddError> {
        let used = secret_names(connection);
        if let Some(unused) = secrets.keys().find(|name| !used.contains(&name.as_str())) {
            return Err(AddError::UnusedSecret(unused.clone()));
        }
        Ok(tidied(connection, secrets)?)
    }

    /// A connection with these secrets, or how the server refused it.
    pub(super) async fn tried(
        &self,
        row: &IntegrationRow,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<Result<OpenedUpstream, UpstreamError>, AddError> {
        let Some(target) = target(&row.connection, secrets)? else {
            return Err(ConnectError::NoSecrets(row.id.clone()).into());
        };
        let spec = self.spec(row, target);
        Ok(self.upstreams.open(&spec, &StartWatch::default()).await)
    }

    /// Has calls of an account go over a connection that was opened with its secrets.
    async fn connect_account(
        &self,
        row: &IntegrationRow,
        account: &IntegrationAccount,
        opened: OpenedUpstream,
    ) -> Result<(), AddError> {
        if account.is_default() {
            self.connect_with(row, Some(opened)).await?;
        } else {
            // Calls of the other accounts go on; so does the connection of the default one.
            opened.close().await;
            self.protect_secrets(row, &self.unsealed(&row.id).await?);
            if row.enabled {
                self.connect_other(row, account);
            }
        }
        self.events.send(Event::Integration { id: row.id.clone() });
        Ok(())
    }

    /// Makes the connection of an account other than the default known to the upstreams; nothing starts.
    pub(super) fn connect_other(&self, row: &IntegrationRow, account: &IntegrationAccount) {
        let secrets = account.token().map(|account| account.secrets()).unwrap_or_default();
        match target(&row.connection, &secrets) {
            Ok(Some(mut target)) => {
                if let Some(account) = account.oauth() {
                    sign_in_with(&mut target, account.clone());
                }
                // It has never been connected.
                let spec = UpstreamSpec {
                    last_revision: None,
                    last_transport: None,
                    ..self.spec(row, target)
                };
                self.upstreams.add_account(spec, account.id());
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(
                account = %account.id(),
                error = %ErrorChain(&error),
                "an account can't be used"
            ),
        }
    }

    /// What an upstream is reached with.
    pub(super) fn spec(&self, row: &IntegrationRow, target: UpstreamTarget) -> UpstreamSpec {
        let entry = self.catalogue.get(&row.id);
        let listing = entry.as_ref().and_then(|entry| entry.listing.as_ref());
        UpstreamSpec {
            id: row.id.clone(),
            target,
            idle_stop: self.settings.idle_stop(),
            last_revision: listing.map(|listing| listing.revision.clone()),
            last_transport: listing.and_then(|listing| listing.transport),
        }
    }

    pub(super) async fn credentials_replaced(
        &self,
        id: &IntegrationId,
        secrets: &BTreeMap<String, Secret>,
        account: Option<&str>,
    ) {
        let names: Vec<&String> = secrets.keys().collect();
        let mut detail = json!({ "names": names });
        if let Some(account) = account {
            detail["account"] = json!(account);
        }
        self.audit
            .record(Actor::Owner, AuditAction::CredentialsReplaced, id.as_str(), detail)
            .await;
        self.events.send(Event::Integration { id: id.clone() });
    }
}
