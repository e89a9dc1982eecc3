//! The authorization endpoint (OAuth 2.1, section 4.1, with PKCE) and its page.

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use url::{Url, form_urlencoded};

use super::{
    ClientAuth, DECISION_PATH, IssParameter, PortMatching, ProviderBehaviour, ProviderCore,
    RecordedRequest, ResourceRule, ScopeRule, html,
    ledger::{IssuedCode, PendingConsent, RegisteredClient},
};

/// The account of the page, where nothing else is typed.
pub(super) const DEFAULT_ACCOUNT: &str = "ada";

impl ProviderCore {
    /// `GET`: the page with *Approve* and *Deny*, or an error as the specification has it.
    pub(super) fn authorize(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Response {
        let client_id = request.parameter("client_id").unwrap_or_default();
        let redirect_uri = request.parameter("redirect_uri").unwrap_or_default();
        let Some(client) = self.client_at_authorization(behaviour, client_id, redirect_uri) else {
            // As Supabase answers for a client it has purged: no redirect, so the client never hears of it.
            return html(StatusCode::UNPROCESSABLE_ENTITY, "Unrecognized client_id");
        };
        let registered =
            |uri: &String| redirect_fits(behaviour.authorization.port_matching, uri, redirect_uri);
        if !client.redirect_uris.iter().any(registered) {
            return html(StatusCode::BAD_REQUEST, "This redirect URI is not registered");
        }
        let state = request.parameter("state").map(ToOwned::to_owned);
        if let Some((error, description)) = self.authorization_error(behaviour, request) {
            let fields = [("error", error), ("error_description", description)];
            return self.send_back(behaviour, redirect_uri, state.as_deref(), &fields);
        }
        let scopes = request.parameter("scope").unwrap_or_default();
        let consent = PendingConsent {
            client: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            state,
            challenge: request.parameter("code_challenge").unwrap_or_default().to_owned(),
            scopes: scopes.split_whitespace().map(ToOwned::to_owned).collect(),
        };
        let id = uuid::Uuid::new_v4().simple().to_string();
        let page = consent_page(&id, &consent);
        self.ledger.lock().consents.insert(id, consent);
        html(StatusCode::OK, &page)
    }

    fn client_at_authorization(
        &self,
        behaviour: &ProviderBehaviour,
        client_id: &str,
        redirect_uri: &str,
    ) -> Option<RegisteredClient> {
        let mut ledger = self.ledger.lock();
        let by_document =
            behaviour.discovery.client_metadata_documents && client_id.starts_with("https://");
        if by_document && !ledger.clients.contains_key(client_id) {
            let client = RegisteredClient {
                secret: None,
                method: Some(ClientAuth::None),
                redirect_uris: vec![redirect_uri.to_owned()],
            };
            ledger.clients.insert(client_id.to_owned(), client);
        }
        ledger.clients.get(client_id).cloned()
    }

    fn authorization_error(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Option<(&'static str, &'static str)> {
        if request.parameter("response_type") != Some("code") {
            return Some(("unsupported_response_type", "only code"));
        }
        let challenge = request.parameter("code_challenge").unwrap_or_default();
        if challenge.is_empty() || request.parameter("code_challenge_method") != Some("S256") {
            return Some(("invalid_request", "PKCE with S256 is required"));
        }
        let scope = request.parameter("scope");
        let allowed = match &behaviour.authorization.scopes {
            ScopeRule::Any => true,
            ScopeRule::Only(known) => {
                let mut asked = scope.unwrap_or_default().split_whitespace();
                asked.all(|scope| known.iter().any(|known| known == scope))
            }
            ScopeRule::Absent => scope.is_none(),
        };
        if !allowed {
            return Some(("invalid_scope", "a scope is unknown"));
        }
        self.resource_error(behaviour, request.parameter("resource"))
    }

    /// Judges `resource` of an authorization or token request.
    pub(super) fn resource_error(
        &self,
        behaviour: &ProviderBehaviour,
        resource: Option<&str>,
    ) -> Option<(&'static str, &'static str)> {
        match behaviour.resource_rule {
            ResourceRule::Required if resource != Some(&self.resource_name(behaviour)) => {
                Some(("invalid_target", "resource is not what the metadata say"))
            }
            ResourceRule::Refused if resource.is_some() => {
                Some(("invalid_request", "AADSTS9010010: resource and scope do not match"))
            }
            _ => None,
        }
    }

    /// `POST` of the page: sends the browser back with a code or `access_denied`.
    pub(super) fn decide(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Response {
        let id = request.field("consent").unwrap_or_default();
        let Some(consent) = self.ledger.lock().consents.remove(&id) else {
            return html(StatusCode::BAD_REQUEST, "This page was answered already");
        };
        let (redirect_uri, state) = (consent.redirect_uri.clone(), consent.state.clone());
        if request.field("decision").as_deref() != Some("approve") {
            let fields = [("error", "access_denied"), ("error_description", "The owner said no")];
            return self.send_back(behaviour, &redirect_uri, state.as_deref(), &fields);
        }
        let account = request.field("account").filter(|account| !account.is_empty());
        let account = account.unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned());
        let code = {
            let mut ledger = self.ledger.lock();
            let code = ledger.secret("code");
            ledger.codes.insert(code.clone(), IssuedCode { consent, account });
            code
        };
        self.send_back(behaviour, &redirect_uri, state.as_deref(), &[("code", &code)])
    }

    fn send_back(
        &self,
        behaviour: &ProviderBehaviour,
        redirect_uri: &str,
        state: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Response {
        let Ok(mut url) = Url::parse(redirect_uri) else {
            return html(StatusCode::BAD_REQUEST, "The redirect URI is no URL");
        };
        url.query_pairs_mut().extend_pairs(fields);
        if let Some(state) = state {
            url.query_pairs_mut().append_pair("state", state);
        }
        let iss = match &behaviour.authorization.iss {
            IssParameter::Sent => Some(self.claimed_issuer(behaviour)),
            IssParameter::Wrong(iss) => Some(iss.clone()),
            IssParameter::Missing | IssParameter::Unsupported => None,
        };
        if let Some(iss) = iss {
            url.query_pairs_mut().append_pair("iss", &iss);
        }
        (StatusCode::FOUND, [(header::LOCATION, String::from(url))]).into_response()
    }
}

fn consent_page(id: &str, consent: &PendingConsent) -> String {
    let client = escaped(&consent.client);
    let scopes = escaped(&consent.scopes.join(" "));
    format!(
        r#"<h1>Allow access?</h1><p>Client <code>{client}</code> asks for <code>{scopes}</code>.</p>
        <form method="post" action="{DECISION_PATH}">
        <input type="hidden" name="consent" value="{id}">
        <label>Account <input name="account" value="{DEFAULT_ACCOUNT}"></label>
        <button name="decision" value="approve">Approve</button>
        <button name="decision" value="deny">Deny</button>
        </form>"#
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn redirect_fits(matching: PortMatching, registered: &str, asked: &str) -> bool {
    if registered == asked || matching == PortMatching::Exact {
        return registered == asked;
    }
    let without_port = |uri: &str| {
        let mut url = Url::parse(uri).ok().filter(|url| url.scheme() == "http")?;
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        (loopback && url.set_port(None).is_ok()).then(|| String::from(url))
    };
    let registered = without_port(registered);
    registered.is_some() && registered == without_port(asked)
}

/// Reads the id of a consent page, for a browser without a DOM.
pub(super) fn consent_of(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(r#"name="consent" value=""#)?;
    rest.split('"').next().map(ToOwned::to_owned)
}

/// The form that *Approve* or *Deny* sends.
pub(super) fn decision_form(consent: &str, account: &str, decision: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("consent", consent)
        .append_pair("account", account)
        .append_pair("decision", decision)
        .finish()
}
