//! The MCP methods, as the protocol library's `ServerHandler`. One value serves all agents; the agent that asks is in the
//! request (`Principal`).

use std::{sync::Arc, time::Duration};

use agentport_core::activity::EntryPoint;
use rmcp::{
    ErrorData, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
        GetPromptRequestParams, GetPromptResponse, Implementation, InitializeRequestParams,
        InitializeResult, JsonObject, ListPromptsResult, ListResourceTemplatesResult,
        ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
        ReadResourceResponse, ServerCapabilities, ServerConfig, SubscribeRequestParams,
        SubscriptionFilter, Tool, UnsubscribeRequestParams,
    },
    service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext},
};
use serde_json::Value;

use super::{
    completion, list_changed, meta, prompts, resources,
    revision::is_modern,
    sessions::{RequestSession, Sessions},
    tool_result,
};
use crate::auth::{PRINCIPAL, Principal};
use crate::call::Awaited;
use crate::catalogue::managed_tools;
use crate::{
    agent_api::AgentApi,
    call::{Request, outcome::Outcome},
    caller::Caller,
    catalogue::{AgentView, PublishedTool},
};

/// Time an answer waits for the owner: less than the minute after which clients give up.
pub(crate) const HOLD: Duration = Duration::from_secs(45);
/// The same for clients that asked for progress notifications, which keep the request alive.
pub(crate) const HOLD_WITH_PROGRESS: Duration = Duration::from_secs(240);

/// Lists are filtered per key, so no shared cache may keep them (SEP-2549).
const PRIVATE: Option<CacheScope> = Some(CacheScope::Private);

/// The gateway as the protocol library calls it. Cloned once per request, so it holds handles only.
#[derive(Clone)]
pub(crate) struct AgentServer {
    pub(super) api: Arc<AgentApi>,
    pub(super) sessions: Arc<Sessions>,
}

const INSTRUCTIONS: &str = "\
AgentPort stands between you and the accounts of the person you work for. Find tools with \
agentport__list_integration_tools and agentport__describe_tool, call them with agentport__call_tool, and say in \
additional_info what you want and why: the owner reads it.

A call has one of three outcomes:
1. It runs, and you get the tool's result.
2. It needs approval: share the URL with the person, then call agentport__await_approval at once, in the same turn, \
without waiting for a reply in the chat. While it answers \"Still pending\", call it again.
3. It is blocked or denied: stop, tell the person, and do not try to reach the same in another way.";

impl AgentServer {
    pub(crate) fn new(api: Arc<AgentApi>, sessions: Arc<Sessions>) -> Self {
        Self { api, sessions }
    }

    /// The agent's side of a call, with everything the upstream may want of it.
    pub(super) fn caller(&self, context: &RequestContext<RoleServer>) -> Caller {
        let modern = context.protocol_version().is_some_and(|v| is_modern(v.as_str()));
        let log_level = if modern {
            context.meta.log_level()
        } else {
            session_id(context).and_then(|id| self.sessions.level(&id))
        };
        Caller {
            peer: Some(context.peer.clone()),
            log_sender: context
                .extensions
                .get::<http::request::Parts>()
                .and_then(|parts| parts.extensions.get().cloned()),
            modern,
            capabilities: context.client_capabilities().unwrap_or_default(),
            progress_token: context.meta.get_progress_token(),
            log_level,
            meta: context.meta.clone(),
            input_responses: None,
            request_state: None,
            cancelled: context.ct.clone(),
        }
    }
}

/// `tools/call`: one of ours, or a directly listed tool.
pub(super) async fn call(
    api: &Arc<AgentApi>,
    principal: Principal,
    name: &str,
    arguments: JsonObject,
    caller: Caller,
) -> Result<CallToolResponse, ErrorData> {
    let view = principal.view(&api.catalogue);
    if name.starts_with(managed_tools::PREFIX) {
        return meta::call(api, principal, view, name, arguments, caller).await;
    }
    let Some(tool) = view.direct_tool(name).cloned() else {
        return Err(ErrorData::invalid_params(
            format!("Unknown tool: {name}. tools/list names the tools there are."),
            None,
        ));
    };
    call_direct(api, principal, view, tool, arguments, caller).await
}

async fn call_direct(
    api: &Arc<AgentApi>,
    principal: Principal,
    view: Arc<AgentView>,
    tool: Arc<PublishedTool>,
    mut arguments: JsonObject,
    caller: Caller,
) -> Result<CallToolResponse, ErrorData> {
    let additional_info = take_info(&tool, &mut arguments);
    let outcome = api
        .calls
        .call(Request {
            agent: principal.agent.clone(),
            view,
            integration: tool.integration.to_string(),
            tool: tool.name().to_owned(),
            arguments,
            additional_info,
            entry_point: EntryPoint::Direct,
            caller: caller.clone(),
        })
        .await;
    let Outcome::NeedsApproval { id, .. } = outcome else {
        return tool_result::from_outcome(outcome, &api.address);
    };
    // The call is held open for the owner's decision; only if that takes too long does the agent learn how to await it.
    match meta::await_held(api, id, &principal.agent, caller).await {
        Awaited::StillPending { running: false, .. } => {
            tool_result::from_outcome(outcome, &api.address)
        }
        awaited => tool_result::from_awaited(awaited, &api.address),
    }
}

