//! Routes of activity: list by pages, chart over time, export.

mod export;

use std::time::Duration;

use agentport_api::{ActivityChart, ActivityPage};
use agentport_core::{AgentId, ErrorChain, Timestamp, outcome::OutcomeKind};
use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::{
    clock,
    store::{ActivityFilter, Buckets},
};

pub(super) use self::export::export;

/// Rows in a page, unless told.
const PAGE: u32 = 100;
/// Buckets of a chart, unless told, and at most.
const BUCKETS: u32 = 48;
const MOST_BUCKETS: u32 = 200;
/// How far back a chart goes, unless told.
const CHARTED: Duration = Duration::from_secs(24 * 3600);

/// Query parameters of the three routes together.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActivityQuery {
    agent: Option<AgentId>,
    integration: Option<String>,
    tool: Option<String>,
    outcome: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    q: Option<String>,
    limit: Option<u32>,
    before: Option<String>,
    buckets: Option<u32>,
    format: Option<String>,
}

impl ActivityQuery {
    fn filter(self) -> ApiResult<ActivityFilter> {
        let outcome = match self.outcome.as_deref() {
            None | Some("") => None,
            Some(word) => Some(OutcomeKind::parse(word).ok_or_else(|| {
                let known: Vec<_> = OutcomeKind::ALL.iter().map(|kind| kind.as_str()).collect();
                let detail = format!("{word:?} is no outcome; use {}", known.join(", "));
                ApiError::invalid("outcome", detail)
            })?),
        };
        let before = self
            .before
            .map(|cursor| cursor.parse())
            .transpose()
            .map_err(|error| ApiError::invalid("before", format!("{error}")))?;
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(ActivityFilter {
            agent: self.agent,
            integration: filled(self.integration),
            tool: filled(self.tool),
            outcome,
            since: self.since,
            until: self.until,
            q: filled(self.q),
            limit: self.limit.unwrap_or(PAGE).clamp(1, 1_000),
            before,
        })
    }

    /// Refuses parameters of the other routes, which would otherwise be ignored silently.
    fn without(&self, names: &[&str]) -> ApiResult<()> {
        let given = [
            ("limit", self.limit.is_some()),
            ("before", self.before.is_some()),
            ("buckets", self.buckets.is_some()),
            ("format", self.format.is_some()),
        ];
        match given.iter().find(|(name, given)| *given && names.contains(name)) {
            Some((name, _)) => Err(ApiError::invalid(name, format!("{name} has no meaning here"))),
            None => Ok(()),
        }
    }
}

pub(super) async fn list(
    State(control): State<Control>,
    Query(which): Query<ActivityQuery>,
) -> ApiResult<Json<ActivityPage>> {
    which.without(&["buckets", "format"])?;
    let filter = which.filter()?;
    control.up_to_now().await;
    Ok(Json(control.store.activity(&filter).await?))
}

pub(super) async fn chart(
    State(control): State<Control>,
    Query(which): Query<ActivityQuery>,
) -> ApiResult<Json<ActivityChart>> {
    which.without(&["limit", "before", "format"])?;
    let most = which.buckets.unwrap_or(BUCKETS);
    if !(1..=MOST_BUCKETS).contains(&most) {
        let detail = format!("buckets can be 1 to {MOST_BUCKETS}, not {most}");
        return Err(ApiError::invalid("buckets", detail));
    }
    let until = which.until.unwrap_or_else(clock::now);
    let since = which.since.unwrap_or_else(|| until.minus(CHARTED));
    let buckets = Buckets::covering(since, until, most)
        .ok_or_else(|| ApiError::invalid("since", "since has to be before until"))?;
    let filter = which.filter()?;
    control.up_to_now().await;
    Ok(Json(control.store.chart(&filter, buckets).await?))
}

impl Control {
    /// Waits until everything journalled so far is in the database.
    pub(super) async fn up_to_now(&self) {
        if let Err(error) = self.journal.flush().await {
            tracing::error!(error = %ErrorChain(&error), "the journal could not be brought into the database");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_parameters_are_refused() {
        let which = ActivityQuery { limit: Some(5), ..ActivityQuery::default() };
        assert!(which.without(&["buckets", "format"]).is_ok());
        assert!(which.without(&["limit"]).is_err());
        let which = ActivityQuery { format: Some("csv".into()), ..ActivityQuery::default() };
        assert!(which.without(&["buckets", "format"]).is_err());
    }
}
