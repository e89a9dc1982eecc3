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
    pub items: Vec<ActivityRow>,
    pub next: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityRow {
    pub id: CallId,
    pub at: Timestamp,
    pub agent: AgentId,
    pub agent_name: String,
    pub integration: String,
    pub tool: String,
    /// The tool's name as it is to be shown: hidden and look-alike characters escaped, and marked if there are any.
    pub tool_display: String,
    /// Redacted.
    pub arguments: Value,
    pub arguments_hash: Option<ArgumentsHash>,
    pub digest: Option<DefinitionDigest>,
    /// What policy said.
    pub decision: Option<Mode>,
    pub reason: Option<Reason>,
    pub approval: Option<ApprovalId>,
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
    #[ts(type = "number")]
    pub bytes_in: u64,
    #[ts(type = "number")]
    pub bytes_out: u64,
    pub error: Option<String>,
    /// The API the call came through.
    pub entry_point: EntryPoint,
}

/// `GET /control/activity/chart?since=&until=&buckets=` and the filters of the list: calls over time. At most 200 buckets,
/// all of one length, oldest first, empty ones included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityChart {
    pub since: Timestamp,
    pub until: Timestamp,
    #[ts(type = "number")]
    pub bucket_ms: u64,
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
