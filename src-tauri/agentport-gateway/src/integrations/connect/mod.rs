//! From what is stored of an integration to a connection: credentials are unsealed here, and only here.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use agentport_api::{Connection, Event, Health, SecretPlace};
use agentport_core::{ErrorChain, IntegrationId, Secret, mcp::headers, placeholder::placeholders};
use http::HeaderName;
use url::Url;

mod plaintext_credentials;
mod secret_template;

pub(crate) use self::plaintext_credentials::PlaintextCredential;
use self::secret_template::{fill, in_query};
use super::Integrations;
use super::timeout::{self, BadTimeout};
use crate::{
    accounts::{AccountSecrets, IntegrationAccount, OAuthAccount, SignInNeeded},
    catalogue::HealthEntry,
    store::{IntegrationRow, StoreError},
    upstream::{LocalTarget, OpenedUpstream, RemoteTarget, UpstreamError, UpstreamTarget},
    vault::Unsealable,
};

/// Why an integration cannot be connected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("{0:?} is not an absolute http or https URL")]
    BadUrl(String),
    #[error(transparent)]
    PlaintextCredential(#[from] PlaintextCredential),
    #[error("{0:?} is not the name of an HTTP header")]
    BadHeader(String),
    #[error("the header {name:?} is set by the protocol itself and can't be set here")]
    OwnHeader { name: String },
    #[error("the secret {0:?} is missing")]
    MissingSecret(String),
    #[error("the integration \"{0}\" has no secrets to replace")]
    NoSecrets(IntegrationId),
    #[error("nobody has signed in to it; sign in, and it is connected")]
    NotSignedIn,
    #[error("the command is empty")]
    NoCommand,
    #[error("{0:?} is no name for an environment variable")]
    BadVariable(String),
    #[error(
        "the argument at index {0} is to hold a secret, but there is none, or no {{token}} in it"
    )]
    NoPlaceholder(u32),
    #[error(transparent)]
    BadTimeout(#[from] BadTimeout),
    #[error("the credentials could not be read")]
    Store(#[from] StoreError),
    #[error("the credential {name:?} could not be unsealed")]
    Sealed {
        name: String,
        #[source]
        source: Unsealable,
    },
}

impl ConnectError {
    /// What the owner has to give, if that is all that is missing.
    fn missing_credentials(&self) -> Option<String> {
        match self {
            Self::NotSignedIn => Some(self.to_string()),
            Self::MissingSecret(_) => Some("Its secrets have to be given again.".to_owned()),
            _ => None,
        }
    }
}

/// Headers the transport sets itself (MCP, "Streamable HTTP").
const OWN_HEADERS: [&str; 8] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    headers::PROTOCOL_VERSION,
    headers::SESSION_ID,
    "transfer-encoding",
];

/// What seals a credential to its place.
pub(crate) fn credential_seal(id: &IntegrationId, name: &str) -> String {
    format!("credential/{id}/{name}")
}

/// Refuses what must not be kept as it is written.
pub(super) fn refuse_plaintext(connection: &Connection) -> Result<(), ConnectError> {
    Ok(plaintext_credentials::refuse(connection)?)
}

/// Holds it no credential in clear, going by names?
pub(crate) fn is_fit_to_be_shown(connection: &Connection) -> bool {
    plaintext_credentials::refuse(connection).is_ok()
}

/// Puts the secrets where the connection says they go.
pub(crate) fn target(
    connection: &Connection,
    secrets: &BTreeMap<String, Secret>,
) -> Result<Option<UpstreamTarget>, ConnectError> {
    timeout::check(connection)?;
    Ok(match connection {
        Connection::Builtin { .. } => None,
        Connection::LocalMcp { .. } => {
            Some(UpstreamTarget::Local(local_target(connection, secrets)?))
        }
        Connection::RemoteMcp { url, headers, .. } => {
            let sent = as_sent(connection, secrets.clone());
            let (url, headers) = filled_address(url, headers, secrets)?;
            Some(UpstreamTarget::Remote(RemoteTarget { url, headers, secrets: sent, tokens: None }))
        }
    })
}

