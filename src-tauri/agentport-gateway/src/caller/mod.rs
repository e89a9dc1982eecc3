//! The agent's side of a running call: how to reach it while the upstream works.

mod log_sender;

use std::collections::BTreeMap;

use rmcp::{
    Peer, RoleServer,
    model::{ClientCapabilities, ProgressToken, RequestMetaObject},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::caller::log_sender::LogSender;

/// The least severe log level a client asked for.
#[expect(
    deprecated,
    reason = "logging is deprecated in 2026-07-28 and still part of earlier revisions"
)]
pub(crate) type LogLevel = rmcp::model::LoggingLevel;

/// The agent's side of a call: how requests and notifications of the upstream reach its client while the call runs.
///
/// Without a `peer` (REST, an approved call that no request holds open) there is no client to ask: requests of the upstream
/// are refused and notifications dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) peer: Option<Peer<RoleServer>>,
    /// Speaks 2026-07-28 or later: takes `InputRequiredResult`, cannot be sent requests.
    pub(crate) modern: bool,
    pub(crate) capabilities: ClientCapabilities,
    pub(crate) progress_token: Option<ProgressToken>,
    /// Takes log messages, so that they reach the agent before the result does.
    pub(crate) log_sender: Option<LogSender>,
    /// Log messages below this level are dropped; `None`: all are.
    pub(crate) log_level: Option<LogLevel>,
    /// `_meta` of the inbound request.
    pub(crate) meta: RequestMetaObject,
    /// Answers of a modern client to what the upstream asked for (SEP-2322), with the state to echo.
    pub(crate) input_responses: Option<BTreeMap<String, Value>>,
    pub(crate) request_state: Option<String>,
    /// Ends the call when the agent withdraws it.
    pub(crate) cancelled: CancellationToken,
}
