//! `logs --follow`: prints calls as they begin, and again when their outcome changes.
//!
//! A call's row keeps its id and time while its outcome changes from `running` or `pending` to the final one, possibly
//! long after newer calls have ended. So two things are read on each activity event: the newest rows, page by page until
//! a page has nothing new; and each older row whose call has not ended yet.

use std::collections::{BTreeMap, BTreeSet};

use agentport_api::Event;
use agentport_core::{CallId, Timestamp, outcome::OutcomeKind};
use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{LogFilter, PAGE_ROWS, RawActivityPage, newest, print};
use crate::{client::OwnerClient, context::Context, events::EventStream, exit::ExitStatus};

/// Rows remembered. Calls older than all of them do not count as new.
const MAX_REMEMBERED_ROWS: usize = 20_000;

/// Identity and outcome of a row. The outcome stays text, so that outcomes unknown to this version are shown too.
#[derive(Debug, Clone, Deserialize)]
struct RowKey {
    id: CallId,
    at: Timestamp,
    outcome: String,
}

impl RowKey {
    fn read(row: &RawValue) -> Result<Self> {
        Ok(serde_json::from_str(row.get())?)
    }

    fn key(&self) -> (Timestamp, CallId) {
        (self.at, self.id)
    }
}

/// May a call with this outcome get another one?
fn is_open(outcome: &str) -> bool {
    [OutcomeKind::Running, OutcomeKind::Pending].iter().any(|open| open.as_str() == outcome)
}

/// The rows that were printed, each with its last outcome.
struct SeenRows {
    rows: BTreeMap<(Timestamp, CallId), String>,
    /// Calls that began before and are not among the rows were not asked for.
    since: Timestamp,
    remembered: usize,
}

impl SeenRows {
    fn new(remembered: usize) -> Self {
        Self { rows: BTreeMap::new(), since: Timestamp(i64::MIN), remembered }
    }

    /// Remembers a row. `true`: it is new, or its outcome has changed.
    fn insert(&mut self, row: &RowKey) -> bool {
        let key = row.key();
        if row.at < self.since && !self.rows.contains_key(&key) {
            return false;
        }
        self.rows.insert(key, row.outcome.clone()).is_none_or(|before| before != row.outcome)
    }

    /// The times of the calls up to `last` that have not ended.
    fn open(&self, last: Timestamp) -> BTreeSet<Timestamp> {
        let older = self.rows.iter().take_while(|((at, _), _)| *at <= last);
        older.filter(|(_, outcome)| is_open(outcome)).map(|((at, _), _)| *at).collect()
    }

    /// Forgets open calls of that time, except those found again.
    fn retain_at(&mut self, at: Timestamp, found: &[CallId]) {
        self.rows.retain(|(of, id), outcome| *of != at || !is_open(outcome) || found.contains(id));
    }

    /// Forgets the oldest that have ended.
    fn forget(&mut self) {
        let surplus = self.rows.len().saturating_sub(self.remembered);
        let ended = self.rows.iter().filter(|(_, outcome)| !is_open(outcome));
        let oldest: Vec<_> = ended.take(surplus).map(|(key, _)| *key).collect();
        for key in oldest {
            self.rows.remove(&key);
            // One millisecond later: a forgotten row must not count as new.
            self.since = self.since.max(Timestamp(key.0.0 + 1));
        }
    }
}

/// Prints the newest `limit` rows, and then follows until the gateway ends.
pub(super) async fn follow(
    owner: &OwnerClient,
    context: &Context,
    limit: u32,
    filter: LogFilter<'_>,
) -> Result<ExitStatus> {
    let mut events = EventStream::open(owner).await?;
    // A call has other outcomes before the wanted one, so all outcomes are watched.
    let watched = LogFilter { outcome: None, ..filter };
    let wanted = |row: &RowKey| filter.outcome.is_none_or(|wanted| wanted.as_str() == row.outcome);

    let mut seen = SeenRows::new(MAX_REMEMBERED_ROWS);
    let mut rows = newest(owner, limit.max(PAGE_ROWS), &watched).await?;
    for row in &rows {
        seen.insert(&RowKey::read(row)?);
    }
    if let Some(oldest) = rows.first() {
        seen.since = RowKey::read(oldest)?.at;
    }
    if filter.outcome.is_some() {
        rows = newest(owner, limit, &filter).await?;
        for row in &rows {
            seen.insert(&RowKey::read(row)?);
        }
    }
    let before = rows.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    print(&rows.split_off(before), context)?;

    loop {
        match events.next().await? {
            // A snapshot says that events were missed.
            Some(Event::Activity | Event::Snapshot { .. }) => {}
            Some(_) => continue,
            None => bail!("the gateway has stopped"),
        }
        let mut fresh = read_changes(owner, &watched, &mut seen).await?;
        fresh.retain(|(row, _)| wanted(row));
        print(&fresh.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), context)?;
        seen.forget();
    }
}

