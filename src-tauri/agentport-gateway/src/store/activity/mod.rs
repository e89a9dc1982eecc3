//! The table `activity`, for reading: one row per call, newest first, filtered and by the page.
//!
//! Rows come in through the journal alone. A call that runs at this moment has a row already: its outcome is
//! `interrupted`, which is what it will have been should the process end now, and its error says that it still runs.

mod call_rows;
mod chart;
mod first;

use std::{collections::HashMap, fmt, str::FromStr};

use agentport_api::{ActivityPage, ActivityRow};
use agentport_core::{AgentId, Timestamp, approval::StateName, outcome::OutcomeKind};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, sqlite::SqliteRow};

use super::{Columns, Result, Store, While as _};

pub(crate) use self::{
    call_rows::{ImportedStart, complete_call, insert_calls, keep_first_start},
    chart::Buckets,
};

/// Rows a text search looks at for one page. Where it found too few among them, the page has a `next` all the same.
const SEARCHED: u32 = 16_000;
/// Longest text searched for, in characters.
const LONGEST_QUERY: usize = 200;
/// Longest page.
const LONGEST_PAGE: u32 = 1_000;
/// Rows deleted in one go, so that no write waits long.
const DELETED_AT_ONCE: u32 = 2_000;

/// Which rows to read. Everything given must hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct ActivityFilter {
    pub(crate) agent: Option<AgentId>,
    pub(crate) integration: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) outcome: Option<OutcomeKind>,
    /// Begun at this moment or later.
    pub(crate) since: Option<Timestamp>,
    /// Begun before this moment.
    pub(crate) until: Option<Timestamp>,
    /// Somewhere in tool, integration, arguments or error; ASCII letters in either case.
    pub(crate) q: Option<String>,
    /// Rows in the page: 1–1000.
    pub(crate) limit: u32,
    /// Where the page before ended: its `next`.
    pub(crate) before: Option<ActivityCursor>,
}

/// A place in the activity: the row before it has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActivityCursor {
    at: i64,
    seq: i64,
}

/// The text is no place in the activity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the `next` of a page of the activity")]
pub(crate) struct InvalidCursor(String);

impl FromStr for ActivityCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> std::result::Result<Self, InvalidCursor> {
        text.split_once('.')
            .and_then(|(at, seq)| Some(Self { at: at.parse().ok()?, seq: seq.parse().ok()? }))
            .ok_or_else(|| InvalidCursor(text.to_owned()))
    }
}

impl fmt::Display for ActivityCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at, self.seq)
    }
}

/// Adds what only the request knows: where it stands while the call waits for it, and how long the owner took to answer a
/// call that did not run.
async fn join_requests(snapshot: &mut SqliteConnection, rows: &mut [ActivityRow]) -> Result<()> {
    use OutcomeKind as O;
    let waits = |row: &&mut ActivityRow| {
        row.waited_ms == 0
            && matches!(row.outcome, O::Pending | O::Denied | O::Expired | O::NotPickedUp)
            && row.approval.is_some_and(|approval| approval.0 == row.id.0)
    };
    let mut waiting: HashMap<_, _> =
        rows.iter_mut().filter(waits).map(|row| (row.id.0, row)).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "SELECT id, state, created_at, decided_at, approved_at FROM approvals WHERE id IN (",
    );
    let mut ids = query.separated(", ");
    for id in waiting.keys() {
        ids.push_bind(id.as_bytes().to_vec());
    }
    query.push(")");
    let found = query.build().fetch_all(snapshot).await.doing("reading the requests of calls")?;
    for row in &found {
        let columns = Columns::new("approvals", "id", row);
        let Some(call) = waiting.get_mut(&columns.uuid("id")?) else { continue };
        if call.outcome == O::Pending {
            let state = |word: &str| StateName::ALL.into_iter().find(|s| s.as_str() == word);
            call.approval_state = Some(columns.word("state", state)?);
        }
        let decided = columns.opt_moment("approved_at")?.or(columns.opt_moment("decided_at")?);
        if let Some(decided) = decided {
            let waited = decided.since(columns.moment("created_at")?);
            call.waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        }
    }
    Ok(())
}

fn cursor(row: &SqliteRow) -> Result<ActivityCursor> {
    let columns = Columns::new("activity", "seq", row);
    Ok(ActivityCursor { at: columns.get("at")?, seq: columns.get("seq")? })
}

