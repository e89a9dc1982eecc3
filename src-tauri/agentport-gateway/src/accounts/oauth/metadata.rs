//! Metadata documents: protected resource (RFC 9728) and authorization server (RFC 8414, OpenID Connect Discovery).

use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    error::OAuthError,
    network_scope::NetworkScope,
    record::{ClientAuthMethod, ServerEndpoints},
};

/// The fields of a protected resource's metadata that are read.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ResourceDocument {
    pub(super) resource: Option<String>,
    pub(super) authorization_servers: Option<Vec<String>>,
    pub(super) scopes_supported: Option<Vec<String>>,
}

impl ResourceDocument {
    /// Is it about `server`: the same origin, and a path that is the server's or lies above it? The error is the
    /// reason, as the end of a sentence.
    pub(super) fn check(&self, server: &Url) -> Result<String, String> {
        let Some(resource) = &self.resource else {
            return Err("it names no resource".to_owned());
        };
        let url = Url::parse(resource).map_err(|_| "its resource is not a URL".to_owned())?;
        if url.fragment().is_some() {
            return Err("its resource has a fragment".to_owned());
        }
        if url.origin() != server.origin() || !is_same_or_above(url.path(), server.path()) {
            return Err(format!("it is about another server, {}", super::http_client::shown(&url)));
        }
        Ok(resource.clone())
    }
}

fn is_same_or_above(upper: &str, path: &str) -> bool {
    let upper = upper.trim_end_matches('/');
    path.strip_prefix(upper).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The fields of an authorization server's metadata that are read.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ServerDocument {
    pub(super) issuer: Option<String>,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) token_endpoint: Option<String>,
    pub(super) registration_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) scopes_supported: Option<Vec<String>>,
    pub(super) response_types_supported: Option<Vec<String>>,
    pub(super) code_challenge_methods_supported: Option<Vec<String>>,
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(super) client_id_metadata_document_supported: Option<bool>,
    pub(super) authorization_response_iss_parameter_supported: Option<bool>,
}

impl ServerDocument {
    /// Does `issuer` name the one expected? Byte for byte, but for the slash of a bare origin (RFC 8414, section 3.3).
    pub(super) fn is_issued_by(&self, expected: &str) -> bool {
        self.issuer.as_deref().is_some_and(|issuer| {
            issuer == expected || without_root_slash(issuer) == without_root_slash(expected)
        })
    }
}

fn without_root_slash(issuer: &str) -> &str {
    let is_root = Url::parse(issuer).is_ok_and(|url| url.path() == "/");
    if is_root { issuer.strip_suffix('/').unwrap_or(issuer) } else { issuer }
}

/// An authorization server as discovered for one MCP server. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthorizationServer {
    /// The MCP server.
    pub(crate) server: Url,
    /// As its own metadata names it, to the byte.
    pub(crate) issuer: String,
    pub(crate) endpoints: ServerEndpoints,
    /// The resource indicator (RFC 8707), to the byte.
    pub(crate) resource: String,
    /// The scopes that the MCP server asks for.
    pub(crate) offered_scopes: Vec<String>,
    /// `offline_access` is among the authorization server's scopes.
    pub(crate) knows_offline_access: bool,
    /// How clients may show who they are; empty if it does not say.
    pub(crate) auth_methods: Vec<String>,
    /// It takes client-id metadata documents.
    pub(crate) takes_metadata_documents: bool,
    /// It promises `iss` in every callback (RFC 9207).
    pub(crate) promises_iss: bool,
    notes: Vec<String>,
}

impl AuthorizationServer {
    /// Lines on what discovery skipped, oldest first.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// Does its metadata list `method`, or say nothing?
    pub(super) fn may_take(&self, method: ClientAuthMethod) -> bool {
        self.auth_methods.is_empty() || self.lists(method)
    }

    pub(super) fn lists(&self, method: ClientAuthMethod) -> bool {
        self.auth_methods.iter().any(|name| name == method.as_str())
    }

    /// Checks a document whose issuer is right: PKCE, the code flow, and where its endpoints lead.
    pub(super) fn from_document(
        document: ServerDocument,
        scope: NetworkScope,
        server: &Url,
        resource: String,
        offered_scopes: Vec<String>,
        mut notes: Vec<String>,
    ) -> Result<Self, OAuthError> {
        let issuer = document.issuer.clone().unwrap_or_default();
        let invalid =
            |problem: String| OAuthError::ServerMetadataInvalid { issuer: issuer.clone(), problem };
        notes.extend(check_code_flow(&document, &issuer)?);
        let endpoint = |name: &str, value: Option<&String>| match value.filter(|v| !v.is_empty()) {
            None => Ok(None),
            Some(value) => {
                let url = Url::parse(value)
                    .map_err(|_| invalid(format!("its {name} endpoint is not a URL")))?;
                scope.check_url(&url).map_err(|reason| {
                    invalid(format!("its {name} endpoint is refused, because {reason}"))
                })?;
                Ok(Some(url))
            }
        };
        let missing = |name: &str| invalid(format!("it names no {name} endpoint"));
        let endpoints = ServerEndpoints {
            authorization: endpoint("authorization", document.authorization_endpoint.as_ref())?
                .ok_or_else(|| missing("authorization"))?,
            token: endpoint("token", document.token_endpoint.as_ref())?
                .ok_or_else(|| missing("token"))?,
            registration: endpoint("registration", document.registration_endpoint.as_ref())?,
            revocation: endpoint("revocation", document.revocation_endpoint.as_ref())?,
        };
        let scopes = document.scopes_supported.unwrap_or_default();
        Ok(Self {
            server: server.clone(),
            issuer,
            endpoints,
            resource,
            offered_scopes,
            knows_offline_access: scopes.iter().any(|scope| scope == "offline_access"),
            auth_methods: document.token_endpoint_auth_methods_supported.unwrap_or_default(),
            takes_metadata_documents: document
                .client_id_metadata_document_supported
                .unwrap_or_default(),
            promises_iss: document
                .authorization_response_iss_parameter_supported
                .unwrap_or_default(),
            notes,
        })
    }
}

