//! Client metadata (RFC 7591, section 2): what is kept of what a client says of itself.

use agentport_api::RedirectTarget;
use agentport_core::sanitize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    error::{ErrorCode, OAuthRefusal, OAuthResult},
    redirect_uri,
};
use crate::{
    address::SCOPE,
    store::{Audience, OAuthClientRow},
};

/// Redirect URIs of one client that are looked at.
const MAX_REDIRECT_URIS: usize = 20;
/// Longest name, as it is shown.
const MAX_NAME: usize = 64;
/// Longest of the other texts that are kept.
const MAX_TEXT: usize = 512;
const GRANT_TYPES: [&str; 2] = ["authorization_code", "refresh_token"];

/// What is kept of a client's metadata: what we understand, with the values we go by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClientMetadata(Map<String, Value>);

impl ClientMetadata {
    /// Redirect URIs that cannot be taken are left out; a list with none left is refused.
    pub(super) fn read(said: &Map<String, Value>) -> OAuthResult<Self> {
        let mut kept = Map::new();
        let uris = redirect_uris(said.get("redirect_uris"))?;
        kept.insert("redirect_uris".into(), uris.into());
        for name in ["client_name", "client_uri", "software_id", "software_version"] {
            if let Some(text) = said.get(name).and_then(Value::as_str).filter(|t| !t.is_empty())
                && text.chars().count() <= MAX_TEXT
            {
                kept.insert(name.into(), text.into());
            }
        }
        if let Some(kind @ ("native" | "web")) =
            said.get("application_type").and_then(Value::as_str)
        {
            kept.insert("application_type".into(), kind.into());
        }
        kept.insert("grant_types".into(), grant_types(said.get("grant_types"))?.into());
        kept.insert("response_types".into(), json!(["code"]));
        kept.insert("token_endpoint_auth_method".into(), "none".into());
        kept.insert("scope".into(), SCOPE.into());
        Ok(Self(kept))
    }

    pub(super) fn of(client: &OAuthClientRow) -> Self {
        Self(client.metadata.clone())
    }

    /// As it is answered and stored.
    pub(super) fn into_json(self) -> Map<String, Value> {
        self.0
    }

    /// The same for the same metadata. Ports of loopback addresses are left out: some clients register at each launch,
    /// with the port they listen on this time. Clients on other computers are others, even with the same words.
    pub(super) fn digest(&self, audience: Audience) -> [u8; 32] {
        let mut plain = self.0.clone();
        if audience == Audience::External {
            plain.insert("audience".into(), audience.as_str().into());
        }
        let uris: Vec<String> = self.redirect_uris().map(redirect_uri::without_port).collect();
        plain.insert("redirect_uris".into(), uris.into());
        // Maps of serde_json are written in the order of their names or of insertion, which is fixed above.
        Sha256::digest(Value::Object(plain).to_string()).into()
    }