/// Takes the agent's note out of the arguments, unless the tool has a property of that name itself.
pub(crate) fn take_info(tool: &PublishedTool, arguments: &mut JsonObject) -> Option<String> {
    if tool.has_property("additional_info") {
        return None;
    }
    match arguments.remove("additional_info")? {
        Value::String(info) => Some(info),
        other => Some(other.to_string()),
    }
}

fn session_id(context: &RequestContext<RoleServer>) -> Option<Arc<str>> {
    let parts = context.extensions.get::<http::request::Parts>()?;
    let RequestSession(id) = parts.extensions.get()?;
    Some(id.clone())
}

impl ServerHandler for AgentServer {
    #[expect(
        deprecated,
        reason = "logging is deprecated in 2026-07-28 and still part of earlier revisions"
    )]
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_completions()
            .enable_logging()
            .build();
        let mut info = ServerConfig::new(capabilities);
        info.server_info =
            Implementation::new("agentport", env!("CARGO_PKG_VERSION")).with_title("AgentPort");
        info.instructions = Some(INSTRUCTIONS.to_owned());
        info
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if let Ok(principal) = Principal::of(&context.extensions) {
            let client = &request.client_info;
            principal.agent.set_client_info(&client.name, &client.version);
        }
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let Some(parts) = context.extensions.get::<http::request::Parts>() else { return };
        let session = parts.extensions.get::<RequestSession>();
        let principal = parts.extensions.get::<Principal>();
        if let (Some(RequestSession(id)), Some(principal)) = (session, principal) {
            let seen = list_changed::fingerprint(&principal.view(&self.api.catalogue));
            self.sessions.set_listener(id, context.peer.clone(), principal.key.clone(), seen);
        }
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let principal = Principal::of(&context.extensions)?;
        let view = principal.view(&self.api.catalogue);
        let tools = view.listed(managed_tools::tools);
        principal.record_listing(&self.api.events, tools.len());
        Ok(ListToolsResult {
            ttl_ms: Some(0),
            cache_scope: PRIVATE,
            ..ListToolsResult::with_all_items(Vec::clone(tools))
        })
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let principal = Principal::of(&context.extensions)?;
        let mut caller = self.caller(&context);
        if caller.modern
            && let Some(client) = context.client_info()
        {
            principal.agent.set_client_info(&client.name, &client.version);
        }
        caller.input_responses = params.input_responses;
        caller.request_state = params.request_state;
        let arguments = params.arguments.unwrap_or_default();
        call(&self.api, principal, &params.name, arguments, caller).await
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let view = PRINCIPAL.try_with(|principal| principal.view(&self.api.catalogue)).ok()?;
        view.direct_tool(name).map(|published| published.tool.clone())
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let view = Principal::of(&context.extensions)?.view(&self.api.catalogue);
        Ok(ListResourcesResult {
            ttl_ms: Some(0),
            cache_scope: PRIVATE,
            ..ListResourcesResult::with_all_items(resources::resources(&view))
        })
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let view = Principal::of(&context.extensions)?.view(&self.api.catalogue);
        Ok(ListResourceTemplatesResult {
            ttl_ms: Some(0),
            cache_scope: PRIVATE,
            ..ListResourceTemplatesResult::with_all_items(resources::templates(&view))
        })
    }

    async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read_resource(self, params, &context).await
    }

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let view = Principal::of(&context.extensions)?.view(&self.api.catalogue);
        Ok(ListPromptsResult {
            ttl_ms: Some(0),
            cache_scope: PRIVATE,
            ..ListPromptsResult::with_all_items(prompts::prompts(&view))
        })
    }

    async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get_prompt(self, params, &context).await
    }

    async fn complete(
        &self,
        params: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        completion::complete(self, params, &context).await
    }

    #[expect(
        deprecated,
        reason = "logging is deprecated in 2026-07-28 and still part of earlier revisions"
    )]
    async fn set_level(
        &self,
        params: rmcp::model::SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if let Some(id) = session_id(&context) {
            self.sessions.set_level(&id, params.level);
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        params: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        resources::subscribe(self, &params.uri, &context).await?;
        if let Some(id) = session_id(&context) {
            self.sessions.subscribe(&id, params.uri);
        }
        Ok(())
    }

    async fn unsubscribe(
        &self,
        params: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if let Some(id) = session_id(&context) {
            self.sessions.unsubscribe(&id, &params.uri);
        }
        resources::unsubscribe(self, &params.uri, &context).await
    }

    /// Changes of lists are offered; updates of single resources are not, for the newest revision has no way to
    /// subscribe to them upstream and end that again.
    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        let mut accepted = requested.clone();
        accepted.resource_subscriptions = None;
        Some(accepted)
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        list_changed::listen(&self.api, subscription).await
    }
}
