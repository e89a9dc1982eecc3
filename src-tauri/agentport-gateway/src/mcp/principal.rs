//! Who is asking, and what part of the catalogue they asked to see.

use std::sync::Arc;

use agentport_core::{
    ErrorChain,
    key::Key,
    profile::{ListMode, Profile},
};
use http::{HeaderMap, header};
use rmcp::{ErrorData, model::Extensions};

use crate::{
    agents::Agent,
    catalogue::{AgentView, ViewKey},
    clock,
    engine::Engine,
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
    pub(crate) fn view(&self, engine: &Engine) -> Arc<AgentView> {
        engine.catalogue.views.get(&engine.catalogue.snapshot(), &self.key)
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

impl Engine {
    /// The agent whose key the request shows. Notes that it is here; a long silence has ended its session's grants.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap) -> Option<Arc<Agent>> {
        let now = clock::now();
        let agent = self.agents.authenticate(&shown_key(headers)?, now)?;
        if agent.touch(now)
            && let Err(error) = self.end_session(agent.id).await
        {
            // Without knowing that its grants are gone, the agent is not let in.
            tracing::error!(error = %ErrorChain(&error), "an agent's session could not be ended");
            return None;
        }
        Some(agent)
    }
}

/// Why the wanted view can't be had. Answered with 400.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadView {
    #[error("mode is {0:?}; it can be \"direct\" or \"meta\"")]
    Mode(String),
    #[error("there is no profile {0:?}; leave ?profile= out or ask the owner for one of that name")]
    Profile(String),
    #[error("tags is empty; leave it out, or name tags as in ?tags=work,mail")]
    Tags,
    #[error("no integration is tagged {0:?}")]
    Tag(String),
    #[error("{0:?} is not known here; the query can have mode, profile and tags, each once")]
    Parameter(String),
}

/// Reads `?mode=`, `?profile=` and `?tags=`. Unknown and empty values are errors, never "everything".
pub(crate) fn view_key(
    agent: &Agent,
    query: Option<&str>,
    profile_named: impl Fn(&str) -> Option<Arc<Profile>>,
    tag_known: impl Fn(&str) -> bool,
) -> Result<ViewKey, BadView> {
    let mut key = ViewKey {
        profiles: vec![agent.profile.clone()],
        tags: Vec::new(),
        mode: agent.profile.mode,
    };
    let mut seen = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if seen.contains(&name) {
            return Err(BadView::Parameter(name.into_owned()));
        }
        match &*name {
            "mode" => {
                key.mode = match &*value {
                    "direct" => ListMode::Direct,
                    "meta" => ListMode::Meta,
                    _ => return Err(BadView::Mode(value.into_owned())),
                };
            }
            "profile" => {
                let profile = profile_named(&value)
                    .ok_or_else(|| BadView::Profile(value.clone().into_owned()))?;
                key.profiles.push(profile);
            }
            "tags" => {
                key.tags = value.split(',').map(|tag| tag.trim().to_owned()).collect();
                if key.tags.iter().any(String::is_empty) {
                    return Err(BadView::Tags);
                }
                if let Some(unknown) = key.tags.iter().find(|tag| !tag_known(tag)) {
                    return Err(BadView::Tag(unknown.clone()));
                }
            }
            _ => return Err(BadView::Parameter(name.into_owned())),
        }
        seen.push(name);
    }
    Ok(key)
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
