//! From the gateway's URL to its endpoints, as the MCP authorization specification says: challenge, protected-resource
//! metadata (RFC 9728), authorization-server metadata (RFC 8414).

use http::StatusCode;
use serde_json::Value;

use super::FormClient;
use crate::wire::Reply;

/// What a client learns before it registers.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// The MCP endpoint's URL, as the client was given it.
    pub url: String,
    /// The protected-resource metadata.
    pub resource: Value,
    /// The authorization server's metadata.
    pub server: Value,
}

impl Discovery {
    /// Follows the challenge of the endpoint at `url`.
    pub async fn of(url: &str) -> Self {
        let http = FormClient::default();
        let refused = http.get(url).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.text);
        let pointer = challenge_parameter(&refused, "resource_metadata");
        let pointer = pointer.unwrap_or_else(|| panic!("no pointer: {:?}", refused.headers));
        let resource = document(&http, &pointer).await;
        let issuer = resource["authorization_servers"][0].as_str().expect("an issuer").to_owned();
        let location = format!("{issuer}/.well-known/oauth-authorization-server");
        let server = document(&http, &location).await;
        assert_eq!(server["issuer"], issuer.as_str(), "the document is the issuer's own");
        Self { url: url.to_owned(), resource, server }
    }

    pub fn issuer(&self) -> &str {
        self.server["issuer"].as_str().expect("an issuer")
    }

    /// An endpoint by its name in the metadata.
    pub fn endpoint(&self, name: &str) -> &str {
        self.server[name].as_str().unwrap_or_else(|| panic!("no {name}: {}", self.server))
    }

    pub fn resource(&self) -> &str {
        self.resource["resource"].as_str().expect("a resource")
    }
}

async fn document(http: &FormClient, url: &str) -> Value {
    let reply = http.get(url).await;
    assert_eq!(reply.status, StatusCode::OK, "{url}: {}", reply.text);
    reply.json()
}

/// A parameter of the `WWW-Authenticate: Bearer` challenge (RFC 9110, section 11.6.1).
pub fn challenge_parameter(reply: &Reply, name: &str) -> Option<String> {
    let challenge = reply.header("www-authenticate")?.strip_prefix("Bearer")?;
    challenge.split(',').find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        (key == name).then(|| value.trim_matches('"').to_owned())
    })
}