/// Has requests carry the access token of an account.
pub(super) fn sign_in_with(target: &mut UpstreamTarget, account: Arc<OAuthAccount>) {
    if let UpstreamTarget::Remote(remote) = target {
        remote.tokens = Some(account);
    }
}

/// The command of a local server, with its secrets.
fn local_target(
    connection: &Connection,
    secrets: &BTreeMap<String, Secret>,
) -> Result<LocalTarget, ConnectError> {
    let Connection::LocalMcp {
        command,
        args,
        env,
        secret_env,
        cwd,
        secret_args,
        startup_timeout_seconds,
        ..
    } = connection
    else {
        return Err(ConnectError::NoCommand);
    };
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
    Ok(LocalTarget {
        command: command.clone(),
        args: args.clone(),
        env: env.clone(),
        secret_env: secret_env.iter().map(secret).collect::<Result<_, _>>()?,
        secret_args: filled_arguments(args, secret_args, secrets)?,
        cwd: cwd.as_ref().map(PathBuf::from),
        startup_timeout: startup_timeout_seconds.map(|seconds| Duration::from_secs(seconds.into())),
        secrets: secrets.values().cloned().collect(),
    })
}

/// The URL and headers of a remote server, with the secrets filled in.
fn filled_address(
    url: &str,
    headers: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, Secret>,
) -> Result<(Url, Vec<(HeaderName, Secret)>), ConnectError> {
    let parsed = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    let Some(mut parsed) = parsed else {
        return Err(ConnectError::BadUrl(without_secrets(url)));
    };
    if let Some(query) = parsed.query() {
        let filled = fill(query, secrets, in_query)?;
        parsed.set_query(Some(&filled));
    }
    let mut filled = Vec::new();
    for (name, format) in headers {
        let header = HeaderName::try_from(name.as_str())
            .map_err(|_| ConnectError::BadHeader(name.clone()))?;
        if OWN_HEADERS.contains(&header.as_str()) {
            return Err(ConnectError::OwnHeader { name: name.clone() });
        }
        let value = fill(format, secrets, str::to_owned)?;
        filled.push((header, Secret::new(value)));
    }
    Ok((parsed, filled))
}

/// The arguments that hold secrets, with them, by their places.
fn filled_arguments(
    args: &[String],
    secret_args: &[u32],
    secrets: &BTreeMap<String, Secret>,
) -> Result<BTreeMap<usize, Secret>, ConnectError> {
    let filled = |&place: &u32| {
        let arg = usize::try_from(place).ok().and_then(|at| Some((at, args.get(at)?)));
        match arg.filter(|(_, format)| placeholders(format).next().is_some()) {
            Some((at, format)) => Ok((at, Secret::new(fill(format, secrets, str::to_owned)?))),
            None => Err(ConnectError::NoPlaceholder(place)),
        }
    };
    secret_args.iter().map(filled).collect()
}

/// A URL fit to be repeated in an error: what could be a credential is left out.
fn without_secrets(url: &str) -> String {
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    let shown = shown.rsplit_once('@').map_or(shown, |(_, host)| host);
    agentport_core::sanitize::sanitize_line(shown, 100)
}

/// The names of the secrets a connection asks for.
pub(crate) fn secret_names(connection: &Connection) -> Vec<&str> {
    connection.secrets().into_iter().map(|(name, _)| name).collect()
}

/// The secrets in every form in which a server may echo what it was sent.
fn as_sent(connection: &Connection, secrets: BTreeMap<String, Secret>) -> Vec<Secret> {
    let mut sent: Vec<Secret> = secrets.into_values().collect();
    if connection.secrets().iter().any(|(_, place)| *place == SecretPlace::Url) {
        let encoded: Vec<Secret> = sent
            .iter()
            .map(|secret| (secret, in_query(secret.expose())))
            .filter(|(secret, encoded)| secret.expose() != encoded)
            .map(|(_, encoded)| Secret::new(encoded))
            .collect();
        sent.extend(encoded);
    }
    sent
}

