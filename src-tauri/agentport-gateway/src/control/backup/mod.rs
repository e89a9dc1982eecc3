//! Backup and restore of the owner's configuration as one JSON document.
//!
//! The document has no secrets: no tokens, no keys, no password ([`document`]). A restore validates it like the owner's own
//! input ([`plan`]) and stores all of it or nothing.

mod document;
mod plan;
mod renamed;
mod sentences;

use agentport_api::{Backup, Event, NewKey, RestoreReport, Settings};
use agentport_core::{
    audit::{Actor, AuditAction},
    key::Key,
    policy::Rule,
    profile::Profile,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use serde_json::json;

use self::plan::RestorePlan;
use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::{
    clock,
    store::{AgentRow, IntegrationRow},
};

/// Largest accepted document.
pub(super) const MAX_BYTES: usize = 32 << 20;
/// Most changes that are listed in the audit entry.
const NOTED: usize = 100;

/// The present configuration, for a document or to compare with one.
struct Here {
    settings: Settings,
    profiles: Vec<Profile>,
    /// Revoked ones as well.
    agents: Vec<AgentRow>,
    integrations: Vec<IntegrationRow>,
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestoreQuery {
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn save(State(control): State<Control>) -> ApiResult<Response> {
    let now = clock::now();
    let backup = document::document(control.here().await?, now);
    let text = serde_json::to_vec_pretty(&backup).unwrap_or_default();
    let mut response = text.into_response();
    let day = now.to_string();
    let day = day.get(..10).unwrap_or_default();
    let name = format!("attachment; filename=\"agentport-backup-{day}.json\"");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

pub(super) async fn restore(
    State(control): State<Control>,
    Query(how): Query<RestoreQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<Json<RestoreReport>> {
    let backup: Backup = serde_json::from_slice(&body).map_err(|error| {
        ApiError::invalid("document", format!("this is not a backup of AgentPort: {error}"))
    })?;
    let _alone = control.changing.lock().await;
    let plan = plan::plan(&backup, control.here().await?, clock::now())?;
    let mut report = RestoreReport {
        changes: plan.changes.clone(),
        needs_secrets: plan.needs_secrets.clone(),
        new_keys: Vec::new(),
    };
    if !how.dry_run {
        control.confirmed(&headers).await?;
        report.new_keys = control.carry_out(plan).await?;
    }
    Ok(Json(report))
}

impl Control {
    async fn here(&self) -> ApiResult<Here> {
        let store = &self.store;
        Ok(Here {
            settings: store.settings().await?,
            profiles: store.profiles().await?,
            agents: store.agents().await?,
            integrations: store.integrations().await?,
            rules: store.rules().await?,
        })
    }

    /// Stores the plan, then applies it to the running gateway.
    async fn carry_out(&self, plan: RestorePlan) -> ApiResult<Vec<NewKey>> {
        if plan.is_nothing() {
            return Ok(Vec::new());
        }
        let RestorePlan { mut stored, new_agents, changes, .. } = plan;
        let mut keys = Vec::with_capacity(new_agents.len());
        for agent in new_agents {
            let key = Key::from_random(rand::random());
            let (id, name) = (agent.id, agent.name.clone());
            keys.push(NewKey { id, name, key: key.secret().expose().to_owned() });
            let agent = AgentRow { key_prefix: key.shown().to_owned(), ..agent };
            stored.new_agents.push((agent, key.hash()));
        }
        self.store.restore(&stored).await?;
        if let Some(settings) = stored.settings {
            self.use_settings(settings);
        }
        self.agents.reload().await?;
        for row in &stored.integrations {
            if stored.reconnected.contains(&row.id) {
                // The tools listed on the other machine may differ from those here.
                self.catalogue.remove(&row.id);
            }
            let builtin = row.connection.is_builtin();
            self.catalogue.put(row.clone(), builtin.then(crate::builtin::demo::listing));
            if let Some(error) = self.integrations.connect_or_say(row).await {
                tracing::info!(integration = %row.id, error, "a restored integration can't be used yet");
            }
            self.approvals.review_integration(&row.id).await?;
            // Its tools are unknown until it is connected.
            self.upstreams.wake(&row.id);
            self.events.send(Event::Integration { id: row.id.clone() });
        }
        self.policy.reload().await?;
        for event in [Event::Agents, Event::Profiles] {
            self.events.send(event);
        }
        let told = &changes[..changes.len().min(NOTED)];
        let detail = json!({ "count": changes.len(), "changes": told });
        self.audit.record(Actor::Owner, AuditAction::BackupRestored, "settings", detail).await;
        for key in &keys {
            let detail = json!({ "name": key.name, "restored": true });
            self.audit
                .record(Actor::Owner, AuditAction::KeyCreated, &key.id.to_string(), detail)
                .await;
        }
        Ok(keys)
    }
}
