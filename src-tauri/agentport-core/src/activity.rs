//! The record of a call: one value when it begins, one when it ends.
//!
//! The call pipeline makes these values, the journal keeps them as JSON lines, and the importer moves them into the
//! table `activity`. The serde names are those of the journal's lines: two letters each, since every call writes a
//! line. A field that is added needs `#[serde(default)]`, because lines of an earlier version may wait to be imported.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    AgentId, ApprovalId, CallId, Timestamp,
    arguments::ArgumentsHash,
    outcome::OutcomeKind,
    policy::{Mode, Reason},
    tool::DefinitionDigest,
    wire_words::wire_words,
};

wire_words! {
    /// The API through which an agent made a call.
    #[derive(ts_rs::TS)]
    #[ts(export)]
    pub enum EntryPoint {
        /// MCP, by the meta tool `call_tool`.
        Mcp = "mcp",
        /// MCP, a tool that is listed to the agent directly.
        Direct = "direct",
        /// The REST API under `/api`, which the command `agentport` speaks too.
        Rest = "rest",
    }
}

/// What is known of a call before it runs.
///
/// `A` and `R` are the arguments and the reason: values where the record is made, JSON text where the importer reads it,
/// which stores it as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallStart<A = Value, R = Reason> {
    /// The call's id; an approval's id where the call waits for one.
    pub id: CallId,
    /// When the agent called.
    #[serde(with = "milliseconds")]
    pub at: Timestamp,
    /// The agent that called.
    #[serde(rename = "ag")]
    pub agent: AgentId,
    /// The integration as the agent named it, which need not exist.
    #[serde(rename = "in")]
    pub integration: String,
    /// The tool as the agent named it, which need not exist.
    #[serde(rename = "to")]
    pub tool: String,
    /// The arguments, redacted.
    #[serde(rename = "ar")]
    pub arguments: A,
    /// Hash of the arguments before redaction; `None` where the tool was not found.
    #[serde(rename = "ah")]
    pub arguments_hash: Option<ArgumentsHash>,
    /// Digest of the tool's definition; `None` where there is none.
    #[serde(rename = "dg")]
    pub digest: Option<DefinitionDigest>,
    /// What policy said; `None` where it was not asked.
    #[serde(rename = "de")]
    pub decision: Option<Mode>,
    /// Why policy said so.
    #[serde(rename = "be")]
    pub because: Option<R>,
    /// The request for the owner's decision this call belongs to.
    #[serde(rename = "ap")]
    pub approval: Option<ApprovalId>,
    /// Milliseconds spent waiting for the owner.
    #[serde(rename = "wa")]
    pub waited_ms: u64,
    /// Bytes of the arguments' JSON text.
    #[serde(rename = "bi")]
    pub bytes_in: u64,
    /// The API the call came through. Lines written before this field had its name call it `do`.
    #[serde(rename = "ep", alias = "do")]
    pub entry_point: EntryPoint,
    /// The label of the account it uses, as it was; `None` where the integration has none.
    #[serde(rename = "ac", default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// What is known of a call once it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnd {
    /// The id of the [`CallStart`] this completes.
    pub id: CallId,
    /// How it ended.
    #[serde(rename = "ou")]
    pub outcome: OutcomeKind,
    /// Microseconds between dispatch and the upstream's answer; 0 where nothing was dispatched.
    #[serde(rename = "ra")]
    pub ran_us: u64,
    /// Bytes of the result's JSON text; 0 where there is none.
    #[serde(rename = "bo")]
    pub bytes_out: u64,
    /// What went wrong, as one line.
    #[serde(rename = "er")]
    pub error: Option<String>,
}

impl<A, R> CallStart<A, R> {
    /// A call of which only this much is known yet.
    pub fn new(
        id: CallId,
        at: Timestamp,
        agent: AgentId,
        (integration, tool): (String, String),
        arguments: A,
        entry_point: EntryPoint,
    ) -> Self {
        Self {
            id,
            at,
            agent,
            integration,
            tool,
            arguments,
            arguments_hash: None,
            digest: None,
            decision: None,
            because: None,
            approval: None,
            waited_ms: 0,
            bytes_in: 0,
            entry_point,
            account: None,
        }
    }

    /// The same record under an approval's id, which the decision and the run of that approval will complete.
    #[must_use]
    pub fn for_approval(self, id: ApprovalId) -> Self {
        Self { id: CallId(id.0), approval: Some(id), ..self }
    }
}

impl CallEnd {
    /// The end of a call that was not dispatched.
    pub fn new(id: CallId, outcome: OutcomeKind) -> Self {
        Self { id, outcome, ran_us: 0, bytes_out: 0, error: None }
    }
}

/// A moment as a number: shorter and faster than RFC 3339, and the form the table has.
mod milliseconds {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::Timestamp;

    pub(super) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn entry_points_are_the_words_on_the_wire() {
        for &point in EntryPoint::ALL {
            assert_eq!(serde_json::to_value(point).unwrap(), point.as_str());
            assert_eq!(EntryPoint::parse(point.as_str()), Some(point));
        }
        assert_eq!(EntryPoint::parse("MCP"), None);
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let id = Uuid::from_u128(7);
        let start: CallStart = CallStart {
            decision: Some(Mode::Allow),
            because: Some(Reason::NoRule),
            waited_ms: 3,
            ..CallStart::new(
                CallId(id),
                Timestamp(1_790_000_000_123),
                AgentId(id),
                ("files".into(), "read".into()),
                json!({ "path": "/a" }),
                EntryPoint::Direct,
            )
        };
        let text = serde_json::to_string(&start).unwrap();
        assert!(text.contains(r#""at":1790000000123,"#) && text.contains(r#""ep":"direct""#));
        assert_eq!(serde_json::from_str::<CallStart>(&text).unwrap(), start);
        // As earlier versions wrote it.
        let before = text.replace(r#""ep":"#, r#""do":"#);
        assert_eq!(serde_json::from_str::<CallStart>(&before).unwrap(), start);

        let asked = start.for_approval(ApprovalId(Uuid::from_u128(8)));
        assert_eq!(
            (asked.id.0, asked.approval.map(|id| id.0)),
            (Uuid::from_u128(8), Some(asked.id.0))
        );
        let end = CallEnd { ran_us: 5, ..CallEnd::new(asked.id, OutcomeKind::Ok) };
        let text = serde_json::to_string(&end).unwrap();
        assert_eq!(serde_json::from_str::<CallEnd>(&text).unwrap(), end);
    }
}