/// Does it offer codes, protected by PKCE? A note where it does not say so.
fn check_code_flow(document: &ServerDocument, issuer: &str) -> Result<Option<String>, OAuthError> {
    let issuer = issuer.to_owned();
    let offers_codes =
        |types: &Vec<String>| types.iter().any(|kind| kind.split(' ').any(|part| part == "code"));
    if document.response_types_supported.as_ref().is_some_and(|types| !offers_codes(types)) {
        let problem = "it does not offer codes".to_owned();
        return Err(OAuthError::ServerMetadataInvalid { issuer, problem });
    }
    match &document.code_challenge_methods_supported {
        Some(methods) if !methods.iter().any(|method| method == "S256") => {
            Err(OAuthError::PkceUnsupported { issuer })
        }
        Some(_) => Ok(None),
        None => Ok(Some(format!("{issuer} does not say whether it supports PKCE."))),
    }
}

/// The addresses that can hold the metadata of `issuer`, in order (RFC 8414, section 3.1; MCP 2025-11-25).
pub(super) fn server_metadata_urls(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_matches('/');
    if path.is_empty() {
        return vec![
            at(issuer, "/.well-known/oauth-authorization-server"),
            at(issuer, "/.well-known/openid-configuration"),
        ];
    }
    vec![
        at(issuer, &format!("/.well-known/oauth-authorization-server/{path}")),
        at(issuer, &format!("/.well-known/openid-configuration/{path}")),
        at(issuer, &format!("/{path}/.well-known/openid-configuration")),
    ]
}

/// The addresses that can hold the metadata of the resource at `server`, in order (RFC 9728, section 3.1).
pub(super) fn resource_metadata_urls(server: &Url) -> Vec<Url> {
    let root = at(server, "/.well-known/oauth-protected-resource");
    match server.path().trim_matches('/') {
        "" => vec![root],
        path => vec![at(server, &format!("/.well-known/oauth-protected-resource/{path}")), root],
    }
}

fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_the_server_or_lies_above_it() {
        let server: Url = "https://h/a/mcp?region=eu".parse().unwrap();
        for (resource, right) in [
            ("https://h/a/mcp", true),
            ("https://h/a/mcp/", true),
            ("https://h/a", true),
            ("https://h", true),
            ("https://h/", true),
            ("https://h:443/", true),
            ("https://h/a/m", false),
            ("https://h/a/mcp/x", false),
            ("https://h/b", false),
            ("https://other", false),
            ("http://h", false),
            ("https://h/#x", false),
            ("h", false),
        ] {
            let document =
                ResourceDocument { resource: Some(resource.into()), ..Default::default() };
            match document.check(&server) {
                Ok(kept) => assert!(right && kept == resource, "{resource}"),
                Err(problem) => assert!(!right, "{resource}: {problem}"),
            }
        }
        assert!(ResourceDocument::default().check(&server).is_err());
    }

    #[test]
    fn issuers_match_but_for_the_root_slash() {
        for (issuer, expected, same) in [
            ("https://h", "https://h", true),
            ("https://h/", "https://h", true),
            ("https://h", "https://h/", true),
            ("https://h/a", "https://h/a/", false),
            ("https://h/a", "https://h", false),
            ("https://H", "https://h", false),
            ("https://h:443", "https://h", false),
        ] {
            let document = ServerDocument { issuer: Some(issuer.into()), ..Default::default() };
            assert_eq!(document.is_issued_by(expected), same, "{issuer} {expected}");
        }
        assert!(!ServerDocument::default().is_issued_by("https://h"));
    }

    #[test]
    fn well_known_addresses_are_inserted_before_the_path() {
        let texts = |urls: Vec<Url>| urls.iter().map(Url::to_string).collect::<Vec<_>>();
        assert_eq!(
            texts(server_metadata_urls(&"https://h/login/oauth/".parse().unwrap())),
            [
                "https://h/.well-known/oauth-authorization-server/login/oauth",
                "https://h/.well-known/openid-configuration/login/oauth",
                "https://h/login/oauth/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            texts(resource_metadata_urls(&"https://h/mcp?x=1".parse().unwrap())),
            [
                "https://h/.well-known/oauth-protected-resource/mcp",
                "https://h/.well-known/oauth-protected-resource",
            ]
        );
    }
}
