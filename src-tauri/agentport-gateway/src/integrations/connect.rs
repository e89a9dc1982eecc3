//! From what is stored of an integration to a connection: credentials are unsealed here, and only here.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use agentport_core::{IntegrationId, Secret};
use http::HeaderName;
use url::Url;

use crate::{
    control::types::Connection,
    engine::Engine,
    store::{IntegrationRow, StoreError},
    upstream::{Spec, Target},
    vault::Unsealable,
};

/// Why an integration cannot be connected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("{0:?} is not an absolute http or https URL")]
    BadUrl(String),
    #[error("{0:?} is not the name of an HTTP header")]
    BadHeader(String),
    #[error("the header {name:?} is set by the protocol itself and can't be set here")]
    OwnHeader { name: String },
    #[error("the secret {0:?} is missing")]
    MissingSecret(String),
    #[error("the integration \"{0}\" has no secrets to replace")]
    NoSecrets(IntegrationId),
    #[error("the command is empty")]
    NoCommand,
    #[error("{0:?} is no name for an environment variable")]
    BadVariable(String),
    #[error("the credentials could not be read")]
    Store(#[from] StoreError),
    #[error("the credential {name:?} could not be unsealed")]
    Sealed {
        name: String,
        #[source]
        source: Unsealable,
    },
}

/// Headers the transport sets itself (MCP, "Streamable HTTP").
const OWN_HEADERS: [&str; 8] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
];

/// What seals a credential to its place.
pub(crate) fn credential_seal(id: &IntegrationId, name: &str) -> String {
    format!("credential/{id}/{name}")
}

/// Puts the secrets where the connection says they go.
pub(crate) fn target(
    connection: &Connection,
    secrets: &BTreeMap<String, Secret>,
) -> Result<Option<Target>, ConnectError> {
    match connection {
        Connection::Builtin { .. } => Ok(None),
        Connection::LocalMcp { command, args, env, secret_env, cwd } => {
            if command.trim().is_empty() {
                return Err(ConnectError::NoCommand);
            }
            let usable = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
            if let Some(bad) = env.keys().chain(secret_env).find(|name| !usable(name)) {
                return Err(ConnectError::BadVariable(bad.clone()));
            }
            let secret = |name: &String| match secrets.get(name) {
                Some(secret) => Ok((name.clone(), secret.clone())),
                None => Err(ConnectError::MissingSecret(name.clone())),
            };
            Ok(Some(Target::Local {
                command: command.clone(),
                args: args.clone(),
                env: env.clone(),
                secret_env: secret_env.iter().map(secret).collect::<Result<_, _>>()?,
                cwd: cwd.as_ref().map(PathBuf::from),
            }))
        }
        Connection::RemoteMcp { url, headers } => {
            let parsed = Url::parse(url)
                .ok()
                .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
            let Some(parsed) = parsed else {
                return Err(ConnectError::BadUrl(without_secrets(url)));
            };
            let mut filled = Vec::new();
            for (name, format) in headers {
                let header = HeaderName::try_from(name.as_str())
                    .map_err(|_| ConnectError::BadHeader(name.clone()))?;
                if OWN_HEADERS.contains(&header.as_str()) {
                    return Err(ConnectError::OwnHeader { name: name.clone() });
                }
                filled.push((header, fill(format, secrets)?));
            }
            Ok(Some(Target::Remote { url: parsed, headers: filled }))
        }
    }
}

/// A URL fit to be repeated in an error: what could be a credential is left out.
fn without_secrets(url: &str) -> String {
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    let shown = shown.rsplit_once('@').map_or(shown, |(_, host)| host);
    agentport_core::text::clean(shown, 100)
}

/// The names in braces that a header value asks for, in order.
pub(crate) fn placeholders(format: &str) -> Vec<&str> {
    format
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("token") && name.chars().all(|c| c.is_ascii_alphanumeric()))
        .collect()
}

