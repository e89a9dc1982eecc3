//! The routes of approvals: listing, reading and deciding them.

use agentport_api::{ApprovalView, Approve, Deny, Items};
use agentport_core::{
    ApprovalId, IntegrationId,
    approval::{Approval, StateName},
    policy::Reason,
    sanitize,
    summary::{CallSummary, summarize},
    tool::Annotations,
};
use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::{
    approvals::PendingApprovals, catalogue::PublishedTool, clock, directory, store::ApprovalFilter,
};

/// Approvals in one list, at most …
const MAX_LISTED: u32 = 500;
/// … and where the request does not say.
const DEFAULT_LISTED: u32 = 100;
/// Characters of a tool's description that are shown.
const MAX_DESCRIPTION: usize = 1_000;

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

/// Pending ones oldest first, the order to decide in; all others newest first.
pub(super) async fn list(
    State(control): State<Control>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Items<ApprovalView>>> {
    use StateName as S;
    let state = query.state.as_deref().unwrap_or("pending");
    let states = match state {
        "pending" => vec![S::Pending],
        "missed" => vec![S::Expired],
        "decided" => vec![S::Approved, S::Running, S::Done, S::Denied, S::Withdrawn],
        "all" => S::ALL.to_vec(),
        other => {
            let detail = format!("{other:?} is not a list; use pending, missed, decided or all");
            return Err(ApiError::invalid("state", detail));
        }
    };
    let limit = query.limit.unwrap_or(DEFAULT_LISTED).clamp(1, MAX_LISTED);
    let filter = ApprovalFilter { states, agent: None, limit };
    let mut found = control.store.approvals(filter).await?;
    if state == "pending" {
        found.reverse();
    }
    let names = control.store.agent_names(found.iter().map(|approval| approval.agent)).await?;
    let pending = control.approvals.pending();
    let items = found
        .into_iter()
        .map(|approval| {
            let name = names.get(&approval.agent).cloned().unwrap_or_default();
            control.approval_view(approval, name, &pending)
        })
        .collect();
    Ok(Json(Items { items }))
}

pub(super) async fn read(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<ApprovalView>> {
    let id = parse(&id)?;
    let approval = control.store.approval(id).await?;
    let approval =
        approval.ok_or_else(|| ApiError::not_found(format!("there is no request {id}")))?;
    control.show(approval).await
}

pub(super) async fn approve(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(choice): Json<Approve>,
) -> ApiResult<Json<ApprovalView>> {
    let approval = control.approvals.approve(parse(&id)?, &choice).await?;
    control.show(approval).await
}

pub(super) async fn deny(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(choice): Json<Deny>,
) -> ApiResult<Json<ApprovalView>> {
    let approval = control.approvals.deny(parse(&id)?, choice.reason.as_deref()).await?;
    control.show(approval).await
}

fn parse(id: &str) -> ApiResult<ApprovalId> {
    id.parse().map_err(|_| ApiError::not_found(format!("{id:?} is not the id of a request")))
}

impl Control {
    async fn show(&self, approval: Approval) -> ApiResult<Json<ApprovalView>> {
        let agent = self.store.agent(approval.agent).await?;
        let name = agent.map(|agent| agent.name).unwrap_or_default();
        Ok(Json(self.approval_view(approval, name, &self.approvals.pending())))
    }

    fn approval_view(
        &self,
        approval: Approval,
        agent_name: String,
        pending: &PendingApprovals,
    ) -> ApprovalView {
        let tool = self.catalogue.published(&approval.integration, &approval.tool);
        let integration_name = self.integration_name(&approval.integration);
        let tool = tool.as_deref();
        let open = matches!(approval.state.name(), StateName::Pending | StateName::Expired);
        let (integration, name, arguments) =
            (&approval.integration, &approval.tool, &approval.arguments);
        let to_enter = || crate::installs::awaiting_secrets(integration, name, arguments);
        let install = open.then(to_enter).flatten().map(|listed| self.available(listed));
        let annotations = tool.map_or_else(Annotations::default, |tool| tool.annotations);
        let effect = tool.map_or(annotations.effect(), |tool| tool.effect);
        let title = tool.and_then(PublishedTool::title).map(str::trim);
        let shown = |name: &str| sanitize::display_name(name).to_string();
        let CallSummary { sentence, hidden_characters } =
            match crate::installs::request_summary(&integration_name, name, arguments) {
                Some(sentence) => CallSummary { sentence, hidden_characters: 0 },
                None => summarize(&integration_name, name, title, arguments),
            };
        let account = approval.account.and_then(|id| self.sign_ins.accounts.get(id));
        ApprovalView {
            account: account.map(|account| account.label()),
            summary: sentence,
            hidden_characters: u32::try_from(hidden_characters).unwrap_or(u32::MAX),
            why: why(&self.policy, &approval, tool).to_owned(),
            tool_title: title.filter(|title| !title.is_empty()).map(shown),
            tool_description: tool
                .and_then(|tool| tool.tool.description.as_deref())
                .map(|description| sanitize::sanitize_lines(description, MAX_DESCRIPTION)),
            input_schema: tool.map(PublishedTool::input_schema),
            destructive: effect.may_destroy(),
            effect,
            classified: tool.is_some_and(PublishedTool::is_classified),
            unchecked: tool.is_some_and(PublishedTool::unchecked),
            once_only: tool.is_some_and(PublishedTool::manages),
            also_waiting: pending.also_waiting(&approval),
            install,
            annotations,
            edited: approval.edited(),
            id: approval.id,
            agent: approval.agent,
            agent_name: shown(&agent_name),
            integration: approval.integration,
            integration_name: shown(&integration_name),
            tool_display: shown(&approval.tool),
            tool: approval.tool,
            arguments: approval.arguments,
            additional_info: approval.additional_info,
            digest: approval.digest,
            arguments_hash: approval.arguments_hash,
            created_at: approval.created_at,
            expires_at: approval.expires_at,
            state: approval.state,
        }
    }

    /// What the owner calls an integration; before it is installed, its name in the directory.
    fn integration_name(&self, id: &IntegrationId) -> String {
        self.catalogue
            .get(id)
            .map(|entry| entry.row.name.clone())
            .or_else(|| directory::name_of(id).map(str::to_owned))
            .unwrap_or_else(|| id.to_string())
    }
}

/// Why the owner is asked, according to the present rules.
fn why(
    policy: &crate::policy::PolicyStore,
    approval: &Approval,
    tool: Option<&PublishedTool>,
) -> &'static str {
    let Some(tool) = tool else { return "The tool is no longer there." };
    if tool.digest != approval.digest {
        return "The tool's definition changed after the agent asked.";
    }
    let hash = Some(&approval.asked_hash);
    match policy.decide(tool, approval.agent, hash, clock::now()).reason {
        Reason::NoRule if tool.manages() => "Changes of what is installed always ask you.",
        Reason::NoRule => "No rule allows this tool, so you are asked.",
        Reason::DefinitionChanged { .. } => {
            "You allowed this tool, but its definition has changed since, so you are asked again."
        }
        Reason::IntegrationDefault => "The default of this integration is to ask.",
        Reason::Rule { .. } => "A rule of yours is about this tool.",
        Reason::ReadOnlyMayRun => "Tools of this integration that only read may run.",
    }
}
