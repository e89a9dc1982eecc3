//! The activity: one row per tool call, newest first, with chart and export.

use agentport_core::{
    AgentId, ApprovalId, CallId, Timestamp,
    activity::EntryPoint,
    approval::StateName,
    arguments::ArgumentsHash,
    outcome::OutcomeKind,
    policy::{Mode, Reason},
    tool::DefinitionDigest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// `GET /control/activity?agent=&integration=&tool=&outcome=&since=&until=&q=&limit=&before=` →
/// [`ActivityPage`], newest first. `before` is the `next` of the page before.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityPage {
    /// The rows of the page.
    pub items: Vec<ActivityRow>,
    /// Given as `before`, it reads the page after this one; `null` on the last page.
    pub next: Option<String>,
}

/// One call. The row is there from the moment the call begins, and completed when it ends.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityRow {
    /// The call's id; that of its request where it waited for the owner.
    pub id: CallId,
    /// When the agent called.
    pub at: Timestamp,
    /// The agent that called.
    pub agent: AgentId,
    /// Its name now, also where its key was revoked.
    pub agent_name: String,
    /// The integration as the agent named it, which need not exist.
    pub integration: String,
    /// The tool as the agent named it, which need not exist.
    pub tool: String,
    /// The tool's name as it is to be shown: hidden and look-alike characters escaped, and marked if there are any.
    pub tool_display: String,
    /// Redacted.
    pub arguments: Value,
    /// SHA-256 of the arguments before redaction; `null` where the tool was not found.
    pub arguments_hash: Option<ArgumentsHash>,
    /// Digest of the definition the call was judged by; `null` where there is none.
    pub digest: Option<DefinitionDigest>,
    /// What policy said.
    pub decision: Option<Mode>,
    /// Why policy said so.
    pub reason: Option<Reason>,
    /// The request for the owner's decision that the call belongs to.
    pub approval: Option<ApprovalId>,
    /// How it ended, or where it is.
    pub outcome: OutcomeKind,
    /// Where a call's request stands, while the call waits for it: `approved` where the agent has not come back yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub approval_state: Option<StateName>,
    /// Time spent waiting for the owner, in milliseconds.
    #[ts(type = "number")]
    pub waited_ms: u64,
    /// Time the upstream took, in microseconds.
    #[ts(type = "number")]
    pub ran_us: u64,
    /// Bytes of the arguments' JSON text.
    #[ts(type = "number")]
    pub bytes_in: u64,
    /// Bytes of the result's JSON text; 0 where there is none.
    #[ts(type = "number")]
    pub bytes_out: u64,
    /// What went wrong, as one line.
    pub error: Option<String>,
    /// The API the call came through.
    pub entry_point: EntryPoint,
    /// The label of the account it used, as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub account: Option<String>,
}

/// `GET /control/activity/chart?since=&until=&buckets=` and the filters of the list: calls over time. At most 200 buckets,
/// all of one length, oldest first, empty ones included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityChart {
    /// Where the first bucket begins.
    pub since: Timestamp,
    /// Where the last bucket ends.
    pub until: Timestamp,
    /// Length of a bucket in milliseconds.
    #[ts(type = "number")]
    pub bucket_ms: u64,
    /// Oldest first.
    pub buckets: Vec<ChartBucket>,
}

/// How the calls of a stretch of time went. Every call counts in exactly one of the first four.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChartBucket {
    /// They ran.
    pub ran: u32,
    /// They ran and failed, were cancelled or interrupted.
    pub failed: u32,
    /// A rule, the owner or a check stopped them.
    pub stopped: u32,
    /// Nobody decided: waiting, or expired.
    pub undecided: u32,
    /// Of all of them, those the owner was asked about.
    pub asked: u32,
}

// `GET /control/activity/export?format=jsonl|csv` and the filters of the list: every row, newest first, as a download.