    pub(super) fn redirect_uris(&self) -> impl Iterator<Item = &str> {
        let uris = self.0.get("redirect_uris").and_then(Value::as_array);
        uris.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The redirect URI of an authorization request: the one asked for if it is registered, or the only one.
    pub(super) fn redirect_uri(&self, asked: Option<&str>) -> Option<String> {
        match asked {
            Some(asked) => self
                .redirect_uris()
                .any(|registered| redirect_uri::is_same(registered, asked))
                .then(|| asked.to_owned())
                .filter(|asked| redirect_uri::target(asked).is_ok()),
            None => {
                let mut uris = self.redirect_uris();
                let only = uris.next()?;
                // The port of a loopback address is another each time.
                let target = redirect_uri::target(only);
                let fixed = !matches!(target, Ok(RedirectTarget::Loopback { .. }));
                (fixed && uris.next().is_none()).then(|| only.to_owned())
            }
        }
    }

    /// As it may be shown.
    pub(super) fn name(&self) -> String {
        let said = self.0.get("client_name").and_then(Value::as_str).unwrap_or_default();
        match sanitize::sanitize_line(said, MAX_NAME) {
            name if name.is_empty() => "A program without a name".to_owned(),
            name => name,
        }
    }

    /// The client's page, if it is one on the web.
    pub(super) fn uri(&self) -> Option<String> {
        let uri = self.0.get("client_uri").and_then(Value::as_str)?;
        matches!(redirect_uri::target(uri), Ok(RedirectTarget::Site { .. })).then(|| uri.to_owned())
    }

    /// Whether it gets refresh tokens.
    pub(super) fn takes_refresh_tokens(&self) -> bool {
        let types = self.0.get("grant_types").and_then(Value::as_array);
        types.is_some_and(|types| types.iter().any(|one| one == "refresh_token"))
    }
}

fn redirect_uris(said: Option<&Value>) -> OAuthResult<Vec<String>> {
    let refuse = |why: &str| OAuthRefusal::new(ErrorCode::InvalidRedirectUri, why);
    let Some(Value::Array(said)) = said else {
        return Err(refuse("redirect_uris has to be a list of addresses"));
    };
    let mut kept = Vec::new();
    let mut last = "the list is empty";
    for uri in said.iter().take(MAX_REDIRECT_URIS) {
        let Some(uri) = uri.as_str() else {
            last = "it is no text";
            continue;
        };
        match redirect_uri::target(uri) {
            Ok(_) => kept.push(uri.to_owned()),
            Err(why) => last = why,
        }
    }
    if kept.is_empty() {
        return Err(refuse(&format!("no address of redirect_uris can be used: {last}")));
    }
    Ok(kept)
}

/// Those we have. A client that names none gets both.
fn grant_types(said: Option<&Value>) -> OAuthResult<Vec<&'static str>> {
    let Some(Value::Array(said)) =
        said.filter(|said| said.as_array().is_none_or(|s| !s.is_empty()))
    else {
        return Ok(GRANT_TYPES.into());
    };
    let wanted = |ours: &&str| said.iter().any(|one| one.as_str() == Some(ours));
    let kept: Vec<_> = GRANT_TYPES.into_iter().filter(wanted).collect();
    match kept.contains(&GRANT_TYPES[0]) {
        true => Ok(kept),
        false => Err(OAuthRefusal::new(
            ErrorCode::InvalidClientMetadata,
            "grant_types has to hold authorization_code",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &Value) -> OAuthResult<ClientMetadata> {
        ClientMetadata::read(said.as_object().expect("an object"))
    }

    #[test]
    fn what_cannot_be_used_is_left_out() {
        let metadata = read(&json!({
            "client_name": "One", "client_uri": "", "logo_uri": "https://h.example/logo",
            "redirect_uris": ["javascript:x", "http://localhost:1/cb", 5, "http://h.example/cb", "zed://a"],
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
            "scope": "openid profile", "token_endpoint_auth_method": "client_secret_post",
        }))
        .unwrap();
        assert_eq!(
            Value::Object(metadata.into_json()),
            json!({
                "client_name": "One", "redirect_uris": ["http://localhost:1/cb", "zed://a"],
                "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
                "scope": "mcp", "token_endpoint_auth_method": "none",
            })
        );
    }

    #[test]
    fn the_same_metadata_has_the_same_digest_whatever_the_port() {
        let digest = |uri: &str, name: &str| {
            read(&json!({ "client_name": name, "redirect_uris": [uri] }))
                .unwrap()
                .digest(Audience::Loopback)
        };
        let one = digest("http://127.0.0.1:5/cb", "a");
        assert_eq!(one, digest("http://127.0.0.1:6/cb", "a"));
        assert_ne!(one, digest("http://127.0.0.1:5/other", "a"));
        assert_ne!(one, digest("http://127.0.0.1:5/cb", "b"));
    }

    #[test]
    fn a_client_that_cannot_sign_in_is_refused() {
        for (said, code) in [
            (json!({}), ErrorCode::InvalidRedirectUri),
            (json!({ "redirect_uris": [] }), ErrorCode::InvalidRedirectUri),
            (json!({ "redirect_uris": ["http://h.example/"] }), ErrorCode::InvalidRedirectUri),
            (
                json!({ "redirect_uris": ["zed://a"], "grant_types": ["client_credentials"] }),
                ErrorCode::InvalidClientMetadata,
            ),
        ] {
            assert_eq!(read(&said).unwrap_err().code, code, "{said}");
        }
    }

    #[test]
    fn a_redirect_uri_may_be_left_out_if_there_is_one() {
        let only = read(&json!({ "redirect_uris": ["zed://a"] })).unwrap();
        assert_eq!(only.redirect_uri(None).as_deref(), Some("zed://a"));
        let one = read(&json!({ "redirect_uris": ["http://localhost:6/cb"] })).unwrap();
        assert_eq!(one.redirect_uri(None), None, "its port is another each time");
        assert_eq!(
            one.redirect_uri(Some("http://localhost:7/cb")).as_deref(),
            Some("http://localhost:7/cb")
        );
        assert_eq!(one.redirect_uri(Some("http://localhost:7/else")), None);
        let two = read(&json!({ "redirect_uris": ["zed://a", "zed://b"] })).unwrap();
        assert_eq!(two.redirect_uri(None), None);
    }
}
