//! What a sign-in is for: an account of an integration that exists, or a new one from the directory or at an address.

use std::sync::Arc;

use agentport_api::{AuthMethod, Connection, OAuthSettings, StartSignIn};
use agentport_core::{IntegrationId, Secret};
use url::Url;

use crate::{
    accounts::{AccountError, Accounts, OAuthAccount},
    catalogue::Catalogue,
    directory::{self, DirectoryEntry, NotOffered, UnknownVariant},
};

/// Everything a sign-in needs to know before it sends anything.
pub(super) struct SignInPlan {
    pub(super) integration: IntegrationId,
    pub(super) name: String,
    pub(super) server: Url,
    pub(super) settings: OAuthSettings,
    pub(super) own_secret: Option<Secret>,
    /// The account that is signed in to again.
    pub(super) account: Option<Arc<OAuthAccount>>,
    /// Of a new account.
    pub(super) label: String,
    /// The connection of an integration that is to be added.
    pub(super) addition: Option<Connection>,
    /// The integration exists, and does not say yet that it is signed in to.
    pub(super) is_first: bool,
}

/// Why nothing can be signed in to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("{0:?} is not an absolute http or https URL")]
    BadUrl(String),
    #[error("an integration \"{0}\" exists already; sign in to it, or choose another id")]
    Exists(IntegrationId),
    #[error("\"{0}\" is not signed in to by OAuth; it takes a token or nothing")]
    NoOauth(IntegrationId),
    #[error("{0}")]
    NotOffered(#[from] NotOffered),
    #[error(transparent)]
    Variant(#[from] UnknownVariant),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error("a client secret goes with a client id")]
    SecretAlone,
}

impl SignInPlan {
    pub(super) fn new(
        wanted: StartSignIn,
        catalogue: &Catalogue,
        accounts: &Accounts,
    ) -> Result<Self, PlanError> {
        let id = wanted.integration;
        let installed = catalogue.get(&id);
        let (name, connection, addition) = match (&installed, wanted.url) {
            (Some(_), Some(_)) => return Err(PlanError::Exists(id)),
            (Some(entry), None) => (entry.row.name.clone(), entry.row.connection.clone(), None),
            (None, Some(url)) => {
                let name = wanted.name.unwrap_or_else(|| id.to_string());
                let connection = at_address(url);
                (name, connection.clone(), Some(connection))
            }
            (None, None) => {
                let listed = directory::find_offered(id.as_str())?;
                let connection = listed_connection(listed, wanted.variant.as_deref())?
                    .ok_or_else(|| PlanError::NoOauth(id.clone()))?;
                (listed.name.clone(), connection.clone(), Some(connection))
            }
        };
        let is_first = connection.oauth().is_none();
        let mut settings =
            settings_of(&connection).ok_or_else(|| PlanError::NoOauth(id.clone()))?;
        if let Some(other) = wanted.settings {
            // A pinned issuer is reviewed data, and not for the asking.
            settings = OAuthSettings { issuer: settings.issuer, ..other };
        }
        if wanted.client_id.is_some() {
            settings.client_id = wanted.client_id;
        } else if wanted.client_secret.is_some() {
            return Err(PlanError::SecretAlone);
        }
        let account = match wanted.account {
            None => None,
            Some(wanted) => {
                let found = accounts.get(wanted).filter(|account| *account.integration() == id);
                let account = found.and_then(|account| account.oauth().cloned());
                Some(account.ok_or(AccountError::Unknown(wanted))?)
            }
        };
        let label = accounts.label_for(&id, wanted.label.as_deref())?;
        let addition = addition.map(|connection| with_settings(connection, &settings));
        Ok(Self {
            server: server_of(&connection)?,
            own_secret: wanted.client_secret,
            integration: id,
            name,
            settings,
            account,
            label,
            addition,
            is_first,
        })
    }
}

/// How an integration is signed in to. A remote server that is given no credential may want a sign-in, although nobody has
/// said so: one that came from a client's file, where the client signed in by itself.
fn settings_of(connection: &Connection) -> Option<OAuthSettings> {
    match connection {
        Connection::RemoteMcp { oauth: Some(settings), .. } => Some((**settings).clone()),
        Connection::RemoteMcp { headers, oauth: None, .. } => {
            let names = headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
            (!names && connection.secrets().is_empty()).then(OAuthSettings::default)
        }
        _ => None,
    }
}

fn at_address(url: String) -> Connection {
    Connection::RemoteMcp {
        url,
        headers: std::collections::BTreeMap::new(),
        oauth: Some(Box::default()),
        timeout_seconds: None,
    }
}

/// How an entry of the directory is reached when it is signed in to by OAuth.
fn listed_connection(
    listed: &'static DirectoryEntry,
    variant: Option<&str>,
) -> Result<Option<Connection>, UnknownVariant> {
    let ways = listed.auth_methods().into_iter();
    let way = ways.into_iter().find(|way| matches!(way, AuthMethod::Oauth { .. }));
    way.map(|way| listed.connection(&way, variant)).transpose()
}

/// The connection with the settings of this sign-in, which later ones use again.
fn with_settings(mut connection: Connection, settings: &OAuthSettings) -> Connection {
    if let Some(oauth) = connection.oauth_mut() {
        *oauth = Some(Box::new(settings.clone()));
    }
    connection
}

fn server_of(connection: &Connection) -> Result<Url, PlanError> {
    let url = connection.url().unwrap_or_default();
    Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
        .ok_or_else(|| PlanError::BadUrl(agentport_core::sanitize::sanitize_line(url, 100)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_without_a_credential_may_be_signed_in_to() {
        for (connection, may) in [
            (serde_json::json!({ "type": "remote_mcp", "url": "https://h.test/mcp" }), true),
            (
                serde_json::json!({
                    "type": "remote_mcp", "url": "https://h.test/mcp", "headers": { "X-Region": "eu" },
                }),
                true,
            ),
            (
                serde_json::json!({
                    "type": "remote_mcp", "url": "https://h.test/mcp",
                    "headers": { "authorization": "Bearer {token}" },
                }),
                false,
            ),
            (
                serde_json::json!({ "type": "remote_mcp", "url": "https://h.test/mcp?key={token}" }),
                false,
            ),
            (serde_json::json!({ "type": "local_mcp", "command": "x" }), false),
        ] {
            let read: Connection = serde_json::from_value(connection.clone()).unwrap();
            assert_eq!(settings_of(&read).is_some(), may, "{connection}");
        }
        let pinned = serde_json::json!({
            "type": "remote_mcp", "url": "https://h.test/", "oauth": { "client_id": "mine" },
        });
        let pinned: Connection = serde_json::from_value(pinned).unwrap();
        assert_eq!(settings_of(&pinned).unwrap().client_id.as_deref(), Some("mine"));
    }
}
