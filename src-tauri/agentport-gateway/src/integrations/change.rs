//! Changing an integration: its settings, the environment of a local server, its secrets.

use std::collections::BTreeMap;

use agentport_api::{
    ChangeEnvironment, ChangeIntegration, Connection, Event, OAuthSettings, SecretPlace,
};
use agentport_core::{
    IntegrationId, Secret,
    audit::{Actor, AuditAction},
    policy::Mode,
};
use serde_json::json;

use super::{
    Integrations,
    accounts::takes_token_accounts,
    add::AddError,
    connect::{ConnectError, credential_seal, secret_names},
    pasted_secret::{UnusableSecret, tidied},
    timeout::{self, BadTimeout},
};
use crate::store::{IntegrationRow, StoreError, Transition};

/// Why an integration was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("there is no integration {0:?}")]
    Unknown(String),
    #[error("{0:?} is no mode; use allow, require_approval, deny or none")]
    BadMode(String),
    #[error("only a local server has an environment and a time to start; {0:?} has neither")]
    NotLocal(String),
    #[error("{0:?} is no name for an environment variable")]
    BadVariable(String),
    #[error("the variable {0:?} is given twice")]
    GivenTwice(String),
    #[error("there is no variable {0:?} to take away")]
    NoVariable(String),
    #[error("the secret {0:?} goes into an argument; replace it as a credential")]
    InArguments(String),
    #[error(transparent)]
    UnusableSecret(#[from] UnusableSecret),
    #[error(transparent)]
    BadTimeout(#[from] BadTimeout),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

/// What a change of the environment does to the vault.
#[derive(Default)]
struct ChangedSecrets {
    /// Name and sealed value of each that is new.
    sealed: Vec<(String, Vec<u8>)>,
    /// Names of those that are no longer used.
    dropped: Vec<String>,
}

impl Integrations {
    /// Changes what the owner asked to change; the rest stays.
    pub(crate) async fn change_integration(
        &self,
        id: &IntegrationId,
        change: ChangeIntegration,
    ) -> Result<(), ChangeError> {
        let entry = self.catalogue.get(id).ok_or_else(|| ChangeError::Unknown(id.to_string()))?;
        let mut row = entry.row.clone();
        let mut detail = serde_json::to_value(&change).unwrap_or_default();
        if let Some(env) = &change.env {
            detail["env"] = env.names();
        }
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
        let environment = match change.env {
            Some(change) => Some(self.changed_environment(&mut row, change)?),
            None => None,
        };
        let restarted = environment.is_some() || change.startup_timeout_seconds.is_some();
        if let Some(seconds) = change.startup_timeout_seconds {
            set_startup_timeout(&mut row, seconds)?;
        }
        let ChangedSecrets { sealed, dropped } = environment.unwrap_or_default();
        if self.store.change_integration(&row, &sealed, &dropped).await? == Transition::LostRace {
            // Removed meanwhile; putting it into the catalogue would bring it back.
            return Err(ChangeError::Unknown(id.to_string()));
        }
        self.catalogue.put(row.clone(), None);
        if switched || restarted {
            self.connect(&row).await?;
        }
        if restarted && row.enabled {
            self.upstreams.wake(&row.id);
        }
        self.policy.reload().await?;
        self.audit.record(Actor::Owner, AuditAction::IntegrationChanged, id.as_str(), detail).await;
        self.events.send(Event::Integration { id: id.clone() });
        Ok(())
    }

    /// Says of a remote server that it is signed in to by OAuth, which its first sign-in has shown.
    pub(crate) async fn set_oauth(
        &self,
        id: &IntegrationId,
        settings: &OAuthSettings,
    ) -> Result<(), ChangeError> {
        let unknown = || ChangeError::Unknown(id.to_string());
        let mut row = self.catalogue.get(id).ok_or_else(unknown)?.row.clone();
        let oauth = row.connection.oauth_mut().ok_or_else(unknown)?;
        *oauth = Some(Box::new(settings.clone()));
        "oauth".clone_into(&mut row.auth_method);
        if self.store.change_integration(&row, &[], &[]).await? == Transition::LostRace {
            return Err(unknown());
        }
        self.catalogue.put(row, None);
        let detail = json!({ "auth_method": "oauth" });
        self.audit.record(Actor::Owner, AuditAction::IntegrationChanged, id.as_str(), detail).await;
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
        if takes_token_accounts(&row.connection) {
            return match self.accounts.default_of(id) {
                Some(account) => self.replace_account_secrets(account.id(), secrets).await,
                None => self.add_token_account(id, None, secrets).await.map(drop),
            };
        }
        let secrets = self.usable(&row.connection, secrets)?;
        let mut all = self.unsealed(id).await?;
        all.extend(secrets.clone());
        let opened = self.tried(row, &all).await?.map_err(AddError::NotWithThese)?;
        for (name, secret) in &secrets {
            let seal = credential_seal(id, name);
            let sealed = self.vault.seal(&seal, secret.expose().as_bytes());
            self.store.put_credential(id, name, &sealed).await?;
        }
        self.connect_with(row, Some(opened)).await?;
        self.credentials_replaced(id, &secrets, None).await;
        Ok(())
    }

    /// Applies a change to the environment of a local server, and seals its new secrets.
    fn changed_environment(
        &self,
        row: &mut IntegrationRow,
        change: ChangeEnvironment,
    ) -> Result<ChangedSecrets, ChangeError> {
        let not_local = ChangeError::NotLocal(row.id.to_string());
        let dropped = change_variables(&mut row.connection, &change).ok_or(not_local)??;
        let secrets = tidied(&row.connection, change.set_secret)?;
        let sealed = secrets.iter().map(|(name, secret)| {
            let seal = credential_seal(&row.id, name);
            (name.clone(), self.vault.seal(&seal, secret.expose().as_bytes()))
        });
        let sealed = sealed.collect();
        let has_secrets = !secret_names(&row.connection).is_empty();
        row.auth_method = if has_secrets { "token" } else { "none" }.to_owned();
        Ok(ChangedSecrets { sealed, dropped })
    }
}

/// Changes the variables of a connection; gives the names of secrets that are no longer used. `None`: it has none to change.
fn change_variables(
    connection: &mut Connection,
    change: &ChangeEnvironment,
) -> Option<Result<Vec<String>, ChangeError>> {
    let in_arguments: Vec<String> = connection
        .secrets()
        .into_iter()
        .filter(|(_, place)| matches!(place, SecretPlace::Argument(_)))
        .map(|(name, _)| name.to_owned())
        .collect();
    let Connection::LocalMcp { env, secret_env, .. } = connection else { return None };
    let mut dropped = Vec::new();
    for name in &change.unset {
        let was_secret = secret_env.iter().position(|secret| secret == name);
        match was_secret {
            Some(at) => dropped.push(secret_env.remove(at)),
            None if env.remove(name).is_some() => {}
            None => return Some(Err(ChangeError::NoVariable(name.clone()))),
        }
    }
    for name in change.set.keys().chain(change.set_secret.keys()) {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Some(Err(ChangeError::BadVariable(name.clone())));
        }
    }
    for (name, value) in &change.set {
        if change.set_secret.contains_key(name) {
            return Some(Err(ChangeError::GivenTwice(name.clone())));
        }
        if let Some(at) = secret_env.iter().position(|secret| secret == name) {
            dropped.push(secret_env.remove(at));
        }
        env.insert(name.clone(), value.clone());
    }
    for name in change.set_secret.keys() {
        if in_arguments.contains(name) {
            return Some(Err(ChangeError::InArguments(name.clone())));
        }
        env.remove(name);
        if !secret_env.contains(name) {
            secret_env.push(name.clone());
        }
        dropped.retain(|other| other != name);
    }
    dropped.retain(|name| !in_arguments.contains(name));
    Some(Ok(dropped))
}

fn set_startup_timeout(row: &mut IntegrationRow, seconds: u32) -> Result<(), ChangeError> {
    let Connection::LocalMcp { startup_timeout_seconds, .. } = &mut row.connection else {
        return Err(ChangeError::NotLocal(row.id.to_string()));
    };
    *startup_timeout_seconds = Some(seconds);
    Ok(timeout::check(&row.connection)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(change: serde_json::Value) -> Result<(serde_json::Value, Vec<String>), String> {
        let connection = json!({
            "type": "local_mcp", "command": "x", "args": ["--key={token}"], "secret_args": [0],
            "env": {"MODE": "fast"}, "secret_env": ["KEY"],
        });
        let mut connection: Connection = serde_json::from_value(connection).unwrap();
        let change = serde_json::from_value(change).unwrap();
        let dropped = change_variables(&mut connection, &change).expect("it is local");
        let dropped = dropped.map_err(|error| error.to_string())?;
        let connection = serde_json::to_value(connection).unwrap();
        Ok((json!([connection["env"], connection["secret_env"]]), dropped))
    }

    #[test]
    fn variables_are_set_and_taken_away() {
        let check = |change, want, dropped: &[&str]| {
            let (got, gone) = changed(change).unwrap();
            assert_eq!(
                (got, gone.as_slice()),
                (want, &dropped.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()[..])
            );
        };
        check(json!({"set": {"A": "1"}}), json!([{"A": "1", "MODE": "fast"}, ["KEY"]]), &[]);
        check(json!({"set_secret": {"B": "fake"}}), json!([{"MODE": "fast"}, ["KEY", "B"]]), &[]);
        check(json!({"set_secret": {"MODE": "fake"}}), json!([{}, ["KEY", "MODE"]]), &[]);
        check(
            json!({"set": {"KEY": "shown"}}),
            json!([{"KEY": "shown", "MODE": "fast"}, []]),
            &["KEY"],
        );
        check(json!({"unset": ["KEY", "MODE"]}), json!([{}, []]), &["KEY"]);
        check(
            json!({"unset": ["KEY"], "set_secret": {"KEY": "fake"}}),
            json!([{"MODE": "fast"}, ["KEY"]]),
            &[],
        );
    }

    #[test]
    fn what_cannot_be_changed_is_named() {
        for (change, word) in [
            (json!({"unset": ["NONE"]}), "no variable \"NONE\""),
            (json!({"set": {"A=B": "1"}}), "no name"),
            (json!({"set_secret": {"": "fake"}}), "no name"),
            (json!({"set": {"A": "1"}, "set_secret": {"A": "fake"}}), "given twice"),
            (json!({"set_secret": {"token": "fake"}}), "goes into an argument"),
        ] {
            let refused = changed(change).unwrap_err();
            assert!(refused.contains(word) && !refused.contains("fake"), "{refused}");
        }
        let mut remote = Connection::Builtin { name: "demo".to_owned() };
        assert!(change_variables(&mut remote, &ChangeEnvironment::default()).is_none());
    }
}