impl ActivityFilter {
    /// The index whose first column narrows most: outcomes other than `ok` are few, and an agent may have made every
    /// call there is.
    fn index(&self) -> &'static str {
        match self.outcome {
            Some(outcome) if outcome != OutcomeKind::Ok => "activity_outcome",
            _ if self.integration.is_some() => "activity_integration",
            _ if self.agent.is_some() => "activity_agent",
            _ => "activity_at",
        }
    }

    /// `columns` of the rows that pass every filter but the text search, newest first.
    fn select(&self, query: &mut QueryBuilder<Sqlite>, columns: &'static str) {
        query
            .push("SELECT ")
            .push(columns)
            .push(" FROM activity INDEXED BY ")
            .push(self.index())
            .push(" WHERE true");
        self.conditions(query);
        query.push(" ORDER BY at DESC, seq DESC LIMIT ");
    }

    /// Every filter but the text search, each with an AND before it.
    fn conditions(&self, query: &mut QueryBuilder<Sqlite>) {
        if let Some(agent) = &self.agent {
            query.push(" AND agent = ").push_bind(agent.0.as_bytes().to_vec());
        }
        if let Some(integration) = &self.integration {
            query.push(" AND integration = ").push_bind(integration.clone());
        }
        if let Some(tool) = &self.tool {
            query.push(" AND tool = ").push_bind(tool.clone());
        }
        if let Some(outcome) = self.outcome {
            // A row that has not ended says `interrupted`, which it is if the process ends now.
            let stored = match outcome {
                OutcomeKind::Running => OutcomeKind::Interrupted,
                other => other,
            };
            query.push(" AND outcome = ").push_bind(stored.as_str());
            match outcome {
                OutcomeKind::Running => drop(query.push(" AND ended = 0")),
                OutcomeKind::Interrupted => drop(query.push(" AND ended = 1")),
                _ => {}
            }
            if outcome != OutcomeKind::Ok {
                // Says what the index holds, so that SQLite knows it may use it.
                query.push(" AND outcome <> 'ok'");
            }
        }
        if let Some(since) = self.since {
            query.push(" AND at >= ").push_bind(since.0);
        }
        if let Some(until) = self.until {
            query.push(" AND at < ").push_bind(until.0);
        }
        if let Some(before) = self.before {
            query.push(" AND (at, seq) < (").push_bind(before.at);
            query.push(", ").push_bind(before.seq).push(")");
        }
    }

    /// The text to search for as a LIKE pattern whose escape character is `\`.
    fn pattern(&self) -> Option<String> {
        let text = self.q.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        let mut pattern = String::from("%");
        for char in text.chars().take(LONGEST_QUERY) {
            if matches!(char, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(char);
        }
        pattern.push('%');
        Some(pattern)
    }
}

impl Store {
    /// A page of the activity, newest first.
    pub(crate) async fn activity(&self, filter: &ActivityFilter) -> Result<ActivityPage> {
        let mut snapshot = self.snapshot().await?;
        let limit = filter.limit.clamp(1, LONGEST_PAGE);
        let pattern = filter.pattern();
        // One more than asked for tells whether there is a next page.
        let mut rows = fetch(&mut snapshot, filter, pattern.as_deref(), limit + 1).await?;
        let full = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = match rows.last() {
            Some(last) if full => Some(cursor(last)?),
            _ if pattern.is_some() => searched_to(&mut snapshot, filter).await?,
            _ => None,
        };
        let mut items = rows
            .iter()
            .map(|found| call_rows::read(&Columns::new("activity", "id", found)))
            .collect::<Result<Vec<_>>>()?;
        join_requests(&mut snapshot, &mut items).await?;
        Ok(ActivityPage { items, next: next.map(|cursor| cursor.to_string()) })
    }

    /// Forgets calls begun before that moment, and says how many those were.
    pub(crate) async fn delete_activity_before(&self, moment: Timestamp) -> Result<u64> {
        let mut deleted = 0;
        loop {
            let done = sqlx::query(
                "DELETE FROM activity WHERE seq IN
                 (SELECT seq FROM activity INDEXED BY activity_at WHERE at < ? AND ended = 1 LIMIT ?)",
            )
            .bind(moment.0)
            .bind(DELETED_AT_ONCE)
            .execute(self.writer())
            .await
            .doing("forgetting old activity")?;
            deleted += done.rows_affected();
            if done.rows_affected() < u64::from(DELETED_AT_ONCE) {
                return Ok(deleted);
            }
        }
    }
}

async fn fetch(
    connection: &mut SqliteConnection,
    filter: &ActivityFilter,
    pattern: Option<&str>,
    limit: u32,
) -> Result<Vec<SqliteRow>> {
    let mut query = QueryBuilder::new("SELECT found.*, agents.name AS agent_name FROM (");
    match pattern {
        None => {
            filter.select(&mut query, "*");
            query.push_bind(limit);
        }
        Some(pattern) => {
            query.push("SELECT * FROM (");
            filter.select(&mut query, "*");
            query.push_bind(SEARCHED).push(") WHERE ");
            matches(&mut query, pattern);
            query.push(" LIMIT ").push_bind(limit);
        }
    }
    query.push(
        ") AS found LEFT JOIN agents ON agents.id = found.agent
         ORDER BY found.at DESC, found.seq DESC",
    );
    query.build().fetch_all(connection).await.doing("reading the activity")
}

/// The text search.
fn matches(query: &mut QueryBuilder<Sqlite>, pattern: &str) {
    query.push("(false");
    for column in ["tool", "integration", "arguments", "error"] {
        query.push(" OR ").push(column).push(" LIKE ");
        query.push_bind(pattern.to_owned()).push(r" ESCAPE '\'");
    }
    query.push(")");
}

/// Where a text search stopped looking; `None` if it saw everything.
async fn searched_to(
    connection: &mut SqliteConnection,
    filter: &ActivityFilter,
) -> Result<Option<ActivityCursor>> {
    let mut query = QueryBuilder::new("");
    filter.select(&mut query, "at, seq");
    query.push("1 OFFSET ").push_bind(SEARCHED - 1);
    query
        .build()
        .fetch_optional(connection)
        .await
        .doing("reading the activity")?
        .as_ref()
        .map(cursor)
        .transpose()
}

#[cfg(test)]
mod tests;
