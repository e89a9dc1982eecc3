//! The columns of the table `activity`: how the record of a call is written to them, and how a row is read.

use std::sync::{Arc, LazyLock};

use agentport_api::ActivityRow;
use agentport_core::{
    AgentId, ApprovalId, CallId,
    activity::{CallEnd, CallStart, EntryPoint},
    arguments::ArgumentsHash,
    outcome::OutcomeKind,
    policy::Mode,
    sanitize,
    tool::DefinitionDigest,
};
use serde_json::value::RawValue;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::store::{Columns, Result, While as _};

const IMPORTING: &str = "importing the journal";

/// The start of a call as the journal gives it back. JSON that goes to the database as it is stays text.
pub(crate) type ImportedStart = CallStart<Box<RawValue>, Box<RawValue>>;

/// What a later start of the same call does to a column.
enum SecondStart {
    /// Nothing: what the first start said holds.
    Keeps,
    /// It replaces what is there.
    Replaces,
    /// It replaces what is there unless it says nothing.
    ReplacesIfPresent,
}

/// Every column an INSERT fills, in the order in which [`Insert::execute`] binds them.
const COLUMNS: [(&str, SecondStart); 20] = {
    use SecondStart::{Keeps, Replaces, ReplacesIfPresent};
    [
        ("id", Keeps),
        ("at", Keeps),
        ("ended", Replaces),
        ("agent", Keeps),
        ("integration", Keeps),
        ("tool", Keeps),
        ("outcome", Replaces),
        ("arguments", Replaces),
        ("arguments_hash", Replaces),
        ("digest", Replaces),
        ("decision", Replaces),
        ("because", ReplacesIfPresent),
        ("approval", Replaces),
        ("waited_ms", Replaces),
        ("ran_us", Replaces),
        ("bytes_in", Replaces),
        ("bytes_out", Replaces),
        ("error", Replaces),
        ("entry_point", Keeps),
        ("account", ReplacesIfPresent),
    ]
};

/// What a second start of a call keeps of the first where both are imported at once: the columns that [`SecondStart`]
/// says so of.
pub(crate) fn keep_first_start(second: &mut ImportedStart, first: &mut ImportedStart) {
    second.at = first.at;
    second.entry_point = first.entry_point;
    if second.account.is_none() {
        second.account = first.account.take();
    }
    if second.because.is_none() {
        second.because = first.because.take();
    }
}

/// Writes calls, the start of each with its end, if it has one by now. A call that has a row already is reset to what is
/// known now.
pub(crate) async fn insert_calls(
    connection: &mut SqliteConnection,
    mut calls: &[(Box<ImportedStart>, Option<CallEnd>)],
) -> Result<()> {
    for insert in &*INSERTS {
        while let Some((rows, others)) = calls.split_at_checked(insert.rows) {
            insert.execute(connection, rows).await?;
            calls = others;
        }
    }
    Ok(())
}

/// Completes the row of a call whose start was written before.
pub(crate) async fn complete_call(connection: &mut SqliteConnection, end: &CallEnd) -> Result<()> {
    let done = sqlx::query(
        "UPDATE activity SET ended = 1, outcome = ?, ran_us = ?, bytes_out = ?, error = ? WHERE id = ?",
    )
    .bind(end.outcome.as_str())
    .bind(integer(end.ran_us))
    .bind(integer(end.bytes_out))
    .bind(&end.error)
    .bind(end.id.0.as_bytes().as_slice())
    .execute(connection)
    .await
    .doing(IMPORTING)?;
    if done.rows_affected() == 0 {
        // Its row has been forgotten since it began.
        tracing::debug!(call = %end.id, "the end of a call without a row");
    }
    Ok(())
}

/// A prepared INSERT of so many rows. Few sizes, so that each is compiled once.
struct Insert {
    rows: usize,
    sql: Arc<str>,
}

static INSERTS: LazyLock<[Insert; 3]> = LazyLock::new(|| [64, 8, 1].map(Insert::new));

