//! The journal's format: JSON lines, `{"b":{…}}` for a start and `{"e":{…}}` for an end, with names of two letters
//! ([`CallStart`] and [`CallEnd`] have them).
//!
//! A line is written whole or, by a process that is killed in the middle of it, without its line end.

use std::io;

use agentport_core::activity::{CallEnd, CallStart};
use serde::Deserialize;

use crate::store::ImportedStart;

pub(super) fn write_start(buffer: &mut Vec<u8>, start: &CallStart) -> io::Result<()> {
    write(buffer, br#"{"b":"#, start)
}

pub(super) fn write_end(buffer: &mut Vec<u8>, end: &CallEnd) -> io::Result<()> {
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
    Start(Box<ImportedStart>),
    #[serde(rename = "e")]
    End(CallEnd),
}
