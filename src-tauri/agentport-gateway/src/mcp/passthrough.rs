//! Shared by resources, prompts and completions: which integrations offer them, and the call to their upstream.

use std::sync::Arc;

use agentport_core::profile::ListMode;
use rmcp::{ErrorData, model::ServerResult};

use super::{server::AgentServer, tool_result::BLOCKED};
use crate::auth::Principal;
use crate::{
    call::{
        outcome::{Outcome, failure_sentence},
        passthrough::unexpected,
        permit::Operation,
    },
    caller::Caller,
    catalogue::{AgentView, CatalogueEntry},
    upstream::{Listing, UpstreamError},
};

/// The integrations that offer more than tools to this view.
pub(super) fn offering(view: &AgentView) -> impl Iterator<Item = (&Arc<CatalogueEntry>, &Listing)> {
    let direct = view.key.mode == ListMode::Direct;
    view.integrations
        .values()
        .filter(move |entry| direct && entry.row.resources)
        .filter_map(|entry| Some((entry, entry.listing.as_ref()?)))
}

/// Sends a request of the agent to the integration, through the same pipeline as a call.
pub(super) async fn run(
    server: &AgentServer,
    principal: &Principal,
    entry: &CatalogueEntry,
    operation: Operation,
    caller: Caller,
) -> Result<ServerResult, ErrorData> {
    match server.api.calls.pass_through(&principal.agent, entry, operation, caller).await {
        Outcome::Ran(result) => Ok(*result),
        Outcome::Failed { error: UpstreamError::Refused(error), .. } => Err(error),
        Outcome::Failed { integration, error } => {
            Err(ErrorData::internal_error(failure_sentence(&integration, &error), None))
        }
        Outcome::Refused(refusal) => Err(ErrorData::invalid_request(refusal.to_string(), None)),
        _ => Err(ErrorData::invalid_request(BLOCKED, None)),
    }
}

/// The upstream answered with a result of another method.
pub(super) fn unusable(result: &ServerResult) -> ErrorData {
    ErrorData::internal_error(unexpected(result), None)
}
