//! `agentport logs`: agents' calls, oldest first.

mod follow;

use agentport_api::{ActivityRow, paths};
use agentport_core::{
    Timestamp,
    approval::{StateName, sentences::NOT_PICKED_UP_YET},
    outcome::OutcomeKind,
};
use anyhow::Result;
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::agents;
use crate::{
    client::{OwnerClient, with_query_if},
    context::Context,
    duration,
    exit::ExitStatus,
    format, output,
};

/// Rows of a page while following.
const PAGE_ROWS: u32 = 200;

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Go on, and show calls as they happen, again when their outcome changes; as JSON, one row on each line
    #[arg(long, short)]
    follow: bool,
    /// Only calls of this agent: id, beginning of an id, or name
    #[arg(long)]
    agent: Option<String>,
    /// Only calls to this integration
    #[arg(long, value_name = "ID")]
    integration: Option<String>,
    /// Only calls of this tool
    #[arg(long)]
    tool: Option<String>,
    /// Only calls that ended so: ok, tool_error, upstream_error, cancelled, blocked, pending, denied, not_asked,
    /// expired, not_picked_up, refused, interrupted; or that are still running
    #[arg(long, value_parser = outcome)]
    outcome: Option<OutcomeKind>,
    /// Only calls since then: 24h, or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "SPAN", value_parser = duration::since)]
    since: Option<Timestamp>,
    /// Only calls with these words in them
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
}

/// A page whose rows are kept as they came.
#[derive(Deserialize)]
struct RawActivityPage {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
}

/// Which calls to read. All filters that are set must match.
#[derive(Debug, Clone, Copy, Default)]
struct LogFilter<'a> {
    agent: Option<&'a str>,
    integration: Option<&'a str>,
    tool: Option<&'a str>,
    outcome: Option<OutcomeKind>,
    since: Option<Timestamp>,
    /// Begun before this moment.
    until: Option<Timestamp>,
    search: Option<&'a str>,
}

impl LogFilter<'_> {
    /// Only calls begun at that moment.
    fn moment(self, at: Timestamp) -> Self {
        Self { since: Some(at), until: Some(Timestamp(at.0 + 1)), ..self }
    }

    /// The path of a page of these calls.
    fn page(self, limit: u32, before: Option<&str>) -> String {
        let filters = [
            ("agent", self.agent.map(str::to_owned)),
            ("integration", self.integration.map(str::to_owned)),
            ("tool", self.tool.map(str::to_owned)),
            ("outcome", self.outcome.map(|outcome| outcome.as_str().to_owned())),
            ("since", self.since.map(|at| at.to_string())),
            ("until", self.until.map(|at| at.to_string())),
            ("q", self.search.map(str::to_owned)),
            ("before", before.map(str::to_owned)),
        ];
        let path = paths::with_query(paths::ACTIVITY.into(), "limit", limit);
        filters.into_iter().fold(path, |path, (name, value)| with_query_if(path, name, value))
    }
}

impl LogsArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let owner = context.owner().await?;
        let agent = match &self.agent {
            Some(wanted) => Some(agents::find(&owner, wanted).await?.id.to_string()),
            None => None,
        };
        let filter = LogFilter {
            agent: agent.as_deref(),
            integration: self.integration.as_deref(),
            tool: self.tool.as_deref(),
            outcome: self.outcome,
            since: self.since,
            until: None,
            search: self.search.as_deref(),
        };
        if self.follow {
            return tokio::select! {
                ended = follow::follow(&owner, context, self.limit, filter) => ended,
                _ = tokio::signal::ctrl_c() => Ok(ExitStatus::Done),
            };
        }
        let rows = newest(&owner, self.limit, &filter).await?;
        if context.output.is_json() {
            context.output.own(&rows, String::new)?;
        } else if rows.is_empty() {
            output::note("No call matches.");
        } else {
            print(&rows, context)?;
        }
        Ok(ExitStatus::Done)
    }
}

/// The newest `limit` rows, oldest first. The gateway gives them out in pages.
async fn newest(
    owner: &OwnerClient,
    limit: u32,
    filter: &LogFilter<'_>,
) -> Result<Vec<Box<RawValue>>> {
    let mut rows: Vec<Box<RawValue>> = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let missing = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        if missing == 0 {
            break;
        }
        let found: RawActivityPage =
            owner.read(&filter.page(missing.min(1_000), before.as_deref())).await?;
        let none = found.items.is_empty();
        rows.extend(found.items);
        before = found.next;
        if none || before.is_none() {
            break;
        }
    }
    rows.reverse();
    Ok(rows)
}

fn print(rows: &[Box<RawValue>], context: &Context) -> Result<()> {
    for row in rows {
        if context.output.is_json() {
            output::data(row.get())?;
        } else {
            output::human(&line(&serde_json::from_str(row.get())?))?;
        }
    }
    Ok(())
}

fn line(row: &ActivityRow) -> String {
    let ran = match row.ran_us {
        0 => String::new(),
        us @ 1..1_000 => format!(" in {us} µs"),
        us @ 1_000..10_000_000 => format!(" in {} ms", us / 1_000),
        us => format!(" in {} s", us / 1_000_000),
    };
    let waited = match row.waited_ms {
        0 => String::new(),
        ms @ 1..1_000 => format!(", waited {ms} ms"),
        ms => format!(", waited {} s", ms / 1_000),
    };
    let approved = match row.approval_state {
        Some(StateName::Approved) => format!(", {NOT_PICKED_UP_YET}"),
        _ => String::new(),
    };
    let error = row
        .error
        .as_ref()
        .map(|error| format!(": {}", output::cut(error, 100)))
        .unwrap_or_default();
    format!(
        "{}  {:<14}  {} {}/{} {}{ran}{waited}{approved}{error}",
        format::stamp(row.at),
        row.outcome.as_str(),
        output::cut(&row.agent_name, 24),
        output::one_line(&row.integration),
        output::cut(&row.tool_display, 60),
        output::cut(&row.arguments.to_string(), 80),
    )
}

fn outcome(text: &str) -> Result<OutcomeKind, String> {
    OutcomeKind::parse(text).ok_or_else(|| {
        let words: Vec<_> = OutcomeKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("use one of {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_whatever_the_agent_wrote() {
        let row = serde_json::json!({
            "id": "01920000-0000-7000-8000-000000000000", "at": "2026-01-31T12:00:00.5Z",
            "agent": "01920000-0000-7000-8000-000000000001", "agent_name": "cl\u{1b}[31maude",
            "integration": "files", "tool": "write\nfile",
            "tool_display": "write\\u{a}file (look-alike name)", "arguments": {"path": "/a"},
            "arguments_hash": null, "digest": null, "decision": "allow", "reason": null, "approval": null,
            "outcome": "tool_error", "waited_ms": 2_500, "ran_us": 12_345, "bytes_in": 1, "bytes_out": 2,
            "error": "no", "entry_point": "mcp",
        });
        let row: ActivityRow = serde_json::from_value(row).unwrap();
        assert_eq!(
            line(&row),
            "2026-01-31T12:00:00Z  tool_error      cl\\u{1b}[31maude files/write\\u{a}file (look-alike name) {\"path\":\"/a\"} \
             in 12 ms, waited 2 s: no"
        );
    }

    #[test]
    fn outcomes() {
        assert_eq!(outcome("upstream_error"), Ok(OutcomeKind::UpstreamError));
        assert!(outcome("splendid").unwrap_err().contains("interrupted"));
    }
}
