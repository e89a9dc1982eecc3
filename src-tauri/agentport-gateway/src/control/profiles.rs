//! Routes of profiles, which limit what agents see.

use agentport_api::{Event, Items};
use agentport_core::{
    IntegrationId,
    audit::{Actor, AuditAction},
    profile::Profile,
    sanitize,
};
use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use serde_json::json;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::store::Transition;

const MAX_NAME: usize = 64;

pub(super) async fn list(State(control): State<Control>) -> ApiResult<Json<Items<Profile>>> {
    Ok(Json(Items { items: control.store.profiles().await? }))
}

pub(super) async fn put(
    State(control): State<Control>,
    Path(name): Path<String>,
    Json(profile): Json<Profile>,
) -> ApiResult<StatusCode> {
    if profile.name != name {
        return Err(ApiError::invalid("name", "the name in the body is not the one in the path"));
    }
    check(&profile, |id| control.catalogue.get(id).is_some())?;
    control.store.put_profile(&profile).await?;
    control.agents.reload().await?;
    control.audit.record(Actor::Owner, AuditAction::ProfileSet, &name, json!(profile)).await;
    control.events.send(Event::Profiles);
    Ok(StatusCode::NO_CONTENT)
}

/// Validates a profile. `known` are the installed integrations.
pub(super) fn check(profile: &Profile, known: impl Fn(&IntegrationId) -> bool) -> ApiResult<()> {
    let name = &profile.name;
    let good = !name.is_empty()
        && name.chars().count() <= MAX_NAME
        && sanitize::sanitize_line(name, MAX_NAME) == *name
        && !name.contains('/');
    if !good {
        let detail = "a profile's name has 1 to 64 visible characters and no '/'";
        return Err(ApiError::invalid("name", detail));
    }
    if let Some(unknown) = profile.integrations.iter().flatten().find(|id| !known(id)) {
        let detail = format!("there is no integration {:?}", unknown.as_str());
        return Err(ApiError::invalid("integrations", detail));
    }
    let names_a_tool = |hidden: &String| {
        hidden
            .split_once('/')
            .is_some_and(|(id, tool)| IntegrationId::new(id).is_ok() && !tool.is_empty())
    };
    if let Some(bad) = profile.hidden_tools.iter().find(|hidden| !names_a_tool(hidden)) {
        let detail = format!("{bad:?} has to be integration/tool, as in files/write_file");
        return Err(ApiError::invalid("hidden_tools", detail));
    }
    Ok(())
}

pub(super) async fn delete(
    State(control): State<Control>,
    Path(name): Path<String>,
) -> ApiResult<StatusCode> {
    let agents = control.store.agents().await?;
    let user = agents
        .iter()
        .find(|agent| agent.revoked_at.is_none() && agent.profile.as_deref() == Some(&name));
    if let Some(agent) = user {
        let detail = format!("the agent {:?} uses this profile; give it another first", agent.name);
        return Err(ApiError::new(StatusCode::CONFLICT, detail));
    }
    if control.store.delete_profile(&name).await? == Transition::LostRace {
        return Err(ApiError::not_found(format!("there is no profile {name:?}")));
    }
    control.agents.reload().await?;
    control.audit.record(Actor::Owner, AuditAction::ProfileRemoved, &name, json!({})).await;
    control.events.send(Event::Profiles);
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use agentport_core::profile::{ListMode, Naming};

    use super::*;

    fn profile(name: &str) -> Profile {
        Profile {
            name: name.to_owned(),
            integrations: None,
            tags: Vec::new(),
            hidden_tools: Vec::new(),
            mode: ListMode::Meta,
            naming: Naming::Prefixed,
        }
    }

    #[test]
    fn meaningless_profiles_are_refused() {
        let fits = |profile: &Profile| check(profile, |id| id.as_str() == "files").is_ok();
        for (name, good) in [("work", true), ("a/b", false), ("a\u{202e}b", false), ("", false)] {
            assert_eq!(fits(&profile(name)), good, "{name:?}");
        }
        assert!(fits(&profile(&"x".repeat(64))) && !fits(&profile(&"x".repeat(65))));
        for (id, good) in [("files", true), ("gone", false)] {
            let integrations = Some(vec![IntegrationId::new(id).unwrap()]);
            assert_eq!(fits(&Profile { integrations, ..profile("work") }), good, "{id}");
        }
        for (hidden, good) in [
            ("files/write*", true),
            ("gone/write", true),
            ("files", false),
            ("files/", false),
            ("/write", false),
            ("Files/write", false),
            ("", false),
        ] {
            let hidden_tools = vec![hidden.to_owned()];
            assert_eq!(fits(&Profile { hidden_tools, ..profile("work") }), good, "{hidden:?}");
        }
    }
}
