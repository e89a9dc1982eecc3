//! Routes of integrations: add, list, change, restart, remove.

use std::time::Duration;

use agentport_api::{
    AddIntegration, AddProgress, ChangeIntegration, Classification, Compare, Compared,
    DefinitionView, Health, IntegrationView, Items, LogLine, PinPackage, ReplaceCredentials,
    ToolCounts, ToolView,
};
use agentport_core::{
    AgentId, IntegrationId,
    audit::{Actor, AuditAction},
    policy::{self, IntegrationPolicy, Mode},
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
use crate::catalogue::{CatalogueEntry, PublishedTool};
use crate::integrations::unpinned_package;
use crate::store::Transition;

/// Time a restart waits for its result before it answers.
const RESTART_WAIT: Duration = Duration::from_secs(10);
pub(super) const MAX_NAME: usize = 64;
const MAX_DESCRIPTION: usize = 2_000;

pub(super) async fn list(
    State(control): State<Control>,
) -> ApiResult<Json<Items<IntegrationView>>> {
    let snapshot = control.catalogue.snapshot();
    let items = snapshot.integrations.values().map(|entry| control.integration_view(entry));
    Ok(Json(Items { items: items.collect() }))
}

pub(super) async fn read(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<IntegrationView>> {
    Ok(Json(control.integration_view(&*control.entry(&id)?)))
}

pub(super) async fn add(
    State(control): State<Control>,
    Json(mut add): Json<AddIntegration>,
) -> ApiResult<(StatusCode, Json<IntegrationView>)> {
    add.name = add
        .name
        .map(|name| sanitize::sanitize_line(&name, MAX_NAME))
        .filter(|name| !name.is_empty());
    check_tags(&add.tags)?;
    let id = control.integrations.add_integration(add, Actor::Owner).await?.id;
    Ok((StatusCode::CREATED, Json(control.integration(&id)?)))
}

/// Does an integration with the same connection exist already?
pub(super) async fn compare(
    State(control): State<Control>,
    Json(wanted): Json<Compare>,
) -> ApiResult<Json<Compared>> {
    let same = control.integrations.same_integration(&wanted.connection, &wanted.secrets).await?;
    Ok(Json(Compared { same }))
}

/// Are the two distinguishable in one line?
pub(super) fn check_tags(tags: &[String]) -> ApiResult<()> {
    match tags.iter().find(|tag| tag.is_empty() || tag.contains(',')) {
        Some(bad) => {
            Err(ApiError::invalid("tags", format!("{bad:?} is no tag; tags have no commas")))
        }
        None => Ok(()),
    }
}

/// What an addition or an install that is under way waits for.
pub(super) async fn add_progress(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<AddProgress>> {
    let progress = control.integrations.pending_adds.progress(&id);
    let none = || ApiError::not_found(format!("no integration {id:?} is being tried"));
    progress.map(Json).ok_or_else(none)
}

/// Ends an addition or an install that is under way; its own request says so.
pub(super) async fn end_adding(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    match control.integrations.pending_adds.cancel(&id) {
        Transition::Applied => Ok(StatusCode::NO_CONTENT),
        Transition::LostRace => {
            Err(ApiError::not_found(format!("no integration {id:?} is being added")))
        }
    }
}

pub(super) async fn change(
    State(control): State<Control>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(mut change): Json<ChangeIntegration>,
) -> ApiResult<Json<IntegrationView>> {
    let entry = control.entry(&id)?;
    let id = entry.row.id.clone();
    if widens(entry.row.policy, &change) {
        control.confirmed(&headers).await?;
    }
    change.name = change.name.map(|name| sanitize::sanitize_line(&name, MAX_NAME));
    if change.name.as_deref() == Some("") {
        return Err(ApiError::invalid("name", "a name cannot be empty"));
    }
    control.integrations.change_integration(&id, change).await?;
    Ok(Json(control.integration_view(&*control.entry(id.as_str())?)))
}

/// Does the change let agents do more without asking?
fn widens(before: IntegrationPolicy, change: &ChangeIntegration) -> bool {
    // A default that asks or denies overrides a general allow.
    let held_back = before.default_mode.is_some_and(|mode| mode != Mode::Allow);
    let frees = held_back && change.default_mode.as_deref() == Some("none");
    frees
        || change.default_mode.as_deref() == Some(Mode::Allow.as_str())
        || change.read_only_may_run == Some(true)
        || change.resources == Some(true)
        // Another environment can make another program of it.
        || change.env.is_some()
}

pub(super) async fn remove(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = control.entry(&id)?.row.id.clone();
    // Removed meanwhile is removed as well.
    let _ = control.integrations.remove_integration(&id, Actor::Owner).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces an integration's secrets, for instance after a token expired.
pub(super) async fn replace_credentials(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(replace): Json<ReplaceCredentials>,
) -> ApiResult<Json<IntegrationView>> {
    let id = control.entry(&id)?.row.id.clone();
    control.integrations.replace_credentials(&id, replace.secrets).await?;
    Ok(Json(control.integration_view(&*control.entry(id.as_str())?)))
}

/// Makes a local server run one version of its package.
pub(super) async fn pin(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(wanted): Json<PinPackage>,
) -> ApiResult<Json<IntegrationView>> {
    let id = control.entry(&id)?.row.id.clone();
    control.integrations.pin_package(&id, &wanted).await?;
    Ok(Json(control.integration(&id)?))
}

/// A tool definition by its digest, also an outdated one.
pub(super) async fn definition(
    State(control): State<Control>,
    Path(digest): Path<String>,
) -> ApiResult<Json<DefinitionView>> {
    let unknown = || {
        ApiError::not_found(format!(
            "no definition with the digest {digest:?} was ever asked about"
        ))
    };
    let digest = digest.parse().map_err(|_| unknown())?;
    let json = control.store.definition(digest).await?.ok_or_else(unknown)?;
    let definition = serde_json::from_str(&json).unwrap_or_default();
    Ok(Json(DefinitionView { digest, definition }))
}

/// Stops and starts it, and waits briefly to report the result.
pub(super) async fn restart(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<IntegrationView>> {
    let id = control.entry(&id)?.row.id.clone();
    let mut events = control.events.listen();
    control.upstreams.restart(&id).await;
    control
        .audit
        .record(Actor::Owner, AuditAction::IntegrationRestarted, id.as_str(), json!({}))
        .await;
    let settled = async {
        while matches!(control.catalogue.health.get(&id).health, Health::Starting | Health::Idle) {
            if events.recv().await.is_err() {
                return;
            }
        }
    };
    // A slow start is no failure: the answer then says that it is starting.
    let _ = tokio::time::timeout(RESTART_WAIT, settled).await;
    Ok(Json(control.integration_view(&*control.entry(id.as_str())?)))
}

pub(super) async fn tools(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<Items<ToolView>>> {
    let entry = control.entry(&id)?;
    let items = entry.tools.iter().map(|tool| control.tool_view(tool));
    Ok(Json(Items { items: items.collect() }))
}

pub(super) async fn log(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<Items<LogLine>>> {
    let entry = control.entry(&id)?;
    Ok(Json(Items { items: control.upstreams.log(&entry.row.id) }))
}

impl Control {
    /// A tool, and what any agent's call of it would get.
    pub(super) fn tool_view(&self, tool: &PublishedTool) -> ToolView {
        let decision = self.mode_for_any(tool);
        ToolView {
            name: tool.name().to_owned(),
            display_name: sanitize::display_name(tool.name()).to_string(),
            title: tool.title().map(|title| sanitize::display_name(title.trim()).to_string()),
            description: tool
                .tool
                .description
                .as_deref()
                .map(|description| sanitize::sanitize_lines(description, MAX_DESCRIPTION)),
            annotations: tool.annotations,
            effect: tool.effect,
            classification: tool.classification.map(|said| Classification {
                effect: said.effect,
                outdated: !tool.is_classified(),
            }),
            category: Some(tool.category.to_owned()),
            mode: decision.mode,
            reason: decision.reason,
            digest: tool.digest,
            input_schema: tool.input_schema(),
            unchecked: tool.unchecked(),
        }
    }

    pub(super) fn entry(&self, id: &str) -> ApiResult<std::sync::Arc<CatalogueEntry>> {
        IntegrationId::new(id)
            .ok()
            .and_then(|id| self.catalogue.get(&id))
            .ok_or_else(|| ApiError::not_found(format!("there is no integration {id:?}")))
    }

    /// View of an installed integration.
    pub(super) fn integration(&self, id: &IntegrationId) -> ApiResult<IntegrationView> {
        Ok(self.integration_view(&*self.entry(id.as_str())?))
    }

    /// The mode of a tool for an agent without rules of its own.
    fn mode_for_any(&self, tool: &PublishedTool) -> policy::Decision {
        let nobody = AgentId(Uuid::nil());
        self.policy.mode_for(nobody, tool)
    }

    fn integration_view(&self, entry: &CatalogueEntry) -> IntegrationView {
        let row = &entry.row;
        let board = self.catalogue.health.get(&row.id);
        let health = match (row.enabled, row.connection.is_builtin()) {
            (false, _) => Health::Disabled,
            (true, true) => Health::Ready,
            (true, false) => board.health,
        };
        let mut tools = ToolCounts::default();
        for tool in &entry.tools {
            tools.total += 1;
            match self.mode_for_any(tool).mode {
                Mode::Allow => tools.allow += 1,
                Mode::RequireApproval => tools.require_approval += 1,
                Mode::Deny => tools.deny += 1,
            }
        }
        IntegrationView {
            id: row.id.clone(),
            name: row.name.clone(),
            display_name: sanitize::display_name(&row.name).to_string(),
            connection: row.connection.clone(),
            tags: row.tags.clone(),
            connected: crate::catalogue::is_connected(&health),
            health,
            last_error: board.last_error,
            default_mode: row.policy.default_mode,
            read_only_may_run: row.policy.read_only_may_run,
            resources: row.resources,
            tools,
            auth_method: row.auth_method.clone(),
            added_at: row.added_at,
            pid: board.pid,
            left_out: entry.listing.as_ref().map(|l| l.left_out.clone()).unwrap_or_default(),
            imported: row.imported.clone(),
            unpinned: unpinned_package(&row.connection),
        }
    }
}
