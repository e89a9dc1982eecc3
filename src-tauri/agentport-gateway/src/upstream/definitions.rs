//! The tool definitions that a live connection offers, against which every tool call is checked before it is sent.
//!
//! A permit names the definition that policy, or the owner, judged. What the server offers may have changed since: while
//! it was not connected, or between the list and the call.
//!
//! Not every server announces a change: one over HTTP may have no stream to do so. Its list is read again while it is in
//! use, so that a definition that was changed in silence is called as it was judged for [`MAX_LIST_AGE`] at most.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use agentport_core::tool::{Definition, DefinitionDigest};
use arc_swap::ArcSwap;
use rmcp::model::Tool;
use serde_json::Value;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::error::UpstreamError;

/// Age of a tool list at which a call has it read again, without waiting for it.
const REFRESH_LIST_AGE: Duration = Duration::from_secs(20);
/// Age of a tool list at which a call waits until it was read again.
const MAX_LIST_AGE: Duration = Duration::from_secs(60);

/// The digest of a tool as its upstream defines it.
pub(crate) fn definition_digest(tool: &Tool) -> DefinitionDigest {
    let input = Value::Object((*tool.input_schema).clone());
    let output = tool.output_schema.as_deref().map(|schema| Value::Object(schema.clone()));
    let annotations =
        tool.annotations.as_ref().map(|a| serde_json::to_value(a).unwrap_or_default());
    Definition {
        name: &tool.name,
        title: tool.title.as_deref(),
        description: tool.description.as_deref(),
        input_schema: &input,
        output_schema: output.as_ref(),
        annotations: annotations.as_ref(),
    }
    .digest()
}

/// The definitions of one connection, by tool name.
#[derive(Default)]
pub(super) struct LiveDefinitions(ArcSwap<HashMap<String, DefinitionDigest>>);

impl LiveDefinitions {
    pub(super) fn replace(&self, tools: &[Tool]) {
        let digests = tools.iter().map(|tool| (tool.name.to_string(), definition_digest(tool)));
        self.0.store(std::sync::Arc::new(digests.collect()));
    }

    /// Is the tool still defined as it was judged?
    pub(super) fn check(&self, tool: &str, judged: DefinitionDigest) -> Result<(), UpstreamError> {
        match self.0.load().get(tool) {
            Some(live) if *live == judged => Ok(()),
            Some(_) => Err(UpstreamError::DefinitionChanged),
            None => Err(UpstreamError::ToolGone),
        }
    }
}

/// Whether the tool list was read since the server last announced another one.
pub(super) struct ListState {
    /// Announcements so far.
    announced: AtomicU64,
    /// Announcements that a list read since then answers.
    read: watch::Sender<u64>,
    since: Instant,
    /// When the list was last read, in milliseconds after `since`.
    read_at: AtomicI64,
    /// The list was asked for because of its age, and not read since.
    refreshing: AtomicBool,
    /// The server announces every change, over a connection that loses nothing.
    announces: AtomicBool,
    /// The list is to be read because of its age.
    pub(super) aged: Notify,
}

impl Default for ListState {
    fn default() -> Self {
        Self {
            announced: AtomicU64::new(0),
            read: watch::Sender::new(0),
            since: Instant::now(),
            read_at: AtomicI64::new(0),
            refreshing: AtomicBool::new(false),
            announces: AtomicBool::new(false),
            aged: Notify::new(),
        }
    }
}

impl ListState {
    /// The server announced another tool list, or may have done so unheard.
    pub(super) fn announce(&self) {
        self.announced.fetch_add(1, Ordering::AcqRel);
    }

    /// To be taken before a list is asked for, and given to [`Self::mark_read`] after.
    pub(super) fn announced(&self) -> u64 {
        self.announced.load(Ordering::Acquire)
    }

    /// A connection was made, and its list read. `announces`: changes of it are announced without fail.
    pub(super) fn begin(&self, announces: bool) {
        self.announces.store(announces, Ordering::Relaxed);
        self.mark_fresh();
    }

    fn mark_fresh(&self) {
        self.read_at.store(millis(self.since.elapsed()), Ordering::Relaxed);
        self.refreshing.store(false, Ordering::Relaxed);
    }

    /// Has a list read again that may have changed in silence. A call that then finds it not current waits for it.
    pub(super) fn refresh_if_aged(&self) {
        if self.announces.load(Ordering::Relaxed) {
            return;
        }
        let age = millis(self.since.elapsed()) - self.read_at.load(Ordering::Relaxed);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        if age < REFRESH_LIST_AGE {
            return;
        }
        // A reading that has begun does not answer for what comes after.
        let must_wait = age >= MAX_LIST_AGE && self.is_current();
        if must_wait {
            self.announce();
        }
        if !self.refreshing.swap(true, Ordering::Relaxed) || must_wait {
            self.aged.notify_one();
        }
    }

    /// Makes the list older than it is.
    #[cfg(test)]
    pub(super) fn age_by(&self, age: Duration) {
        self.read_at.fetch_sub(millis(age), Ordering::Relaxed);
    }

    /// A list asked for after `announced` announcements is in force.
    pub(super) fn mark_read(&self, announced: u64) {
        self.mark_fresh();
        self.read.send_if_modified(|read| {
            let newer = announced > *read;
            *read = announced.max(*read);
            newer
        });
    }

    pub(super) fn is_current(&self) -> bool {
        *self.read.borrow() >= self.announced()
    }

    /// Waits until every announcement made so far is answered by a list.
    pub(super) async fn current(&self) {
        let announced = self.announced();
        if *self.read.borrow() < announced {
            // The sender lives as long as `self`.
            let _ = self.read.subscribe().wait_for(|read| *read >= announced).await;
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
