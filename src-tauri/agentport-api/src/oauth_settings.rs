//! How AgentPort signs in to a remote server by OAuth 2.1 (MCP 2025-11-25, Authorization), and where a provider departs
//! from the rules. It holds no secret: a client secret lies in the vault.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How to sign in to one integration. The defaults keep to the specification; everything else is reviewed data of the
/// directory or the owner's choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct OAuthSettings {
    /// A client the owner registered with the provider. Absent: a client-id metadata document, or dynamic registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// An https URL of a client-id metadata document, used where the provider takes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_metadata_url: Option<String>,
    /// The provider has no registration, so the owner must bring a client of their own.
    #[serde(skip_serializing_if = "is_false")]
    #[ts(as = "Option<bool>")]
    pub own_client_required: bool,
    /// The scopes to ask for, whatever the server names; an empty list asks for none. Absent: as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The one issuer to accept although the server's metadata names another. Only reviewed data may set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Send `resource` (RFC 8707) with every request.
    #[serde(skip_serializing_if = "is_true")]
    #[ts(as = "Option<bool>")]
    pub send_resource: bool,
    /// Accept a callback without the `iss` that the provider advertises (RFC 9207).
    #[serde(skip_serializing_if = "is_false")]
    #[ts(as = "Option<bool>")]
    pub allow_missing_iss: bool,
    /// Parameters to add to the authorization request, such as `access_type=offline`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[ts(as = "Option<BTreeMap<String, String>>")]
    pub authorize_params: BTreeMap<String, String>,
    /// Where the provider sends the browser back to.
    #[serde(skip_serializing_if = "RedirectSettings::is_default")]
    #[ts(as = "Option<RedirectSettings>")]
    pub redirect: RedirectSettings,
}

/// The loopback redirect URI (RFC 8252, section 7.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct RedirectSettings {
    /// `127.0.0.1`, or `localhost` for providers that take no address.
    #[ts(as = "Option<RedirectHost>")]
    pub host: RedirectHost,
    /// Begins with `/`.
    #[ts(as = "Option<String>")]
    pub path: String,
    /// Absent: any free port, and the same again as long as the registration lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The two names of this computer that providers accept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub enum RedirectHost {
    /// The address, as RFC 8252 recommends.
    #[default]
    #[serde(rename = "127.0.0.1")]
    Address,
    /// The name.
    #[serde(rename = "localhost")]
    Localhost,
}

impl RedirectHost {
    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "127.0.0.1",
            Self::Localhost => "localhost",
        }
    }
}

impl RedirectSettings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The redirect URI with this port.
    pub fn uri(&self, port: u16) -> String {
        format!("http://{}:{port}{}", self.host.as_str(), self.path)
    }
}

impl Default for RedirectSettings {
    fn default() -> Self {
        Self { host: RedirectHost::default(), path: "/callback".to_owned(), port: None }
    }
}

impl Default for OAuthSettings {
    fn default() -> Self {
        Self {
            client_id: None,
            client_metadata_url: None,
            own_client_required: false,
            scopes: None,
            issuer: None,
            send_resource: true,
            allow_missing_iss: false,
            authorize_params: BTreeMap::new(),
            redirect: RedirectSettings::default(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_left_out_and_come_back() {
        let settings = OAuthSettings::default();
        assert_eq!(serde_json::to_value(&settings).unwrap(), serde_json::json!({}));
        assert_eq!(serde_json::from_str::<OAuthSettings>("{}").unwrap(), settings);
        let odd: OAuthSettings = serde_json::from_value(serde_json::json!({
            "scopes": [], "send_resource": false, "redirect": { "host": "localhost", "port": 3118 },
        }))
        .unwrap();
        assert_eq!(odd.redirect.uri(3118), "http://localhost:3118/callback");
        assert_eq!(odd.scopes, Some(Vec::new()), "no scopes is not the same as the server's");
        let again: OAuthSettings =
            serde_json::from_value(serde_json::to_value(&odd).unwrap()).unwrap();
        assert_eq!(again, odd);
    }
}
