//! Configuration of an upstream: id, transport and credentials.

use std::{borrow::Cow, collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use agentport_core::{IntegrationId, Secret};
use http::HeaderName;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{redaction::Redactor, streamable_http::http_error::shown, token_source::TokenSource};

/// One upstream as the owner configured it.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamSpec {
    pub(crate) id: IntegrationId,
    pub(crate) target: UpstreamTarget,
    /// Time a local server may sit idle before it is stopped.
    pub(crate) idle_stop: Duration,
    /// The revision spoken last. `None`: never connected; a local server may have to be downloaded first and gets the
    /// time for that.
    pub(crate) last_revision: Option<String>,
    /// The transport a remote server spoke last.
    pub(crate) last_transport: Option<RemoteTransport>,
}

/// How an upstream is reached. Each transport has one variant here, one in `CallTransport` and a folder of its own.
#[derive(Clone)]
pub(crate) enum UpstreamTarget {
    Local(LocalTarget),
    Remote(RemoteTarget),
}

/// A child process that speaks MCP on its standard input and output.
#[derive(Clone)]
pub(crate) struct LocalTarget {
    pub(crate) command: String,
    pub(crate) args: Vec<String>,
    /// Added to the cleaned environment.
    pub(crate) env: BTreeMap<String, String>,
    /// The same, with secret values.
    pub(crate) secret_env: Vec<(String, Secret)>,
    /// Replaces the argument at each index.
    pub(crate) secret_args: BTreeMap<usize, Secret>,
    pub(crate) cwd: Option<PathBuf>,
    /// Time it may be silent while it starts, in place of the usual.
    pub(crate) startup_timeout: Option<Duration>,
    /// The secrets that environment and arguments were filled with.
    pub(crate) secrets: Vec<Secret>,
}

/// A transport of remote servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RemoteTransport {
    /// MCP 2025-03-26 and later.
    StreamableHttp,
    /// HTTP+SSE of MCP 2024-11-05.
    Sse,
}

/// An MCP server over Streamable HTTP or HTTP+SSE.
#[derive(Clone)]
pub(crate) struct RemoteTarget {
    pub(crate) url: Url,
    /// Every value counts as secret.
    pub(crate) headers: Vec<(HeaderName, Secret)>,
    /// The secrets that address and headers were filled with, in every form a server may echo.
    pub(crate) secrets: Vec<Secret>,
    /// Gives the access token of each request, where the server is signed in to by OAuth.
    pub(crate) tokens: Option<Arc<dyn TokenSource>>,
}

impl RemoteTarget {
    /// The transport to try first with a server that was never reached.
    pub(super) fn likely_transport(&self) -> RemoteTransport {
        match self.url.path().trim_end_matches('/').ends_with("/sse") {
            true => RemoteTransport::Sse,
            false => RemoteTransport::StreamableHttp,
        }
    }
}

impl UpstreamTarget {
    /// Removes this upstream's secrets from what it says; `inherited` are those in the environment of local servers.
    pub(super) fn redactor(&self, inherited: Vec<Secret>) -> Redactor {
        match self {
            Self::Local(LocalTarget { secret_env, secrets, .. }) => Redactor::new(
                secret_env.iter().map(|(_, secret)| secret).chain(secrets).chain(&inherited),
            ),
            Self::Remote(RemoteTarget { headers, secrets, tokens, .. }) => {
                Redactor::new(headers.iter().map(|(_, secret)| secret).chain(secrets))
                    .with_tokens(tokens.clone())
            }
        }
    }

    /// All that a server gets, in an order that depends on nothing else, each part at a place of its own.
    pub(crate) fn parts(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Local(LocalTarget {
                command, args, env, secret_env, secret_args, cwd, ..
            }) => {
                let args = args.iter().enumerate().map(|(at, arg)| match secret_args.get(&at) {
                    Some(filled) => filled.expose(),
                    None => arg,
                });
                let plain = env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let sealed = secret_env.iter().map(|(name, value)| (name.as_str(), value.expose()));
                // As the child gets it: a secret goes before a plain value of the same name.
                let env: BTreeMap<&str, &str> = plain.chain(sealed).collect();
                let cwd = cwd.as_ref().map_or(Cow::Borrowed(""), |cwd| cwd.to_string_lossy());
                let counts = format!("local {} {}", args.len(), env.len());
                [counts.into(), command.into(), cwd]
                    .into_iter()
                    .chain(args.map(Cow::Borrowed))
                    .chain(env.into_iter().flat_map(|(name, value)| [name.into(), value.into()]))
                    .collect()
            }
            Self::Remote(RemoteTarget { url, headers, .. }) => {
                let mut headers: Vec<_> =
                    headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
                headers.sort_unstable();
                [Cow::Borrowed("remote"), url.as_str().into()]
                    .into_iter()
                    .chain(
                        headers.into_iter().flat_map(|(name, value)| [name.into(), value.into()]),
                    )
                    .collect()
            }
        }
    }

    /// Whether something goes along that lets the gateway in.
    pub(super) fn has_credential(&self) -> bool {
        match self {
            Self::Local(LocalTarget { secrets, .. }) => !secrets.is_empty(),
            Self::Remote(RemoteTarget { url, headers, tokens, .. }) => {
                tokens.is_some()
                    || !headers.is_empty()
                    || url.query().is_some()
                    || !url.username().is_empty()
            }
        }
    }

    /// The upstream in the owner's words, without secrets.
    pub(crate) fn display_name(&self) -> String {
        match self {
            Self::Local(LocalTarget { command, .. }) => format!("the command {command:?}"),
            Self::Remote(RemoteTarget { url, .. }) => shown(url),
        }
    }
}

/// Shows neither arguments nor environments nor the secret parts of an address.
impl fmt::Debug for UpstreamTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(LocalTarget { command, .. }) => {
                f.debug_struct("Local").field("command", command).finish_non_exhaustive()
            }
            Self::Remote(RemoteTarget { url, .. }) => {
                f.debug_struct("Remote").field("url", &shown(url)).finish_non_exhaustive()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_which_transport_is_likely() {
        for (url, expected) in [
            ("https://mcp.example.com/mcp", RemoteTransport::StreamableHttp),
            ("https://mcp.example.com/sse", RemoteTransport::Sse),
            ("https://mcp.example.com/v1/sse/?key=1", RemoteTransport::Sse),
            ("https://mcp.example.com/asse", RemoteTransport::StreamableHttp),
            ("https://mcp.example.com/?via=/sse", RemoteTransport::StreamableHttp),
        ] {
            let url = url.parse().unwrap();
            let target =
                RemoteTarget { url, headers: Vec::new(), secrets: Vec::new(), tokens: None };
            assert_eq!(target.likely_transport(), expected, "{}", target.url);
        }
    }
}
