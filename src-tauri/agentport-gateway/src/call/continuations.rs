//! Calls that the upstream answered with a question (SEP-2322, MCP 2026-07-28 "multi round-trip requests").
//!
//! The agent sends the whole call again with its answers. That is the same call, not a new one: what the owner approved
//! goes on without a second question, and it goes on with the arguments that ran, which the owner may have edited. A
//! continuation is for the agent, tool, definition and arguments it was handed out for, and good once. One that no
//! approval stands behind is not kept: the rules speak about every round.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use agentport_core::{ApprovalId, Timestamp, tool::DefinitionDigest};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::approvals::CallKey;

/// How long an agent may take to answer.
const LIFE: Duration = Duration::from_secs(600);
/// Open questions at once; beyond that the oldest are forgotten and the owner is asked again.
const KEPT: usize = 256;

/// What a continuation is known by: the state to echo, the call as the agent made it, and the definition it ran under.
type Key = ([u8; 32], CallKey, DefinitionDigest);

/// An approved call in the middle.
#[derive(Debug)]
pub(crate) struct Continuation {
    pub(crate) approval: ApprovalId,
    /// What ran, and goes on.
    pub(crate) arguments: Value,
}

/// The continuations handed out and not used.
#[derive(Debug, Default)]
pub(crate) struct Continuations(Mutex<HashMap<Key, (Timestamp, Continuation)>>);

impl Continuations {
    /// Notes that the call may go on with this state.
    pub(crate) fn hand_out(
        &self,
        state: Option<&str>,
        key: CallKey,
        definition: DefinitionDigest,
        continuation: Continuation,
        now: Timestamp,
    ) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= KEPT {
            open.retain(|_, (end, _)| *end > now);
        }
        if open.len() >= KEPT
            && let Some(oldest) = open.iter().min_by_key(|(_, kept)| kept.0).map(|(k, _)| k.clone())
        {
            open.remove(&oldest);
        }
        open.insert((digest(state), key, definition), (now.plus(LIFE), continuation));
    }

    /// Uses a continuation up.
    pub(crate) fn take(
        &self,
        state: Option<&str>,
        key: &CallKey,
        definition: DefinitionDigest,
        now: Timestamp,
    ) -> Option<Continuation> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (end, continuation) = open.remove(&(digest(state), key.clone(), definition))?;
        (now < end).then_some(continuation)
    }
}

fn digest(state: Option<&str>) -> [u8; 32] {
    // A question without state and one with an empty state are told apart.
    Sha256::digest(state.map_or_else(String::new, |state| format!("={state}"))).into()
}
