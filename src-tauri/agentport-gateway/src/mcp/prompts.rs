//! Prompts of the integrations whose owner offers them (MCP "Server features: Prompts").
//!
//! Prompts are named like directly listed tools, `<integration>__<prompt>`, unless the profile wants bare names.

use std::sync::Arc;

use agentport_core::profile::Naming;
use rmcp::{
    ErrorData,
    model::{GetPromptRequestParams, GetPromptResponse, Prompt, ServerResult},
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
};

fn has_bare_names(view: &AgentView) -> bool {
    view.key.profiles.iter().any(|profile| profile.naming == Naming::Bare)
}

fn prompt_name(view: &AgentView, entry: &CatalogueEntry, name: &str) -> String {
    if has_bare_names(view) { name.to_owned() } else { format!("{}__{name}", entry.row.id) }
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

/// The integration and its own name for a prompt.
pub(super) fn prompt_of<'a>(
    view: &'a AgentView,
    name: &str,
) -> Option<(&'a Arc<CatalogueEntry>, String)> {
    offering(view).find_map(|(entry, listing)| {
        let prompt = listing.prompts.iter().find(|p| prompt_name(view, entry, &p.name) == name)?;
        Some((entry, prompt.name.clone()))
    })
}

pub(super) fn no_prompt(name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("Unknown prompt: {name}"), None)
}

pub(super) async fn get_prompt(
    server: &AgentServer,
    params: GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let principal = Principal::of(&context.extensions)?;
    let view = principal.view(&server.api.catalogue);
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
