//! One account whose credentials the owner pasted: tokens that go into the headers or the address of a remote server.
//!
//! Nothing renews it. Whether it works is what its connection found last.

use std::{collections::BTreeMap, sync::Arc};

use agentport_api::{AccountState, Health};
use agentport_core::{AccountId, Secret};
use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::{
    AccountError,
    identity::AccountIdentity,
    renewal::{AccountServices, UnreadableAccount},
};
use crate::store::{AccountRow, Transition};

/// The secrets of an account, by the names that its integration's connection has for them.
pub(crate) type AccountSecrets = BTreeMap<String, Secret>;

/// An account and its secrets.
pub(crate) struct TokenAccount {
    services: Arc<AccountServices>,
    pub(super) identity: AccountIdentity,
    secrets: ArcSwap<AccountSecrets>,
    /// As its connection found it last.
    state: Mutex<AccountState>,
}

impl TokenAccount {
    pub(super) fn new(
        services: Arc<AccountServices>,
        row: AccountRow,
        secrets: AccountSecrets,
    ) -> Arc<Self> {
        Arc::new(Self {
            services,
            identity: AccountIdentity::new(row),
            secrets: ArcSwap::from_pointee(secrets),
            state: Mutex::new(AccountState::Connected),
        })
    }

    pub(crate) fn id(&self) -> AccountId {
        self.identity.id()
    }

    pub(crate) fn secrets(&self) -> Arc<AccountSecrets> {
        self.secrets.load_full()
    }

    pub(super) fn state(&self) -> AccountState {
        self.state.lock().clone()
    }

    /// The row with the secrets of this moment.
    pub(crate) fn sealed_row(&self) -> AccountRow {
        let sealed = self.services.sealed(self.id(), &to_json(&self.secrets()));
        AccountRow { sealed, ..self.identity.row() }
    }

    /// Stores other secrets, then uses them.
    pub(super) async fn replace_secrets(
        &self,
        secrets: AccountSecrets,
    ) -> Result<(), AccountError> {
        let id = self.id();
        let sealed = self.services.sealed(id, &to_json(&secrets));
        if self.services.store.update_account_record(id, &sealed, None).await?
            == Transition::LostRace
        {
            return Err(AccountError::Unknown(id));
        }
        self.secrets.store(Arc::new(secrets));
        *self.state.lock() = AccountState::Connected;
        Ok(())
    }

    /// Takes over what its connection has found.
    pub(super) fn set_health(&self, health: &Health) -> StateChange {
        let state = match health {
            Health::Ready => AccountState::Connected,
            Health::NeedsAuth { message } => {
                AccountState::SignInNeeded { message: message.clone() }
            }
            Health::Failed { message, retry_at } => {
                AccountState::Unreachable { message: message.clone(), retry_at: *retry_at }
            }
            _ => return StateChange::Same,
        };
        let mut before = self.state.lock();
        if *before == state {
            return StateChange::Same;
        }
        *before = state;
        StateChange::Changed
    }
}

/// Whether an account is now in another state than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum StateChange {
    Same,
    Changed,
}

/// Reads the secrets of a stored account.
pub(super) fn from_json(json: &Secret) -> Result<AccountSecrets, UnreadableAccount> {
    let secrets = serde_json::from_str(json.expose());
    // The error can quote the text, so only its kind is kept.
    secrets.map_err(|_| "the stored secrets cannot be read".into())
}

fn to_json(secrets: &AccountSecrets) -> Secret {
    let exposed: BTreeMap<&str, &str> =
        secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose())).collect();
    Secret::new(serde_json::to_string(&exposed).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_as_they_were_written() {
        let secrets: AccountSecrets = [("token", "fake-a\"{}"), ("token2", "fake-b")]
            .map(|(name, secret)| (name.to_owned(), Secret::new(secret)))
            .into();
        let read = from_json(&to_json(&secrets)).expect("they were just written");
        let exposed = |all: &AccountSecrets| -> Vec<(String, String)> {
            all.iter().map(|(name, secret)| (name.clone(), secret.expose().to_owned())).collect()
        };
        assert_eq!(exposed(&read), exposed(&secrets));
        let error = from_json(&Secret::new("{\"token\":\"fake-secret")).expect_err("it is cut off");
        assert!(!error.to_string().contains("fake"), "{error}");
    }
}
