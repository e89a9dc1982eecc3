//! Completion of the arguments of prompts and resource templates (MCP "Utilities: Completion").

use rmcp::{
    ErrorData,
    model::{CompleteRequestParams, CompleteResult, Reference, ServerResult},
    service::{RequestContext, RoleServer},
};

use super::{
    passthrough::{offering, run, unusable},
    prompts::{no_prompt, prompt_of},
    resources::{no_resource, owner_of},
    server::AgentServer,
};
use crate::auth::Principal;
use crate::{call::permit::Operation, upstream::Listing};

pub(super) async fn complete(
    server: &AgentServer,
    mut params: CompleteRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CompleteResult, ErrorData> {
    let principal = Principal::of(&context.extensions)?;
    let view = principal.view(&server.api.catalogue);
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
