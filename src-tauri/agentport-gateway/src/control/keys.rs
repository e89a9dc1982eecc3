//! Routes of agents and their keys: list, create, change, revoke, trust.

use agentport_api::{ChangeKey, CreateKey, Event, Items, KeyView, NewKey, Trust};
use agentport_core::{
    AgentId, RuleId,
    approval::WithdrawnBecause,
    audit::{Actor, AuditAction},
    key::Key,
    policy::{Mode, Origin, Rule, Scope},
    sanitize,
};
use axum::{
    Json,
    extract::{Path, State},
};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::{
    clock, oauth_server,
    store::{AgentRow, Transition},
};

/// Longest name of an agent.
const MAX_NAME: usize = 64;
/// Longest time an agent can be trusted: a day.
const MOST_TRUST_MINUTES: u32 = 24 * 60;

pub(super) async fn list(State(control): State<Control>) -> ApiResult<Json<Items<KeyView>>> {
    control.agents.flush().await?;
    control.up_to_now().await;
    let first_calls = control.store.first_calls().await?;
    let mut sign_ins = oauth_server::sign_ins_of(&control.store).await?;
    let rules = control.store.rules().await?;
    let now = clock::now();
    let mut view = |agent: AgentRow| KeyView {
        trusted_until: rules
            .iter()
            .filter(|rule| trusts(rule, agent.id))
            .filter_map(|rule| rule.expires_at)
            .filter(|end| now < *end)
            .max(),
        id: agent.id,
        name: agent.name,
        prefix: agent.key_prefix,
        profile: agent.profile,
        created_at: agent.created_at,
        expires_at: agent.expires_at,
        revoked_at: agent.revoked_at,
        last_used_at: agent.last_used_at,
        tools_listed: control.agents.get(agent.id).and_then(|agent| agent.tools_listed()),
        first_call_at: first_calls.get(&agent.id).copied(),
        oauth: sign_ins.remove(&agent.id),
        client: agent.client,
    };
    let items = control.store.agents().await?.into_iter().map(&mut view).collect();
    Ok(Json(Items { items }))
}

pub(super) async fn create(
    State(control): State<Control>,
    Json(wanted): Json<CreateKey>,
) -> ApiResult<(StatusCode, Json<NewKey>)> {
    let name = wanted.name.trim().to_owned();
    check_name(&name)?;
    let now = clock::now();
    if wanted.expires_at.is_some_and(|end| end <= now) {
        return Err(ApiError::invalid("expires_at", "the key would have expired already"));
    }
    control.check_profile(wanted.profile.as_deref()).await?;
    let key = Key::from_random(rand::random());
    let agent = AgentRow {
        id: AgentId(Uuid::now_v7()),
        name,
        key_prefix: key.shown().to_owned(),
        profile: wanted.profile,
        created_at: now,
        expires_at: wanted.expires_at,
        revoked_at: None,
        last_used_at: None,
        client: None,
    };
    control.store.insert_agent(&agent, key.hash()).await?;
    control.agents.reload().await?;
    let detail = json!({ "name": agent.name, "prefix": agent.key_prefix });
    control
        .audit
        .record(Actor::Owner, AuditAction::KeyCreated, &agent.id.to_string(), detail)
        .await;
    control.events.send(Event::Agents);
    let new = NewKey { id: agent.id, name: agent.name, key: key.secret().expose().to_owned() };
    Ok((StatusCode::CREATED, Json(new)))
}

/// Is it a name an agent can have?
pub(super) fn check_name(name: &str) -> ApiResult<()> {
    if name.is_empty()
        || name.chars().count() > MAX_NAME
        || sanitize::sanitize_line(name, MAX_NAME) != name
    {
        return Err(ApiError::invalid("name", "A name has 1 to 64 visible characters."));
    }
    Ok(())
}

