//! Calls that the upstream answered with a question (SEP-2322, MCP 2026-07-28 "multi round-trip requests").
//!
//! The agent sends the whole call again with its answers. That is the same call, not a new one: the owner is not
//! asked twice. A continuation is for the agent, tool and arguments it was handed out for, and good once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use agentport_core::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::approvals::CallKey;

/// How long an agent may take to answer.
const LIFE: Duration = Duration::from_secs(600);
/// Open questions at once; beyond that the oldest are forgotten and the owner is asked again.
const KEPT: usize = 1024;

/// The continuations handed out and not used.
#[derive(Debug, Default)]
pub(crate) struct Continuations(Mutex<HashMap<([u8; 32], CallKey), Timestamp>>);

impl Continuations {
    /// Notes that `key` may go on with this state.
    pub(crate) fn hand_out(&self, state: Option<&str>, key: CallKey, now: Timestamp) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= KEPT {
            open.retain(|_, end| *end > now);
        }
        if open.len() >= KEPT
            && let Some(oldest) = open.iter().min_by_key(|(_, end)| **end).map(|(k, _)| k.clone())
        {
            open.remove(&oldest);
        }
        open.insert((digest(state), key), now.plus(LIFE));
    }

    /// Uses a continuation up. False if there is none.
    pub(crate) fn take(&self, state: Option<&str>, key: &CallKey, now: Timestamp) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&(digest(state), key.clone())).is_some_and(|end| now < end)
    }
}

fn digest(state: Option<&str>) -> [u8; 32] {
    // A question without state and one with an empty state are told apart.
    Sha256::digest(state.map_or_else(String::new, |state| format!("={state}"))).into()
}
