//! The journal's format: JSON lines, `{"b":{…}}` for a begin and `{"e":{…}}` for an end, with names of two letters.
//!
//! A line is written whole or, by a process that is killed in the middle of it, without its line end.

use std::io;

use agentport_core::{
    AgentId, ApprovalId, CallId, Timestamp, arguments::ArgumentsHash, outcome::OutcomeKind,
    policy::Mode, tool::DefinitionDigest,
};
use serde::{Deserialize, Serializer};
use serde_json::value::RawValue;

use super::{Begin, End};

pub(super) fn milliseconds<S: Serializer>(
    at: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.0)
}

pub(super) fn write_begin(buffer: &mut Vec<u8>, begin: &Begin) -> io::Result<()> {
    write(buffer, br#"{"b":"#, begin)
}

pub(super) fn write_end(buffer: &mut Vec<u8>, end: &End) -> io::Result<()> {
    write(buffer, br#"{"e":"#, end)
}

fn write(buffer: &mut Vec<u8>, kind: &[u8], value: &impl serde::Serialize) -> io::Result<()> {
    buffer.extend_from_slice(kind);
    serde_json::to_writer(&mut *buffer, value)?;
    buffer.extend_from_slice(b"}\n");
    Ok(())
}

/// A line as read back.
#[derive(Debug, Deserialize)]
pub(super) enum Line {
    #[serde(rename = "b")]
    Begin(Box<Began>),
    #[serde(rename = "e")]
    End(Ended),
}

/// A [`Begin`]. JSON that goes to the database as it is stays text.
#[derive(Debug, Deserialize)]
pub(super) struct Began {
    pub(super) id: CallId,
    pub(super) at: i64,
    #[serde(rename = "ag")]
    pub(super) agent: AgentId,
    #[serde(rename = "in")]
    pub(super) integration: String,
    #[serde(rename = "to")]
    pub(super) tool: String,
    #[serde(rename = "ar")]
    pub(super) arguments: Box<RawValue>,
    #[serde(rename = "ah")]
    pub(super) arguments_hash: Option<ArgumentsHash>,
    #[serde(rename = "dg")]
    pub(super) digest: Option<DefinitionDigest>,
    #[serde(rename = "de")]
    pub(super) decision: Option<Mode>,
    #[serde(rename = "be")]
    pub(super) because: Option<Box<RawValue>>,
    #[serde(rename = "ap")]
    pub(super) approval: Option<ApprovalId>,
    #[serde(rename = "wa")]
    pub(super) waited_ms: u64,
    #[serde(rename = "bi")]
    pub(super) bytes_in: u64,
    #[serde(rename = "do")]
    pub(super) door: String,
}

/// An [`End`].
#[derive(Debug, Deserialize)]
pub(super) struct Ended {
    pub(super) id: CallId,
    #[serde(rename = "ou")]
    pub(super) outcome: OutcomeKind,
    #[serde(rename = "ra")]
    pub(super) ran_us: u64,
    #[serde(rename = "bo")]
    pub(super) bytes_out: u64,
    #[serde(rename = "er")]
    pub(super) error: Option<String>,
}
