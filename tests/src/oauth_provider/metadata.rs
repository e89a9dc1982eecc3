//! Protected-resource metadata (RFC 9728), authorization-server metadata (RFC 8414, OpenID Connect Discovery) and the 401
//! challenge that points to them.

use http::Method;
use serde_json::{Value, json};

use super::{
    AUTHORIZATION_PATH, ChallengeForm, ClientAuth, IssParameter, MetadataForm, ProviderBehaviour,
    ProviderCore, ProviderSite, REGISTRATION_PATH, REVOCATION_PATH, RecordedRequest,
    RegistrationRule, ResourceDocument, ResourceName, RevocationRule, TOKEN_PATH,
};

const RESOURCE_WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const SERVER_WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";
const OIDC_WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// An error code with its scope, as a challenge states them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ChallengeError<'a> {
    pub(super) error: Option<&'a str>,
    pub(super) scope: Option<&'a str>,
}

impl ProviderCore {
    /// The issuer that the protected-resource metadata name.
    pub(super) fn named_issuer(&self, behaviour: &ProviderBehaviour) -> String {
        let discovery = &behaviour.discovery;
        let site = match discovery.resource_document {
            ResourceDocument::Absent => ProviderSite::Resource,
            _ => ProviderSite::Authorization,
        };
        self.url_of(behaviour, site, &discovery.issuer_path)
    }

    /// The issuer that the authorization server says it is.
    pub(super) fn claimed_issuer(&self, behaviour: &ProviderBehaviour) -> String {
        let claimed = behaviour.discovery.claimed_issuer.clone();
        claimed.unwrap_or_else(|| self.named_issuer(behaviour))
    }

    /// `resource` as the protected-resource metadata state it.
    pub(super) fn resource_name(&self, behaviour: &ProviderBehaviour) -> String {
        match &behaviour.discovery.resource_name {
            ResourceName::Endpoint => {
                self.url_of(behaviour, ProviderSite::Resource, behaviour.mcp_path())
            }
            ResourceName::Origin => self.url_of(behaviour, ProviderSite::Resource, ""),
            ResourceName::OriginWithSlash => self.url_of(behaviour, ProviderSite::Resource, "/"),
            ResourceName::Other(name) => name.clone(),
        }
    }

    /// The metadata document at this address, if one lies there.
    pub(super) fn document(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Option<Value> {
        if request.method != Method::GET && request.method != Method::HEAD {
            return None;
        }
        let here = (request.site, request.path.clone());
        if Some(&here) == resource_document_place(behaviour).as_ref() {
            return Some(self.resource_document(behaviour));
        }
        (here == server_document_place(behaviour)).then(|| self.server_document(behaviour))
    }

    fn resource_document(&self, behaviour: &ProviderBehaviour) -> Value {
        let mut document = json!({
            "resource": self.resource_name(behaviour),
            "authorization_servers": [self.named_issuer(behaviour)],
            "bearer_methods_supported": ["header"],
        });
        let scopes = &behaviour.discovery.resource_scopes;
        if !scopes.is_empty() {
            document["scopes_supported"] = json!(scopes);
        }
        document
    }

    fn server_document(&self, behaviour: &ProviderBehaviour) -> Value {
        let discovery = &behaviour.discovery;
        let own = |path| self.url_of(behaviour, ProviderSite::Authorization, path);
        let at = |other: &Option<String>, path| other.clone().unwrap_or_else(|| own(path));
        let mut document = json!({
            "issuer": self.claimed_issuer(behaviour),
            "authorization_endpoint": at(&discovery.authorization_endpoint, AUTHORIZATION_PATH),
            "token_endpoint": at(&discovery.token_endpoint, TOKEN_PATH),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
        });
        if behaviour.registration.rule != RegistrationRule::Absent {
            document["registration_endpoint"] =
                json!(at(&discovery.registration_endpoint, REGISTRATION_PATH));
        }
        if behaviour.revocation == RevocationRule::Offered {
            document["revocation_endpoint"] = json!(own(REVOCATION_PATH));
        }
        if discovery.advertises_pkce {
            document["code_challenge_methods_supported"] = json!(["S256"]);
        }
        if !discovery.auth_methods.is_empty() {
            let methods: Vec<_> =
                discovery.auth_methods.iter().copied().map(ClientAuth::as_str).collect();
            document["token_endpoint_auth_methods_supported"] = json!(methods);
        }
        if !discovery.server_scopes.is_empty() {
            document["scopes_supported"] = json!(discovery.server_scopes);
        }
        if behaviour.authorization.iss != IssParameter::Unsupported {
            document["authorization_response_iss_parameter_supported"] = json!(true);
        }
        if discovery.client_metadata_documents {
            document["client_id_metadata_document_supported"] = json!(true);
        }
        document
    }

    /// The `WWW-Authenticate` header of a refusal.
    pub(super) fn challenge(
        &self,
        behaviour: &ProviderBehaviour,
        error: ChallengeError<'_>,
    ) -> Option<String> {
        let pointer = resource_document_place(behaviour)
            .map(|(site, path)| self.url_of(behaviour, site, &path));
        match behaviour.discovery.challenge {
            ChallengeForm::Absent => return None,
            ChallengeForm::BareUrl => return pointer,
            ChallengeForm::Full | ChallengeForm::WithoutMetadata => {}
        }
        let mut parameters = Vec::new();
        if let Some(error) = error.error {
            parameters.push(format!("error=\"{error}\""));
        }
        let full = behaviour.discovery.challenge == ChallengeForm::Full;
        if let Some(pointer) = pointer.filter(|_| full) {
            parameters.push(format!("resource_metadata=\"{pointer}\""));
        }
        if let Some(scope) = error.scope.or(behaviour.discovery.challenge_scope.as_deref()) {
            parameters.push(format!("scope=\"{scope}\""));
        }
        Some(format!("Bearer {}", parameters.join(", ")).trim_end().to_owned())
    }
}

fn resource_document_place(behaviour: &ProviderBehaviour) -> Option<(ProviderSite, String)> {
    let mcp_path = behaviour.mcp_path().trim_end_matches('/');
    let path_form = format!("{RESOURCE_WELL_KNOWN}{mcp_path}");
    match behaviour.discovery.resource_document {
        ResourceDocument::PathForm => Some((ProviderSite::Resource, path_form)),
        ResourceDocument::Root => Some((ProviderSite::Resource, RESOURCE_WELL_KNOWN.to_owned())),
        ResourceDocument::Foreign => Some((ProviderSite::Authorization, path_form)),
        ResourceDocument::Absent => None,
    }
}

fn server_document_place(behaviour: &ProviderBehaviour) -> (ProviderSite, String) {
    let discovery = &behaviour.discovery;
    let site = match discovery.resource_document {
        ResourceDocument::Absent => ProviderSite::Resource,
        _ => ProviderSite::Authorization,
    };
    let issuer_path = &discovery.issuer_path;
    let path = match discovery.metadata_form {
        MetadataForm::OauthInserted => format!("{SERVER_WELL_KNOWN}{issuer_path}"),
        MetadataForm::OidcInserted => format!("{OIDC_WELL_KNOWN}{issuer_path}"),
        MetadataForm::OidcAppended => format!("{issuer_path}{OIDC_WELL_KNOWN}"),
    };
    (site, path)
}