impl Integrations {
    /// Makes an integration known to the upstreams (nothing starts), or ends its connection if it is switched off.
    pub(crate) async fn connect(&self, row: &IntegrationRow) -> Result<(), ConnectError> {
        self.connect_with(row, None).await
    }

    /// The same. Calls go on over a connection that was `opened` to try it.
    pub(super) async fn connect_with(
        &self,
        row: &IntegrationRow,
        opened: Option<OpenedUpstream>,
    ) -> Result<(), ConnectError> {
        match self.target_with_accounts(row).await {
            Ok(target) => {
                self.connect_target(row, target, opened).await;
                Ok(())
            }
            Err(error) => {
                // Calls are refused for what is missing; a connection as it was before must not take them.
                super::trial::close(opened).await;
                self.upstreams.remove(&row.id).await;
                if let Some(message) = error.missing_credentials() {
                    self.upstreams
                        .refuse(&row.id, UpstreamError::NeedsAuth { message, scheme: None });
                }
                Err(error)
            }
        }
    }

    /// Where the integration is reached with its default account, or its own secrets.
    async fn target_with_accounts(
        &self,
        row: &IntegrationRow,
    ) -> Result<Option<UpstreamTarget>, ConnectError> {
        let secrets = self.unsealed(&row.id).await?;
        self.protect_secrets(row, &secrets);
        let mut target = target(&row.connection, &secrets)?;
        if row.connection.oauth().is_some() {
            let default = self.accounts.default_of(&row.id);
            let account = default.as_ref().and_then(IntegrationAccount::oauth);
            let account = account.ok_or(ConnectError::NotSignedIn)?;
            if let Some(target) = &mut target {
                sign_in_with(target, account.clone());
            }
        }
        Ok(target)
    }

    /// Keeps the secrets of all accounts out of results.
    pub(super) fn protect_secrets(&self, row: &IntegrationRow, secrets: &BTreeMap<String, Secret>) {
        let accounts = self.accounts.of(&row.id);
        let mut sent = as_sent(&row.connection, secrets.clone());
        for account in accounts.iter().filter(|account| !account.is_default()) {
            if let Some(account) = account.token() {
                sent.extend(as_sent(&row.connection, AccountSecrets::clone(&account.secrets())));
            }
        }
        let changing = accounts.iter().filter_map(IntegrationAccount::changing_secrets);
        self.secrets.set(&row.id, sent, changing.collect());
    }

    async fn connect_target(
        &self,
        row: &IntegrationRow,
        target: Option<UpstreamTarget>,
        opened: Option<OpenedUpstream>,
    ) {
        self.upstreams.end_accounts(&row.id);
        match target {
            Some(target) if row.enabled => {
                let spec = self.spec(row, target);
                // What was said of the connection before is not true of this one.
                let last_error = self.catalogue.health.get(&row.id).last_error;
                let fresh = HealthEntry { last_error, ..HealthEntry::default() };
                self.catalogue.health.set(&row.id, fresh);
                match opened {
                    Some(opened) => self.upstreams.add_connected(spec, opened),
                    None => self.upstreams.add(spec),
                }
                for account in self.accounts.of(&row.id) {
                    if account.is_default() {
                        self.upstreams.name_account(&row.id, account.id());
                    } else {
                        self.connect_other(row, &account);
                    }
                }
            }
            _ => {
                super::trial::close(opened).await;
                self.upstreams.remove(&row.id).await;
            }
        }
    }

    /// [`Integrations::connect`]; why it can't be used is said where the owner looks, and answered.
    pub(crate) async fn connect_or_say(&self, row: &IntegrationRow) -> Option<String> {
        let error = self.connect(row).await.err()?;
        let message = ErrorChain(&error).to_string();
        let health = match error.missing_credentials() {
            Some(message) => Health::NeedsAuth { message },
            None => Health::Failed { message: message.clone(), retry_at: None },
        };
        self.catalogue.health.set(&row.id, HealthEntry { health, ..HealthEntry::default() });
        Some(message)
    }