impl Insert {
    fn new(rows: usize) -> Self {
        let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let row = format!("({})", vec!["?"; COLUMNS.len()].join(", "));
        let updates = COLUMNS.iter().filter_map(|(name, second)| match second {
            SecondStart::Keeps => None,
            SecondStart::Replaces => Some(format!("{name} = excluded.{name}")),
            SecondStart::ReplacesIfPresent => {
                Some(format!("{name} = coalesce(excluded.{name}, {name})"))
            }
        });
        let sql = format!(
            "INSERT INTO activity ({}) VALUES {} ON CONFLICT (id) DO UPDATE SET {}",
            names.join(", "),
            vec![row; rows].join(", "),
            updates.collect::<Vec<_>>().join(", "),
        );
        Self { rows, sql: sql.into() }
    }

    async fn execute(
        &self,
        connection: &mut SqliteConnection,
        rows: &[(Box<ImportedStart>, Option<CallEnd>)],
    ) -> Result<()> {
        // Nothing in the statement comes from outside; it differs only in how many rows it takes.
        let mut insert = sqlx::query(AssertSqlSafe(self.sql.clone()));
        for (start, end) in rows {
            let end = end.as_ref();
            // What a row says that is begun and not ended, should the process end now.
            let outcome = end.map_or(OutcomeKind::Interrupted, |end| end.outcome);
            insert = insert
                .bind(start.id.0.as_bytes().as_slice())
                .bind(start.at.0)
                .bind(end.is_some())
                .bind(start.agent.0.as_bytes().as_slice())
                .bind(&start.integration)
                .bind(&start.tool)
                .bind(outcome.as_str())
                .bind(start.arguments.get())
                .bind(start.arguments_hash.as_ref().map(|hash| hash.0.as_slice()))
                .bind(start.digest.as_ref().map(|digest| digest.0.as_slice()))
                .bind(start.decision.map(|mode| mode.as_str()))
                .bind(start.because.as_ref().map(|because| because.get()))
                .bind(start.approval.as_ref().map(|id| id.0.as_bytes().as_slice()))
                .bind(integer(start.waited_ms))
                .bind(end.map_or(0, |end| integer(end.ran_us)))
                .bind(integer(start.bytes_in))
                .bind(end.map_or(0, |end| integer(end.bytes_out)))
                .bind(end.and_then(|end| end.error.as_deref()))
                .bind(start.entry_point.as_str())
                .bind(&start.account);
        }
        insert.execute(connection).await.map(drop).doing(IMPORTING)
    }
}

/// SQLite's integers are signed.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A row, joined with the agent's name, as the owner sees it.
pub(super) fn read(columns: &Columns<'_>) -> Result<ActivityRow> {
    let ended = columns.flag("ended")?;
    let tool = columns.text("tool")?;
    Ok(ActivityRow {
        approval_state: None,
        id: CallId(columns.uuid("id")?),
        at: columns.moment("at")?,
        agent: AgentId(columns.uuid("agent")?),
        agent_name: columns.opt_text("agent_name")?.unwrap_or_else(|| "unknown agent".to_owned()),
        integration: columns.text("integration")?,
        tool_display: sanitize::display_name(&tool).to_string(),
        tool,
        arguments: columns.json("arguments")?,
        arguments_hash: columns.opt_digest("arguments_hash")?.map(ArgumentsHash),
        digest: columns.opt_digest("digest")?.map(DefinitionDigest),
        decision: columns.opt_word("decision", Mode::parse)?,
        reason: columns.opt_json("because")?,
        approval: columns.opt_uuid("approval")?.map(ApprovalId),
        // What had not ended when the process did was marked at the start; what has not ended now runs.
        outcome: match ended {
            true => columns.word("outcome", OutcomeKind::parse)?,
            false => OutcomeKind::Running,
        },
        waited_ms: columns.count("waited_ms")?,
        ran_us: columns.count("ran_us")?,
        bytes_in: columns.count("bytes_in")?,
        bytes_out: columns.count("bytes_out")?,
        error: columns.opt_text("error")?,
        entry_point: columns.word("entry_point", EntryPoint::parse)?,
        account: columns.opt_text("account")?,
    })
}
