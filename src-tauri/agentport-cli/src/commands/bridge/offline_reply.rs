//! Answers of the bridge itself while no gateway can be reached, or while it does not let the bridge in.
//!
//! `initialize` is answered, so that the client shows AgentPort instead of a server that failed to start. The only tool
//! listed is `agentport__status`; calling it, or any other tool, answers why there is no gateway and what to do.

use std::sync::atomic::Ordering;

use agentport_core::{
    json_rpc::INTERNAL_ERROR,
    mcp::{LATEST_REVISION, SESSION_REVISIONS},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    message::{self, ClientRequest},
    relay::Relay,
};

const STATUS_TOOL: &str = "agentport__status";

/// Why the bridge answers itself. A sentence for the agent that says what to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum OfflineReason<'a> {
    NoGateway(&'a str),
    NotLetIn(&'a str),
}

/// The answer to a request that the gateway cannot answer.
pub(super) fn reply_to(relay: &Relay, request: &ClientRequest, reason: OfflineReason<'_>) -> Bytes {
    let (OfflineReason::NoGateway(why) | OfflineReason::NotLetIn(why)) = reason;
    // A client that has seen the gateway's lists keeps them; empty lists are only for one that has not.
    let unknown = match request.modern {
        Some(_) => !relay.gateway.has_answered(),
        None => relay.session.current().is_none(),
    };
    let lists = unknown || matches!(reason, OfflineReason::NotLetIn(_));
    let list = |name: &str, items: Value| {
        let mut result = json!({ name: items });
        if request.modern.is_some() {
            result["ttlMs"] = json!(0);
            result["cacheScope"] = json!("private");
        }
        message::result(request, result)
    };
    match &*request.method {
        "initialize" => message::result(request, initialize_result(relay, why)),
        "server/discover" if request.modern.is_some() => {
            message::result(request, discover_result(why))
        }
        "ping" => message::result(request, json!({})),
        "tools/call" => message::tool_error(request, why),
        "logging/setLevel" if lists => message::result(request, json!({})),
        "tools/list" if lists => {
            relay.set_status_tool_listed();
            list("tools", json!([status_tool()]))
        }
        "prompts/list" if lists => list("prompts", json!([])),
        "resources/list" if lists => list("resources", json!([])),
        "resources/templates/list" if lists => list("resourceTemplates", json!([])),
        _ => message::error(Some(&request.id), INTERNAL_ERROR, why),
    }
}

/// The answer to a late call of the status tool: it was listed while there was no gateway, and now there is one.
pub(super) fn status_tool_reply(relay: &Relay, request: &ClientRequest) -> Option<Bytes> {
    let asked = &*request.method == "tools/call" && request.name.as_deref() == Some(STATUS_TOOL);
    let is_reachable = relay.http.running().is_some() && !relay.locked_out.load(Ordering::Relaxed);
    if !asked || !relay.status_tool_listed.load(Ordering::Relaxed) || !is_reachable {
        return None;
    }
    let known = match request.modern {
        Some(_) => relay.gateway.has_answered(),
        None => relay.session.current().is_some(),
    };
    let text = "AgentPort is running. List the tools again to see what it offers.";
    let content = json!([{ "type": "text", "text": text }]);
    known.then(|| message::result(request, json!({ "content": content, "isError": false })))
}

fn status_tool() -> Value {
    json!({
        "name": STATUS_TOOL,
        "title": "AgentPort status",
        "description": "AgentPort cannot be reached at the moment. Call this to learn why, and tell the person you \
                        work for what to do.",
        "inputSchema": { "type": "object", "properties": {} },
        "annotations": { "readOnlyHint": true },
    })
}

/// Everything the gateway has: capabilities cannot be added later in a session.
fn capabilities() -> Value {
    json!({
        "completions": {},
        "logging": {},
        "prompts": { "listChanged": true },
        "resources": { "subscribe": true, "listChanged": true },
        "tools": { "listChanged": true },
    })
}

fn server_info() -> Value {
    json!({ "name": "agentport", "title": "AgentPort", "version": env!("CARGO_PKG_VERSION") })
}

fn initialize_result(relay: &Relay, why: &str) -> Value {
    let asked = relay.session.asked_version();
    let version = asked.filter(|version| SESSION_REVISIONS.contains(&version.as_str()));
    json!({
        "protocolVersion": version.as_deref().unwrap_or(SESSION_REVISIONS[SESSION_REVISIONS.len() - 1]),
        "capabilities": capabilities(),
        "serverInfo": server_info(),
        "instructions": why,
    })
}

fn discover_result(why: &str) -> Value {
    let versions: Vec<&str> = SESSION_REVISIONS.into_iter().chain([LATEST_REVISION]).collect();
    json!({
        "supportedVersions": versions,
        "capabilities": capabilities(),
        "instructions": why,
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": { "io.modelcontextprotocol/serverInfo": server_info() },
    })
}