/// Takes effect with the next request; closes open streams and withdraws pending approvals.
pub(super) async fn revoke(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = parse(&id)?;
    if control.store.revoke_agent(id, clock::now()).await? == Transition::LostRace {
        return Err(ApiError::not_found(format!("there is no key {id} to revoke")));
    }
    // The last use is known in memory only while the key is valid.
    control.agents.flush().await?;
    control.agents.reload().await?;
    control.sessions.close_of(id).await?;
    control.policy.end_grant_session(id).await?;
    for approval in control.store.open_approvals().await? {
        if approval.agent == id {
            control.approvals.withdraw(approval, WithdrawnBecause::AgentRevoked).await?;
        }
    }
    control.audit.record(Actor::Owner, AuditAction::KeyRevoked, &id.to_string(), json!({})).await;
    control.events.send(Event::Agents);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn change(
    State(control): State<Control>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(change): Json<ChangeKey>,
) -> ApiResult<StatusCode> {
    let id = control.known(&id)?;
    if let Some(profile) = &change.profile {
        control.check_profile(profile.as_deref()).await?;
        // Another profile can show the agent more than before.
        control.confirmed(&headers).await?;
    }
    if let Some(name) = &change.name {
        check_name(name)?;
        control.store.rename_agent(id, name).await?;
    }
    if let Some(profile) = &change.profile {
        // Agents are revoked, never deleted: the row is there.
        let _ = control.store.set_agent_profile(id, profile.as_deref()).await?;
    }
    control.agents.reload().await?;
    let detail = json!(change);
    control.audit.record(Actor::Owner, AuditAction::KeyChanged, &id.to_string(), detail).await;
    control.events.send(Event::Agents);
    Ok(StatusCode::NO_CONTENT)
}

/// Allows everything but destructive tools for a time.
pub(super) async fn trust(
    State(control): State<Control>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(trust): Json<Trust>,
) -> ApiResult<StatusCode> {
    let id = control.known(&id)?;
    if trust.minutes > MOST_TRUST_MINUTES {
        return Err(ApiError::invalid("minutes", "trust lasts at most 1440 minutes"));
    }
    if trust.minutes > 0 {
        control.confirmed(&headers).await?;
    }
    for rule in control.store.rules().await? {
        if trusts(&rule, id) {
            // Removed meanwhile is removed as well.
            let _ = control.store.delete_rule(rule.id).await?;
        }
    }
    if trust.minutes > 0 {
        let now = clock::now();
        let life = std::time::Duration::from_secs(u64::from(trust.minutes) * 60);
        let rule = Rule {
            id: RuleId(Uuid::now_v7()),
            scope: Scope::NonDestructive,
            mode: Mode::Allow,
            agent: Some(id),
            conditions: Vec::new(),
            digest: None,
            expires_at: Some(now.plus(life)),
            session: false,
            origin: Origin::Owner,
            created_at: now,
        };
        control.store.insert_rule(&rule).await?;
    }
    control.policy.reload().await?;
    let detail = json!({ "minutes": trust.minutes });
    control.audit.record(Actor::Owner, AuditAction::AgentTrusted, &id.to_string(), detail).await;
    control.events.send(Event::Agents);
    Ok(StatusCode::NO_CONTENT)
}

/// Is this the rule that trusts this agent?
fn trusts(rule: &Rule, agent: AgentId) -> bool {
    rule.scope == Scope::NonDestructive
        && rule.agent == Some(agent)
        && rule.mode == Mode::Allow
        && rule.expires_at.is_some()
}

fn parse(id: &str) -> ApiResult<AgentId> {
    id.parse().map_err(|_| ApiError::not_found(format!("{id:?} is not the id of a key")))
}

impl Control {
    fn known(&self, id: &str) -> ApiResult<AgentId> {
        let id = parse(id)?;
        match self.agents.get(id) {
            Some(_) => Ok(id),
            None => Err(ApiError::not_found(format!("there is no key {id} in use"))),
        }
    }

    pub(super) async fn check_profile(&self, profile: Option<&str>) -> ApiResult<()> {
        let Some(name) = profile else { return Ok(()) };
        if self.store.profiles().await?.iter().any(|profile| profile.name == name) {
            return Ok(());
        }
        Err(ApiError::invalid("profile", format!("there is no profile {name:?}; create it first")))
    }
}
