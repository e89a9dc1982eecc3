//! Resources, prompts and completions of the integrations whose owner offers them.

use std::sync::Arc;

use agentport_core::profile::{ListMode, Naming};
use rmcp::{
    ErrorData,
    model::{
        CompleteRequestParams, CompleteResult, GetPromptRequestParams, GetPromptResponse, Prompt,
        ReadResourceRequestParams, ReadResourceResponse, Reference, Resource, ResourceTemplate,
        ServerResult,
    },
    service::{RequestContext, RoleServer},
};

use super::{principal::Principal, server::AgentServer};
use crate::{
    call::{
        caller::Caller,
        outcome::{Outcome, failure_sentence},
        passthrough::unexpected,
        permit::Operation,
    },
    catalogue::{AgentView, CatalogueEntry},
    mcp::answer::BLOCKED,
    upstream::{Listing, UpstreamError},
};

/// The integrations that offer more than tools to this view.
fn offering(view: &AgentView) -> impl Iterator<Item = (&Arc<CatalogueEntry>, &Listing)> {
    let direct = view.key.mode == ListMode::Direct;
    view.integrations
        .values()
        .filter(move |entry| direct && entry.row.resources)
        .filter_map(|entry| Some((entry, entry.listing.as_ref()?)))
}

fn bare(view: &AgentView) -> bool {
    view.key.profiles.iter().any(|profile| profile.naming == Naming::Bare)
}

fn prompt_name(view: &AgentView, entry: &CatalogueEntry, name: &str) -> String {
    if bare(view) { name.to_owned() } else { format!("{}__{name}", entry.row.id) }
}

pub(super) fn resources(view: &AgentView) -> Vec<Resource> {
    offering(view).flat_map(|(_, listing)| listing.resources.iter().cloned()).collect()
}

pub(super) fn templates(view: &AgentView) -> Vec<ResourceTemplate> {
    offering(view).flat_map(|(_, listing)| listing.resource_templates.iter().cloned()).collect()
}

pub(super) fn prompts(view: &AgentView) -> Vec<Prompt> {
    offering(view)
        .flat_map(|(entry, listing)| {
            listing.prompts.iter().map(|prompt| {
                let mut prompt = prompt.clone();
                prompt.name = prompt_name(view, entry, &prompt.name);
                prompt
            })
        })
        .collect()
}

/// The integration a URI belongs to: the one that lists it, else one with a fitting template, else the only one that
/// offers resources at all.
fn owner_of<'a>(view: &'a AgentView, uri: &str) -> Option<&'a Arc<CatalogueEntry>> {
    let listed = |listing: &Listing| listing.resources.iter().any(|resource| resource.uri == uri);
    let fits = |listing: &Listing| {
        listing.resource_templates.iter().any(|template| {
            let start = template.uri_template.split('{').next().unwrap_or_default();
            !start.is_empty() && uri.starts_with(start)
        })
    };
    if let Some((entry, _)) = offering(view).find(|(_, listing)| listed(listing)) {
        return Some(entry);
    }
    if let Some((entry, _)) = offering(view).find(|(_, listing)| fits(listing)) {
        return Some(entry);
    }
    let mut all = offering(view).filter(|(_, listing)| listing.capabilities.resources.is_some());
    match (all.next(), all.next()) {
        (Some((only, _)), None) => Some(only),
        _ => None,
    }
}

/// The integration and its own name for a prompt.
fn prompt_of<'a>(view: &'a AgentView, name: &str) -> Option<(&'a Arc<CatalogueEntry>, String)> {
    offering(view).find_map(|(entry, listing)| {
        let prompt = listing.prompts.iter().find(|p| prompt_name(view, entry, &p.name) == name)?;
        Some((entry, prompt.name.clone()))
    })
}

fn no_resource(uri: &str) -> ErrorData {
    ErrorData::resource_not_found(
        format!("Resource not found: {uri}"),
        Some(serde_json::json!({ "uri": uri })),
    )
}

fn no_prompt(name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("Unknown prompt: {name}"), None)
}

