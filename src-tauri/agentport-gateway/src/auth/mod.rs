//! Authentication of agents: an API key in `Authorization` or `X-API-Key`.

use std::sync::Arc;

use agentport_api::Event;
use agentport_core::{ErrorChain, key::Key};
use http::{HeaderMap, header};
use rmcp::{ErrorData, model::Extensions};

use crate::{
    agents::{Agent, Agents, Contact},
    catalogue::{AgentView, Catalogue, ViewKey},
    clock,
    events::Events,
    policy::PolicyStore,
};

tokio::task_local! {
    /// The principal of the request being handled, where the protocol library leaves no other way in.
    pub(crate) static PRINCIPAL: Principal;
}

/// An agent that has shown its key, and the view it asked for.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) agent: Arc<Agent>,
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

/// The credential a request shows.
///
/// `Authorization`, where it is sent, alone decides: a bad Bearer never falls back to `X-API-Key`.
pub(crate) fn shown_key(headers: &HeaderMap) -> Option<Key> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Key::parse(token.trim()))?;
    }
    Key::parse(headers.get("x-api-key")?.to_str().ok()?.trim())
}

/// Checks keys, and ends the session grants of an agent that was silent for long.
pub(crate) struct Authenticator {
    agents: Arc<Agents>,
    policy: Arc<PolicyStore>,
    events: Events,
}

impl Authenticator {
    pub(crate) fn new(agents: Arc<Agents>, policy: Arc<PolicyStore>, events: Events) -> Self {
        Self { agents, policy, events }
    }

    /// The agent whose key the request shows. Notes that it is here; a long silence has ended its session's grants.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap) -> Option<Arc<Agent>> {
        let now = clock::now();
        let agent = self.agents.authenticate(&shown_key(headers)?, now)?;
        let contact = agent.touch(now);
        if contact == Contact::First {
            // Screens show it as connected from here on.
            self.events.send(Event::Agents);
        }
        if contact == Contact::NewSession
            && let Err(error) = self.policy.end_grant_session(agent.id).await
        {
            // Without knowing that its grants are gone, the agent is not let in.
            tracing::error!(error = %ErrorChain(&error), "an agent's session could not be ended");
            return None;
        }
        Some(agent)
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
            assert_eq!(shown_key(&headers).is_some(), want, "{entries:?}");
        };
        check(&[], false);
        check(&[("x-api-key", GOOD)], true);
        check(&[("x-api-key", "ap_short")], false);
        check(&[("authorization", &format!("Bearer {GOOD}"))], true);
        check(&[("authorization", &format!("bearer {GOOD}"))], true);
        check(&[("authorization", "Bearer nonsense"), ("x-api-key", GOOD)], false);
        check(&[("authorization", "Basic dTpw"), ("x-api-key", GOOD)], false);
        check(&[("authorization", ""), ("x-api-key", GOOD)], false);
    }
}
