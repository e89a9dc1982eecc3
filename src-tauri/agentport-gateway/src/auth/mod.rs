//! Authentication of agents: an API key in `Authorization` or `X-API-Key`, or an access token in `Authorization`
//! (RFC 6750, section 2.1).

mod challenge;

use std::sync::Arc;

use agentport_api::Event;
use agentport_core::{
    ErrorChain, Timestamp,
    key::Key,
    oauth_token::{OAuthToken, TokenKind},
};
use http::{HeaderMap, header, request::Parts};
use rmcp::{ErrorData, model::Extensions};

pub(crate) use self::challenge::challenge;
use crate::{
    address::ExternalOrigin,
    agents::{Agent, AgentContact, Agents, Login},
    catalogue::{AgentView, Catalogue, ViewKey},
    clock,
    events::Events,
    policy::PolicyStore,
    store::Audience,
};

tokio::task_local! {
    /// The principal of the request being handled, where the protocol library leaves no other way in.
    pub(crate) static PRINCIPAL: Principal;
}

/// An authenticated agent, with the view its request asked for.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) agent: Arc<Agent>,
    pub(crate) login: Arc<Login>,
    pub(crate) key: Arc<ViewKey>,
}

impl Principal {
    /// The view at this moment.
    pub(crate) fn view(&self, catalogue: &Catalogue) -> Arc<AgentView> {
        catalogue.views.get(&catalogue.snapshot(), &self.key)
    }

    /// The principal the endpoint put into the request.
    pub(crate) fn of(extensions: &Extensions) -> Result<Self, ErrorData> {
        extensions
            .get::<http::request::Parts>()
            .and_then(|parts| parts.extensions.get::<Self>())
            .cloned()
            .ok_or_else(|| ErrorData::internal_error("the request has no credential", None))
    }
}

impl Principal {
    /// Screens show how many tools the agent was listed.
    pub(crate) fn record_listing(&self, events: &Events, tools: usize) {
        if self.agent.set_tools_listed(tools) {
            events.send(Event::Agents);
        }
    }
}

/// Why a request has no usable credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCredential {
    /// Neither header is there.
    #[error(
        "Sign in by OAuth, or show a key of yours as 'X-API-Key: ap_…' or 'Authorization: Bearer ap_…'. The owner creates keys in AgentPort."
    )]
    Missing,
    /// `Authorization` with another scheme, without one, or several of them.
    #[error("The header Authorization has to be 'Bearer ap_…', once.")]
    Scheme,
    /// The value has the form neither of a key nor of an access token.
    #[error(
        "What was shown is no key: a key is 'ap_' and 32 characters. Check that it was pasted whole and nothing else with it."
    )]
    Malformed,
}

/// What a request shows.
enum Credential {
    Key(Key),
    AccessToken(OAuthToken),
}

/// The credential of a request.
///
/// `Authorization`, where it is sent, alone decides: a bad Bearer never falls back to `X-API-Key`. Blanks, quotation
/// marks and a repeated `Bearer`, as they come with pasting, are left out.
fn find_credential(headers: &HeaderMap) -> Result<Credential, InvalidCredential> {
    use InvalidCredential as E;
    let mut authorization = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = authorization.next() {
        if authorization.next().is_some() {
            return Err(E::Scheme);
        }
        let value = value.to_str().map_err(|_| E::Malformed)?;
        return parse(without_bearer(value.trim()).ok_or(E::Scheme)?);
    }
    let value = headers.get("x-api-key").ok_or(E::Missing)?.to_str().map_err(|_| E::Malformed)?;
    match parse(without_bearer(value.trim()).unwrap_or(value))? {
        key @ Credential::Key(_) => Ok(key),
        // RFC 6750 knows one header.
        Credential::AccessToken(_) => Err(E::Malformed),
    }
}

/// What follows the word `Bearer`, or several of them.
fn without_bearer(value: &str) -> Option<&str> {
    let (word, rest) = value.split_once([' ', '\t'])?;
    let rest = rest.trim();
    word.eq_ignore_ascii_case("bearer").then(|| without_bearer(rest).unwrap_or(rest))
}

