//! One entry of `integrations.json` or `local_servers.json`.

use std::{collections::BTreeMap, fmt};

use agentport_core::IntegrationId;
use serde::Deserialize;

use agentport_api::{
    AuthMethod, AvailableIntegration, Connection, EntryVariant, FieldValues, OAuthSettings,
    Program, TokenField, TokenPlace, ToolCategory,
};

use crate::launch::{LaunchTemplate, package_of};

/// Placeholder of the secret in a header's format.
const PLACE: &str = "{token}";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectoryEntry {
    pub(crate) id: IntegrationId,
    pub(crate) name: String,
    /// One sentence, ours.
    pub(crate) description: String,
    pub(super) kind: ConnectionKind,
    /// Of the first variant, where there are several. A local server has none.
    #[serde(default)]
    pub(crate) url: String,
    /// What a local server runs.
    #[serde(default)]
    pub(crate) launch: Option<LaunchTemplate>,
    #[serde(default)]
    pub(super) variants: Vec<EntryVariant>,
    pub(crate) docs_url: String,
    #[serde(default)]
    pub(super) popular: bool,
    /// The one to use first in front.
    pub(super) auth: Vec<SignInMethod>,
    #[serde(default)]
    pub(super) categories: Vec<ToolCategory>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConnectionKind {
    RemoteMcp,
    /// A program on this computer that speaks MCP on stdio.
    LocalMcp,
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
    /// Where the provider departs from the specification stands in the settings, as data.
    Oauth {
        #[serde(default)]
        settings: Box<OAuthSettings>,
    },
}

/// Why an entry cannot be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Unsupported {
    RestApi,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RestApi => {
                "it has a REST API instead of an MCP server, which AgentPort does not speak yet"
            }
        })
    }
}

/// An entry was to be installed in a variant that it does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} has no variant {variant:?}{}", known_variants(.known))]
pub(crate) struct UnknownVariant {
    name: String,
    variant: String,
    known: Vec<String>,
}

fn known_variants(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; it has {}", known.join(", ")) }
}

impl DirectoryEntry {
    pub(crate) fn unsupported(&self) -> Option<Unsupported> {
        (self.kind == ConnectionKind::Custom).then_some(Unsupported::RestApi)
    }

    /// The sign-in methods, the one to use first in front.
    pub(crate) fn auth_methods(&self) -> Vec<AuthMethod> {
        let mut methods = Vec::new();
        for method in &self.auth {
            match method {
                SignInMethod::None => methods.push(AuthMethod::None),
                SignInMethod::Oauth { settings } => methods.push(oauth_method(settings)),
                SignInMethod::Token { .. } => {
                    let listed = |way: &AuthMethod| matches!(way, AuthMethod::Token { .. });
                    if !methods.iter().any(listed) {
                        let fields = self.secrets().map(|(field, _)| field).collect();
                        methods.push(AuthMethod::Token { fields });
                    }
                }
            }
        }
        methods
    }

    /// How accounts sign in to it by OAuth, if they can.
    pub(crate) fn oauth(&self) -> Option<&OAuthSettings> {
        self.auth.iter().find_map(|method| match method {
            SignInMethod::Oauth { settings } => Some(&**settings),
            SignInMethod::None | SignInMethod::Token { .. } => None,
        })
    }

    pub(crate) fn view(&self, installed: bool) -> AvailableIntegration {
        AvailableIntegration {
            id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            url: self.url.clone(),
            launch: self.launch.as_ref().map(LaunchTemplate::view),
            variants: self.variants.clone(),
            docs_url: self.docs_url.clone(),
            auth: self.auth_methods(),
            categories: self.categories.clone(),
            popular: self.popular,
            installed,
        }
    }