    /// An account of the integration needs the owner; without this a call would have to find out.
    pub(crate) fn show_sign_in_needed(&self, needed: &SignInNeeded) {
        let id = &needed.integration;
        let default = self.accounts.default_of(id);
        if default.is_none_or(|account| account.id() != needed.account) {
            return;
        }
        let health = Health::NeedsAuth { message: needed.message.clone() };
        let last_error = self.catalogue.health.get(id).last_error;
        let entry = HealthEntry { health, last_error, ..HealthEntry::default() };
        self.catalogue.health.set(id, entry);
        self.events.send(Event::Integration { id: id.clone() });
    }

    /// The secrets of an integration's default account, or its own, by name.
    pub(super) async fn unsealed(
        &self,
        id: &IntegrationId,
    ) -> Result<BTreeMap<String, Secret>, ConnectError> {
        if let Some(IntegrationAccount::Token(account)) = self.accounts.default_of(id) {
            return Ok(AccountSecrets::clone(&account.secrets()));
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    }

    #[test]
    fn fills_the_query_of_a_url() {
        let connection = Connection::RemoteMcp {
            url: "https://example.test/mcp?a=%20b&key={token}&x={y}#f".to_owned(),
            headers: [("X-Key".to_owned(), "{token1}".to_owned())].into(),
            oauth: None,
            timeout_seconds: None,
        };
        assert_eq!(secret_names(&connection), ["token", "token1"]);
        let secrets = secrets(&[("token", "fake &=+#é"), ("token1", "fake-b")]);
        let Ok(Some(UpstreamTarget::Remote(RemoteTarget { url, secrets: hidden, .. }))) =
            target(&connection, &secrets)
        else {
            panic!("it is a usable address")
        };
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let want = [("a", " b"), ("key", "fake &=+#é"), ("x", "{y}")];
        assert_eq!(pairs, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(!url.as_str().contains('+'), "some servers read a plus sign for itself: {url}");
        let sent = as_sent(&connection, secrets);
        assert!(sent.iter().any(|sent| url.as_str().contains(sent.expose())));
        assert_eq!(hidden.len(), sent.len(), "and all of it is hidden");
        assert!(matches!(
            target(&connection, &BTreeMap::new()),
            Err(ConnectError::MissingSecret(name)) if name == "token"
        ));
    }

    fn local(more: serde_json::Value) -> Connection {
        let mut connection = serde_json::json!({ "type": "local_mcp", "command": "npx" });
        connection.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(connection).unwrap()
    }

    #[test]
    fn fills_the_arguments_that_are_said_to_hold_secrets() {
        let connection = local(serde_json::json!({
            "args": ["{token}", "--key={token}", "{token1}:{x}", "-y"], "secret_args": [2, 1], "secret_env": ["K"],
        }));
        assert_eq!(secret_names(&connection), ["K", "token1", "token"]);
        let secrets = secrets(&[("token", "fake-a"), ("token1", "{token}"), ("K", "fake-k")]);
        let Ok(Some(UpstreamTarget::Local(LocalTarget {
            args, secret_args, secrets: hidden, ..
        }))) = target(&connection, &secrets)
        else {
            panic!("it is a usable command")
        };
        assert_eq!(args[0], "{token}", "others are as they are written");
        let filled: Vec<_> = secret_args.iter().map(|(at, arg)| (*at, arg.expose())).collect();
        assert_eq!(filled, [(1, "--key=fake-a"), (2, "{token}:{x}")]);
        assert_eq!(hidden.len(), 3);
        assert!(matches!(
            target(&connection, &BTreeMap::new()),
            Err(ConnectError::MissingSecret(name)) if name == "K"
        ));
        for places in [vec![3], vec![4], vec![0, u32::MAX]] {
            let connection = local(serde_json::json!({
                "args": ["{token}", "b", "c", "{x}"], "secret_args": places,
            }));
            let refused = target(&connection, &secrets);
            assert!(matches!(refused, Err(ConnectError::NoPlaceholder(_))), "{places:?}");
        }
    }

    #[test]
    fn refuses_what_cannot_work() {
        let remote = |url: &str, header: &str| Connection::RemoteMcp {
            url: url.to_owned(),
            headers: [(header.to_owned(), "x".to_owned())].into(),
            oauth: None,
            timeout_seconds: None,
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