fn parse(text: &str) -> Result<Credential, InvalidCredential> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'));
    let token = || OAuthToken::parse(TokenKind::Access, text).map(Credential::AccessToken);
    Key::parse(text).map(Credential::Key).or_else(token).ok_or(InvalidCredential::Malformed)
}

/// The sentence for a request whose credential [`Authenticator::authenticate`] refused.
pub(crate) fn unauthorized_reason(headers: &HeaderMap) -> String {
    match find_credential(headers) {
        Ok(Credential::Key(_)) => "This key is not known here, has expired or was revoked. The owner creates keys in AgentPort.".to_owned(),
        Ok(Credential::AccessToken(_)) => "This access token is not known here, has expired or was revoked. Refresh it, or sign in again.".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Checks keys and access tokens, and ends the session grants of an agent that was silent for long.
pub(crate) struct Authenticator {
    agents: Arc<Agents>,
    policy: Arc<PolicyStore>,
    events: Events,
}

impl Authenticator {
    pub(crate) fn new(agents: Arc<Agents>, policy: Arc<PolicyStore>, events: Events) -> Self {
        Self { agents, policy, events }
    }

    /// What the request's credential lets in. Records that the agent was seen; after a long silence its session grants
    /// are removed first.
    pub(crate) async fn authenticate(&self, parts: &Parts) -> Option<Arc<Login>> {
        let now = clock::now();
        let login = self.login(parts, now)?;
        let agent = &login.agent;
        let contact = agent.touch(now);
        if contact == AgentContact::First {
            // Screens show it as connected from here on.
            self.events.send(Event::Agents);
        }
        if contact == AgentContact::NewSession
            && let Err(error) = self.policy.end_grant_session(agent.id).await
        {
            // If its session grants could not be removed, the request is refused.
            tracing::error!(error = %ErrorChain(&error), "an agent's session could not be ended");
            return None;
        }
        Some(login)
    }

    /// Behind the external URL a key lets nothing in.
    fn login(&self, parts: &Parts, now: Timestamp) -> Option<Arc<Login>> {
        let external = parts.extensions.get::<ExternalOrigin>().is_some();
        match (find_credential(&parts.headers).ok()?, external) {
            (Credential::Key(key), false) => self.agents.authenticate(&key, now),
            (Credential::Key(_), true) => None,
            (Credential::AccessToken(token), external) => {
                let audience = if external { Audience::External } else { Audience::Loopback };
                self.agents.authenticate_token(&token, audience, now)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const GOOD: &str = "ap_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_bad_bearer_never_falls_back() {
        let check = |entries: &[(&'static str, &str)], want: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in entries {
                headers.insert(*name, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(find_credential(&headers).is_ok(), want, "{entries:?}");
        };
        check(&[], false);
        check(&[("x-api-key", GOOD)], true);
        check(&[("x-api-key", "ap_short")], false);
        check(&[("authorization", &format!("Bearer {GOOD}"))], true);
        check(&[("authorization", &format!("bearer {GOOD}"))], true);
        check(&[("authorization", "Bearer nonsense"), ("x-api-key", GOOD)], false);
        check(&[("authorization", "Basic dTpw"), ("x-api-key", GOOD)], false);
        check(&[("authorization", &format!("Bearer  {GOOD} "))], true);
        check(&[("authorization", &format!("Bearer Bearer {GOOD}"))], true);
        check(&[("authorization", &format!("Bearer \"{GOOD}\""))], true);
        check(&[("x-api-key", &format!("Bearer {GOOD}"))], true);
        check(&[("authorization", GOOD)], false);
        let token = format!("apa_{}", "A".repeat(43));
        check(&[("authorization", &format!("Bearer {token}"))], true);
        check(&[("authorization", &format!("Bearer {token}x"))], false);
        check(&[("x-api-key", &token)], false);
        check(&[("authorization", &format!("Bearer apr_{}", "A".repeat(43)))], false);
        check(&[("authorization", &format!("Bearer {GOOD}x"))], false);
        check(&[("authorization", ""), ("x-api-key", GOOD)], false);
    }
}
