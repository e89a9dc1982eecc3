//! Integrations the gateway knows of and the owner can install.

use agentport_core::IntegrationId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{FieldValues, LaunchView};

/// `GET /control/available?q=` → Items<AvailableIntegration>: those that can be installed now, best match first,
/// without `q` by name. `GET /control/available/{id}` answers one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AvailableIntegration {
    /// The id it will have once it is installed.
    pub id: IntegrationId,
    /// Its service's name.
    pub name: String,
    /// One sentence, ours.
    pub description: String,
    /// The address of its MCP server; of the first variant, where there are several. Empty of a local server.
    pub url: String,
    /// Of a local server: what it runs, and the values to fill in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub launch: Option<LaunchView>,
    /// Addresses to choose from before it is installed, such as one for each region. Empty: there is one alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<EntryVariant>>", optional)]
    pub variants: Vec<EntryVariant>,
    /// Its service's own page about it.
    pub docs_url: String,
    /// At least one, the one to use first in front.
    pub auth: Vec<AuthMethod>,
    /// What it is known to offer. Empty: known once it is installed.
    pub categories: Vec<ToolCategory>,
    /// Among the few offered first.
    pub popular: bool,
    /// An integration of this id is installed.
    pub installed: bool,
}

/// One of several addresses of the same service. A credential of one is of no use at another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(deny_unknown_fields)]
pub struct EntryVariant {
    /// What to install it by.
    pub id: String,
    /// Its name, as its service calls it.
    pub name: String,
    /// The address of its MCP server.
    pub url: String,
}

/// How an integration lets us in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "method", rename_all = "snake_case")]
#[ts(export)]
pub enum AuthMethod {
    /// It asks for nothing.
    None,
    /// Secrets that go with every request.
    Token {
        /// What is asked for, at least one.
        fields: Vec<TokenField>,
    },
    /// The owner consents in a browser (`POST /control/sign-ins`).
    Oauth {
        /// The owner has to bring a client of their own, registered with the provider.
        own_client_required: bool,
        /// The redirect URI to register for a client of one's own; `{port}` stands for any free port.
        redirect_uri: String,
        /// The scopes it asks for, where they are known beforehand.
        scopes: Option<Vec<String>>,
    },
}

/// One secret to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TokenField {
    /// The name to send it under: `token`, or `token1`, `token2` … where there are several.
    pub name: String,
    /// What its service calls it.
    pub label: String,
    /// The header it goes into, for who wants to know.
    pub header: String,
}

/// Tools of an integration that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ToolCategory {
    /// The category's name, as in rules for it.
    pub name: String,
    /// The tools' names.
    pub tools: Vec<String>,
}

/// `POST /control/available/{id}/install` answers 201 and [`super::IntegrationView`]. The token is tried before it
/// counts: 502 if the service cannot be used with it, and nothing is kept. 409 if it is installed already.
#[derive(Debug, Default, Deserialize, TS)]
#[ts(export)]
pub struct InstallAvailable {
    /// `none` or `token`. 422 for `oauth`, which begins with a sign-in (`POST /control/sign-ins`).
    pub method: String,
    /// One of [`AvailableIntegration::variants`]. Absent: the first.
    #[serde(default)]
    #[ts(optional)]
    pub variant: Option<String>,
    /// By the names of the fields.
    #[serde(default)]
    #[ts(type = "Record<string, string>")]
    pub secrets: std::collections::BTreeMap<String, agentport_core::Secret>,
    /// Keep it even if the service can't be reached now. A token it refuses is not kept all the same.
    #[serde(default)]
    pub keep_unreachable: bool,
    /// What was filled in for a local server, by the names of its fields. Secrets of fields are in `secrets`.
    #[serde(default)]
    #[ts(as = "Option<std::collections::BTreeMap<String, Vec<String>>>", optional)]
    pub fields: std::collections::BTreeMap<String, Vec<String>>,
    /// Of a local server: the command of its preview ([`CommandPreview`](crate::CommandPreview)), which the owner has
    /// seen. 409 if another one would run.
    #[serde(default)]
    #[ts(optional)]
    pub accepted_command: Option<String>,
}

impl InstallAvailable {
    /// What was filled in.
    pub fn take_values(&mut self) -> FieldValues {
        FieldValues {
            fields: std::mem::take(&mut self.fields),
            secrets: std::mem::take(&mut self.secrets),
        }
    }
}
