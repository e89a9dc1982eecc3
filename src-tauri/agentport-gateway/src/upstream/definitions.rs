//! The tool definitions that a live connection offers, against which every tool call is checked before it is sent.
//!
//! A permit names the definition that policy, or the owner, judged. What the server offers may have changed since: while
//! it was not connected, or between the list and the call.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use agentport_core::tool::{Definition, DefinitionDigest};
use arc_swap::ArcSwap;
use rmcp::model::Tool;
use serde_json::Value;
use tokio::sync::watch;

use super::error::UpstreamError;

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
}

impl Default for ListState {
    fn default() -> Self {
        Self { announced: AtomicU64::new(0), read: watch::Sender::new(0) }
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

    /// A list asked for after `announced` announcements is in force.
    pub(super) fn mark_read(&self, announced: u64) {
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