    /// The type of the integration it becomes, as docs/contract.md §2 names it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            ConnectionKind::RemoteMcp => "remote_mcp",
            ConnectionKind::LocalMcp => "local_mcp",
            ConnectionKind::Custom => "custom",
        }
    }

    /// Is there something that only the owner can fill in before it runs?
    pub(crate) fn has_to_be_filled_in(&self) -> bool {
        let fields = self.launch.iter().flat_map(|launch| &launch.fields);
        fields.into_iter().any(|field| field.required && field.default.is_empty())
    }

    /// What a local server runs where nothing is filled in; what has to be stands in braces.
    pub(crate) fn usual_command(&self) -> Option<String> {
        let launch = self.launch.as_ref()?;
        let filled = launch.fill(&FieldValues::default()).ok();
        let line = filled.and_then(|filled| filled.connection.program().map(Program::line));
        Some(line.unwrap_or_else(|| launch.view().command))
    }

    /// Runs this connection the package of this entry, in whichever version?
    pub(super) fn runs_as(&self, connection: &Connection) -> bool {
        let named =
            |connection: &Connection| Some(package_of(connection.program()?)?.name.to_owned());
        let own = self.fixed_command();
        own.is_some_and(|own| named(&own).is_some() && named(&own) == named(connection))
    }

    /// The command of a local server without what is filled in.
    pub(super) fn fixed_command(&self) -> Option<Connection> {
        let launch = self.launch.as_ref()?;
        Some(Connection::LocalMcp {
            command: launch.command.clone(),
            args: launch.fixed_words(),
            env: BTreeMap::new(),
            secret_env: Vec::new(),
            cwd: None,
            secret_args: Vec::new(),
            timeout_seconds: None,
            startup_timeout_seconds: None,
        })
    }

    /// All addresses it can be reached at.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &str> {
        let variants = self.variants.iter().map(|variant| variant.url.as_str());
        std::iter::once(self.url.as_str()).chain(variants)
    }

    /// The connection in a variant (`None`: the first), with placeholders for the secrets of this sign-in method.
    pub(crate) fn connection(
        &self,
        way: &AuthMethod,
        variant: Option<&str>,
    ) -> Result<Connection, UnknownVariant> {
        let headers: BTreeMap<String, String> = match way {
            AuthMethod::None | AuthMethod::Oauth { .. } => BTreeMap::new(),
            AuthMethod::Token { .. } => self
                .secrets()
                .map(|(field, format)| {
                    (field.header, format.replace(PLACE, &format!("{{{}}}", field.name)))
                })
                .collect(),
        };
        let oauth = match way {
            AuthMethod::Oauth { .. } => self.oauth().cloned().map(Box::new),
            AuthMethod::None | AuthMethod::Token { .. } => None,
        };
        let url = self.address(variant)?.to_owned();
        Ok(Connection::RemoteMcp { url, headers, oauth, timeout_seconds: None })
    }

    fn address(&self, variant: Option<&str>) -> Result<&str, UnknownVariant> {
        let Some(wanted) = variant else { return Ok(&self.url) };
        let found = self.variants.iter().find(|variant| variant.id == wanted);
        found.map(|variant| variant.url.as_str()).ok_or_else(|| UnknownVariant {
            name: self.name.clone(),
            variant: wanted.to_owned(),
            known: self.variants.iter().map(|variant| variant.id.clone()).collect(),
        })
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
                SignInMethod::None | SignInMethod::Oauth { .. } => None,
            })
        };
        let several = tokens().count() > 1;
        tokens().enumerate().map(move |(at, (label, header, format))| {
            let name = if several { format!("token{}", at + 1) } else { "token".to_owned() };
            (TokenField { name, label: label.clone(), header: header.clone() }, format)
        })
    }
}

/// What an owner has to know of these settings before signing in.
fn oauth_method(settings: &OAuthSettings) -> AuthMethod {
    let redirect = &settings.redirect;
    let port = redirect.port.map_or_else(|| "{port}".to_owned(), |port| port.to_string());
    AuthMethod::Oauth {
        own_client_required: settings.own_client_required,
        redirect_uri: format!("http://{}:{port}{}", redirect.host.as_str(), redirect.path),
        scopes: settings.scopes.clone(),
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
