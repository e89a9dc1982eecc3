//! Resources and resource templates of the integrations whose owner offers them (MCP "Server features: Resources").

use std::sync::Arc;

use rmcp::{
    ErrorData,
    model::{
        CacheScope, ReadResourceRequestParams, ReadResourceResponse, Resource, ResourceTemplate,
        ServerResult,
    },
    service::{RequestContext, RoleServer},
};

use super::{
    passthrough::{offering, run, unusable},
    server::AgentServer,
};
use crate::auth::Principal;
use crate::{
    call::permit::Operation,
    catalogue::{AgentView, CatalogueEntry},
    upstream::Listing,
};

pub(super) fn resources(view: &AgentView) -> Vec<Resource> {
    offering(view).flat_map(|(_, listing)| listing.resources.iter().cloned()).collect()
}

pub(super) fn templates(view: &AgentView) -> Vec<ResourceTemplate> {
    offering(view).flat_map(|(_, listing)| listing.resource_templates.iter().cloned()).collect()
}

/// The integration a URI belongs to: the one that lists it, else one with a fitting template, else the only one that
/// offers resources at all.
pub(super) fn owner_of<'a>(view: &'a AgentView, uri: &str) -> Option<&'a Arc<CatalogueEntry>> {
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

pub(super) fn no_resource(uri: &str) -> ErrorData {
    ErrorData::resource_not_found(
        format!("Resource not found: {uri}"),
        Some(serde_json::json!({ "uri": uri })),
    )
}

pub(super) async fn read_resource(
    server: &AgentServer,
    params: ReadResourceRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<ReadResourceResponse, ErrorData> {
    let principal = Principal::of(&context.extensions)?;
    let view = principal.view(&server.api.catalogue);
    let entry = owner_of(&view, &params.uri).ok_or_else(|| no_resource(&params.uri))?;
    let mut caller = server.caller(context);
    caller.input_responses = params.input_responses;
    caller.request_state = params.request_state;
    let operation = Operation::ReadResource { uri: params.uri };
    match run(server, &principal, entry, operation, caller).await? {
        ServerResult::ReadResourceResult(mut result) => {
            result.cache_scope = Some(CacheScope::Private);
            Ok(ReadResourceResponse::Complete(result))
        }
        ServerResult::InputRequiredResult(result) => {
            Ok(ReadResourceResponse::InputRequired(result))
        }
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
    let view = principal.view(&server.api.catalogue);
    let entry = owner_of(&view, uri).ok_or_else(|| no_resource(uri))?;
    run(server, &principal, entry, operation, server.caller(context)).await.map(|_| ())
}