/// The rows that are new or have changed, oldest first.
async fn read_changes(
    owner: &OwnerClient,
    watched: &LogFilter<'_>,
    seen: &mut SeenRows,
) -> Result<Vec<(RowKey, Box<RawValue>)>> {
    let mut fresh = Vec::new();
    let mut before: Option<String> = None;
    let mut oldest = Timestamp(i64::MAX);
    loop {
        let page: RawActivityPage = owner.read(&watched.page(PAGE_ROWS, before.as_deref())).await?;
        let read = fresh.len();
        for row in page.items {
            let known = RowKey::read(&row)?;
            oldest = known.at;
            if seen.insert(&known) {
                fresh.push((known, row));
            }
        }
        before = page.next;
        if fresh.len() == read || before.is_none() || oldest < seen.since {
            break;
        }
    }
    for at in seen.open(oldest) {
        let moment = watched.moment(at);
        let page: RawActivityPage = owner.read(&moment.page(PAGE_ROWS, None)).await?;
        let mut found = Vec::new();
        for row in page.items {
            let known = RowKey::read(&row)?;
            found.push(known.id);
            if seen.insert(&known) {
                fresh.push((known, row));
            }
        }
        seen.retain_at(at, &found);
    }
    fresh.sort_by_key(|(row, _)| row.key());
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u8, at: i64, outcome: &str) -> RowKey {
        let row = serde_json::json!({
            "id": format!("01920000-0000-7000-8000-0000000000{number:02}"),
            "at": Timestamp(at), "outcome": outcome, "tool": "not looked at",
        });
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn a_row_comes_again_when_its_outcome_changes() {
        let mut seen = SeenRows::new(100);
        let mut taken = |number, outcome| seen.insert(&row(number, 1_000, outcome));
        assert!(taken(1, "pending"));
        assert!(taken(2, "ok"));
        assert!(!taken(1, "pending"));
        assert!(taken(1, "running"));
        assert!(taken(1, "tool_error"));
        assert!(!taken(1, "tool_error"));
        assert!(!taken(2, "ok"));
    }

    #[test]
    fn what_has_still_to_end_is_looked_for_where_no_page_was_read() {
        let mut seen = SeenRows::new(100);
        for known in [
            row(1, 10, "running"),
            row(2, 10, "pending"),
            row(3, 20, "ok"),
            row(4, 30, "pending"),
            row(5, 40, "running"),
        ] {
            seen.insert(&known);
        }
        assert_eq!(seen.open(Timestamp(30)), [Timestamp(10), Timestamp(30)].into());
        seen.insert(&row(4, 30, "denied"));
        // Its row was deleted.
        seen.retain_at(Timestamp(10), &[row(2, 10, "").id]);
        assert_eq!(seen.open(Timestamp(30)), [Timestamp(10)].into());
        seen.insert(&row(2, 10, "ok"));
        assert_eq!(seen.open(Timestamp(30)), [].into());
    }

    #[test]
    fn what_is_forgotten_is_not_new_and_what_runs_is_not_forgotten() {
        let mut seen = SeenRows::new(2);
        let rows = [row(1, 10, "running"), row(2, 20, "ok"), row(3, 30, "ok"), row(4, 40, "ok")];
        assert!(rows.iter().all(|row| seen.insert(row)));
        seen.forget();
        assert_eq!(seen.rows.len(), 2);
        assert!(!rows.iter().any(|row| seen.insert(row)), "{:?}", seen.rows);
        assert!(seen.insert(&row(1, 10, "ok")));
        assert!(seen.insert(&row(5, 35, "ok")), "late, and not older than all that is remembered");
        assert!(!seen.insert(&row(6, 15, "ok")), "older than what is remembered");
    }
}
