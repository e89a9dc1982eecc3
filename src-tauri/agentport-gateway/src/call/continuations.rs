//! Calls that the upstream answered with `InputRequiredResult` (SEP-2322, MCP 2026-07-28 "multi round-trip requests").
//!
//! The agent sends the whole call again with its answers. That is the same call: what the owner approved continues
//! without a second approval, with the arguments that ran, which the owner may have edited. A continuation is bound to
//! agent, tool, definition and arguments, and good once. Calls that ran without an approval get none: the rules decide
//! about every round.

use std::{collections::HashMap, time::Duration};

use agentport_core::{ApprovalId, Timestamp, tool::DefinitionDigest};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::approvals::CallKey;

/// Time an agent has to answer.
const CONTINUATION_LIFETIME: Duration = Duration::from_secs(600);
/// Continuations kept at once; beyond that the oldest are dropped and the owner is asked again.
const MAX_CONTINUATIONS: usize = 256;

/// Key of a continuation: the state to echo, the call as the agent made it, and the definition it ran under.
type ContinuationKey = ([u8; 32], CallKey, DefinitionDigest);

/// An approved call that waits for the agent's input.
#[derive(Debug)]
pub(crate) struct Continuation {
    pub(crate) approval: ApprovalId,
    /// What ran, and continues.
    pub(crate) arguments: Value,
}

/// The continuations that were not used yet.
#[derive(Debug, Default)]
pub(crate) struct Continuations(Mutex<HashMap<ContinuationKey, (Timestamp, Continuation)>>);

impl Continuations {
    /// Stores a call that may be continued with this state.
    pub(super) fn insert(
        &self,
        state: Option<&str>,
        key: CallKey,
        definition: DefinitionDigest,
        continuation: Continuation,
        now: Timestamp,
    ) {
        let mut open = self.0.lock();
        if open.len() >= MAX_CONTINUATIONS {
            open.retain(|_, (end, _)| *end > now);
        }
        if open.len() >= MAX_CONTINUATIONS
            && let Some(oldest) = open.iter().min_by_key(|(_, kept)| kept.0).map(|(k, _)| k.clone())
        {
            open.remove(&oldest);
        }
        open.insert(
            (digest(state), key, definition),
            (now.plus(CONTINUATION_LIFETIME), continuation),
        );
    }

    /// Takes out a continuation: it can be used once.
    pub(super) fn remove(
        &self,
        state: Option<&str>,
        key: &CallKey,
        definition: DefinitionDigest,
        now: Timestamp,
    ) -> Option<Continuation> {
        let mut open = self.0.lock();
        let (end, continuation) = open.remove(&(digest(state), key.clone(), definition))?;
        (now < end).then_some(continuation)
    }
}

fn digest(state: Option<&str>) -> [u8; 32] {
    // No state and an empty state differ.
    Sha256::digest(state.map_or_else(String::new, |state| format!("={state}"))).into()
}