async fn run(
    server: &AgentServer,
    principal: &Principal,
    entry: &CatalogueEntry,
    operation: Operation,
    caller: Caller,
) -> Result<ServerResult, ErrorData> {
    match server.engine.pass_through(&principal.agent, entry, operation, caller).await {
        Outcome::Ran(result) => Ok(*result),
        Outcome::Failed { error: UpstreamError::Refused(error), .. } => Err(error),
        Outcome::Failed { integration, error } => {
            Err(ErrorData::internal_error(failure_sentence(&integration, &error), None))
        }
        Outcome::Refused(refusal) => Err(ErrorData::invalid_request(refusal.to_string(), None)),
        _ => Err(ErrorData::invalid_request(BLOCKED, None)),
    }
}

fn unusable(result: &ServerResult) -> ErrorData {
    ErrorData::internal_error(unexpected(result), None)
}

pub(super) async fn read_resource(
    server: &AgentServer,
    params: ReadResourceRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<ReadResourceResponse, ErrorData> {
    let principal = Principal::of(&context.extensions)?;
    let view = principal.view(&server.engine);
    let entry = owner_of(&view, &params.uri).ok_or_else(|| no_resource(&params.uri))?;
    let mut caller = server.caller(context);
    caller.input_responses = params.input_responses;
    caller.request_state = params.request_state;
    let operation = Operation::ReadResource { uri: params.uri };
    match run(server, &principal, entry, operation, caller).await? {
        ServerResult::ReadResourceResult(mut result) => {
            result.cache_scope = Some(rmcp::model::CacheScope::Private);
            Ok(ReadResourceResponse::Complete(result))
        }
        ServerResult::InputRequiredResult(result) => {
            Ok(ReadResourceResponse::InputRequired(result))
        }
        other => Err(unusable(&other)),
    }
}

pub(super) async fn get_prompt(
    server: &AgentServer,
    params: GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let principal = Principal::of(&context.extensions)?;
    let view = principal.view(&server.engine);
    let (entry, name) = prompt_of(&view, &params.name).ok_or_else(|| no_prompt(&params.name))?;
    let mut caller = server.caller(context);
    caller.input_responses = params.input_responses;
    caller.request_state = params.request_state;
    let operation = Operation::GetPrompt { name, arguments: params.arguments };
    match run(server, &principal, entry, operation, caller).await? {
        ServerResult::GetPromptResult(result) => Ok(GetPromptResponse::Complete(result)),
        ServerResult::InputRequiredResult(result) => Ok(GetPromptResponse::InputRequired(result)),
        other => Err(unusable(&other)),
    }
}

pub(super) async fn complete(
    server: &AgentServer,
    mut params: CompleteRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CompleteResult, ErrorData> {
    let principal = Principal::of(&context.extensions)?;
    let view = principal.view(&server.engine);
    let entry = match &mut params.r#ref {
        Reference::Prompt(reference) => {
            let (entry, name) =
                prompt_of(&view, &reference.name).ok_or_else(|| no_prompt(&reference.name))?;
            reference.name = name;
            entry
        }
        Reference::Resource(reference) => {
            let uri = &reference.uri;
            let has = |listing: &Listing| {
                listing.resource_templates.iter().any(|template| template.uri_template == *uri)
            };
            offering(&view)
                .find(|(_, listing)| has(listing))
                .map(|(entry, _)| entry)
                .or_else(|| owner_of(&view, uri))
                .ok_or_else(|| no_resource(uri))?
        }
        _ => return Err(ErrorData::invalid_params("this kind of reference is not known", None)),
    };
    let operation = Operation::Complete { params: Box::new(params) };
    match run(server, &principal, entry, operation, server.caller(context)).await? {
        ServerResult::CompleteResult(result) => Ok(result),
        other => Err(unusable(&other)),
    }
}

pub(super) async fn subscribe(
    server: &AgentServer,
    uri: &str,
    context: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let operation = Operation::Subscribe { uri: uri.to_owned() };
    on_resource(server, uri, operation, context).await
}

pub(super) async fn unsubscribe(
    server: &AgentServer,
    uri: &str,
    context: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let operation = Operation::Unsubscribe { uri: uri.to_owned() };
    on_resource(server, uri, operation, context).await
}

async fn on_resource(
    server: &AgentServer,
    uri: &str,
    operation: Operation,
    context: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let principal = Principal::of(&context.extensions)?;
    let view = principal.view(&server.engine);
    let entry = owner_of(&view, uri).ok_or_else(|| no_resource(uri))?;
    run(server, &principal, entry, operation, server.caller(context)).await.map(|_| ())
}