fn fill(format: &str, secrets: &BTreeMap<String, Secret>) -> Result<Secret, ConnectError> {
    let mut value = format.to_owned();
    for name in placeholders(format) {
        let secret =
            secrets.get(name).ok_or_else(|| ConnectError::MissingSecret(name.to_owned()))?;
        value = value.replace(&format!("{{{name}}}"), secret.expose());
    }
    Ok(Secret::new(value))
}

impl Engine {
    /// Makes an integration known to the upstreams (nothing starts), or ends its connection if it is switched off.
    pub(crate) async fn connect(&self, row: &IntegrationRow) -> Result<(), ConnectError> {
        let secrets = self.unsealed(&row.id).await?;
        let target = target(&row.connection, &secrets)?;
        self.remember_secrets(&row.id, secrets.into_values().collect());
        match target {
            Some(target) if row.enabled => {
                let idle_stop = self.idle_stop();
                self.upstreams.add(Spec { id: row.id.clone(), target, idle_stop });
            }
            _ => self.upstreams.remove(&row.id).await,
        }
        Ok(())
    }

    /// The secrets of an integration, by name.
    pub(super) async fn unsealed(
        &self,
        id: &IntegrationId,
    ) -> Result<BTreeMap<String, Secret>, ConnectError> {
        let mut secrets = BTreeMap::new();
        for (name, sealed) in self.store.credentials(id).await? {
            let plain = self
                .vault
                .open(&credential_seal(id, &name), &sealed)
                .map_err(|source| ConnectError::Sealed { name: name.clone(), source })?;
            secrets.insert(name, Secret::new(String::from_utf8_lossy(&plain).into_owned()));
        }
        Ok(secrets)
    }

    pub(crate) fn idle_stop(&self) -> Duration {
        Duration::from_secs(u64::from(self.settings.load().idle_stop_minutes) * 60)
    }

    /// Keeps an integration's secrets at hand, to take them out of what it echoes.
    fn remember_secrets(&self, id: &IntegrationId, secrets: Vec<Secret>) {
        self.secrets.rcu(|all| {
            let mut all = std::collections::HashMap::clone(all);
            if secrets.is_empty() {
                all.remove(id);
            } else {
                all.insert(id.clone(), Arc::new(secrets.clone()));
            }
            all
        });
    }

    pub(crate) fn forget_secrets(&self, id: &IntegrationId) {
        self.remember_secrets(id, Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    }

    #[test]
    fn fills_headers() {
        let secrets = secrets(&[("token", "fake-a"), ("token2", "fake-b")]);
        let fill = |format| fill(format, &secrets).map(|s| s.expose().to_owned());
        assert_eq!(fill("Bearer {token}").unwrap(), "Bearer fake-a");
        assert_eq!(fill("{token}:{token2}").unwrap(), "fake-a:fake-b");
        assert_eq!(fill("plain {x}").unwrap(), "plain {x}");
        assert!(
            matches!(fill("{token3}"), Err(ConnectError::MissingSecret(name)) if name == "token3")
        );
    }

    #[test]
    fn refuses_what_cannot_work() {
        let remote = |url: &str, header: &str| Connection::RemoteMcp {
            url: url.to_owned(),
            headers: [(header.to_owned(), "x".to_owned())].into(),
        };
        let none = BTreeMap::new();
        assert!(target(&remote("https://example.test/mcp", "X-Key"), &none).is_ok());
        for url in ["", "example.test", "ftp://example.test", "file:///etc/passwd", "http://"] {
            let refused = target(&remote(url, "X-Key"), &none);
            assert!(matches!(refused, Err(ConnectError::BadUrl(_))), "{url}");
        }
        for header in ["Host", "Mcp-Session-Id", "content-type"] {
            let refused = target(&remote("https://example.test", header), &none);
            assert!(matches!(refused, Err(ConnectError::OwnHeader { .. })), "{header}");
        }
        let refused = target(&remote("https://example.test", "no header"), &none);
        assert!(matches!(refused, Err(ConnectError::BadHeader(_))));
        assert_eq!(without_secrets("://u:fake@host/p?key=fake#f"), "host/p");
    }
}
