//! What happened, call by call.

use agentport_core::{AgentId, Timestamp, outcome::OutcomeKind};
use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;

use super::{
    Control,
    problem::{Answer, Refused},
    types::ActivityPage,
};
use crate::{engine::Chain, store::ActivityFilter};

const PAGE: u32 = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    agent: Option<AgentId>,
    integration: Option<String>,
    tool: Option<String>,
    outcome: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    q: Option<String>,
    limit: Option<u32>,
    before: Option<String>,
}

pub(super) async fn list(
    State(control): State<Control>,
    Query(which): Query<Which>,
) -> Answer<Json<ActivityPage>> {
    let outcome = match which.outcome.as_deref() {
        None | Some("") => None,
        Some(word) => Some(OutcomeKind::parse(word).ok_or_else(|| {
            let known: Vec<_> = OutcomeKind::ALL.iter().map(|kind| kind.as_str()).collect();
            Refused::invalid("outcome", format!("{word:?} is no outcome; use {}", known.join(", ")))
        })?),
    };
    let before = which
        .before
        .map(|cursor| cursor.parse())
        .transpose()
        .map_err(|error| Refused::invalid("before", format!("{error}")))?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = ActivityFilter {
        agent: which.agent,
        integration: filled(which.integration),
        tool: filled(which.tool),
        outcome,
        since: which.since,
        until: which.until,
        q: filled(which.q),
        limit: which.limit.unwrap_or(PAGE).clamp(1, 1_000),
        before,
    };
    // What has been written down is read, even if it has not reached the database yet.
    if let Err(error) = control.engine.journal.flush().await {
        tracing::error!(error = %Chain(&error), "the journal could not be brought into the database");
    }
    Ok(Json(control.engine.store.activity(&filter).await?))
}
