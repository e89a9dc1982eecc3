//! One entry of `integrations.json`.

use std::{collections::BTreeMap, fmt};

use agentport_core::IntegrationId;
use serde::Deserialize;

use agentport_api::{
    AuthMethod, AvailableIntegration, Connection, TokenField, TokenPlace, ToolCategory,
};

/// Placeholder of the secret in a header's format.
const PLACE: &str = "{token}";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectoryEntry {
    pub(crate) id: IntegrationId,
    pub(crate) name: String,
    /// One sentence, ours.
    pub(crate) description: String,
    kind: ConnectionKind,
    pub(crate) url: String,
    pub(crate) docs_url: String,
    #[serde(default)]
    pub(super) popular: bool,
    pub(super) auth: Vec<SignInMethod>,
    #[serde(default)]
    pub(super) categories: Vec<ToolCategory>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ConnectionKind {
    RemoteMcp,
    /// A REST API, to be described as data.
    Custom,
}

/// A sign-in method. Several tokens are one method: the service wants all of them.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub(super) enum SignInMethod {
    None,
    Token {
        label: String,
        header: String,
        format: String,
    },
    /// With details this gateway does not use, since it has no OAuth client.
    Oauth,
}

/// Why an entry cannot be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Unsupported {
    RestApi,
    OldTransport,
    OauthOnly,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RestApi => "it has a REST API instead of an MCP server, which AgentPort does not speak yet",
            Self::OldTransport => {
                "it speaks the HTTP+SSE transport of MCP's first revision, which AgentPort does not speak yet"
            }
            Self::OauthOnly => "it lets callers in by OAuth only, which AgentPort does not speak yet",
        })
    }
}

impl DirectoryEntry {
    pub(crate) fn unsupported(&self) -> Option<Unsupported> {
        if self.kind == ConnectionKind::Custom {
            return Some(Unsupported::RestApi);
        }
        if self.url.trim_end_matches('/').ends_with("/sse") {
            return Some(Unsupported::OldTransport);
        }
        self.auth.iter().all(|way| *way == SignInMethod::Oauth).then_some(Unsupported::OauthOnly)
    }

    /// The supported sign-in methods.
    pub(crate) fn auth_methods(&self) -> Vec<AuthMethod> {
        let fields: Vec<_> = self.secrets().map(|(field, _)| field).collect();
        let token = (!fields.is_empty()).then_some(AuthMethod::Token { fields });
        let none = self.auth.contains(&SignInMethod::None).then_some(AuthMethod::None);
        token.into_iter().chain(none).collect()
    }

    pub(crate) fn view(&self, installed: bool) -> AvailableIntegration {
        AvailableIntegration {
            id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            url: self.url.clone(),
            docs_url: self.docs_url.clone(),
            auth: self.auth_methods(),
            categories: self.categories.clone(),
            popular: self.popular,
            installed,
        }
    }

    /// The connection, with placeholders for the secrets of this sign-in method.
    pub(crate) fn connection(&self, way: &AuthMethod) -> Connection {
        let headers: BTreeMap<String, String> = match way {
            AuthMethod::None | AuthMethod::Oauth { .. } => BTreeMap::new(),
            AuthMethod::Token { .. } => self
                .secrets()
                .map(|(field, format)| {
                    (field.header, format.replace(PLACE, &format!("{{{}}}", field.name)))
                })
                .collect(),
        };
        Connection::RemoteMcp { url: self.url.clone(), headers, oauth: None, timeout_seconds: None }
    }

    /// Where the token goes, if there is one alone.
    pub(crate) fn token_place(&self) -> Option<TokenPlace> {
        let mut places = self.secrets();
        let (field, format) = places.next()?;
        let place = TokenPlace { header: field.header, format: format.to_owned() };
        places.next().is_none().then_some(place)
    }

    /// The secrets to be asked for, each with how its header is written.
    fn secrets(&self) -> impl Iterator<Item = (TokenField, &str)> {
        let tokens = || {
            self.auth.iter().filter_map(|way| match way {
                SignInMethod::Token { label, header, format } => {
                    Some((label, header, format.as_str()))
                }
                SignInMethod::None | SignInMethod::Oauth => None,
            })
        };
        let several = tokens().count() > 1;
        tokens().enumerate().map(move |(at, (label, header, format))| {
            let name = if several { format!("token{}", at + 1) } else { "token".to_owned() };
            (TokenField { name, label: label.clone(), header: header.clone() }, format)
        })
    }
}

/// A sign-in method by its name.
pub(crate) fn method_name(way: &AuthMethod) -> &'static str {
    match way {
        AuthMethod::None => "none",
        AuthMethod::Token { .. } => "token",
        AuthMethod::Oauth { .. } => "oauth",
    }
}
