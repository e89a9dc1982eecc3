//! What a client is told while there is no gateway to tell it anything: that we are there, and what is missing.
//!
//! `initialize` is answered, so that the client shows AgentPort and not a server that failed; the one tool then says
//! what to do, to whoever calls it or any other.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    message::{self, INTERNAL_ERROR, Request},
    relay::Relay,
};

const STATUS: &str = "agentport__status";
/// The revisions that have sessions, oldest first.
const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const MODERN: &str = "2026-07-28";

/// The answer to a request that nobody else answers; `why` is a sentence that says what to do.
pub(super) fn answer(relay: &Relay, request: &Request, why: &str) -> Bytes {
    // A client that knows the gateway keeps what it knows; lists are made up only for one that does not.
    let unknown = match request.modern {
        Some(_) => !relay.presence.seen(),
        None => relay.session.joined().is_none(),
    };
    let lists = unknown || why == super::key::REFUSED;
    let list = |name: &str, items: Value| {
        let mut result = json!({ name: items });
        if request.modern.is_some() {
            result["ttlMs"] = json!(0);
            result["cacheScope"] = json!("private");
        }
        message::result(request, result)
    };
    match &*request.method {
        "initialize" => message::result(request, hello(relay, why)),
        "server/discover" if request.modern.is_some() => message::result(request, discovered(why)),
        "ping" => message::result(request, json!({})),
        "tools/call" => message::tool_error(request, why),
        "logging/setLevel" if lists => message::result(request, json!({})),
        "tools/list" if lists => {
            relay.offers_explanation();
            list("tools", json!([status_tool()]))
        }
        "prompts/list" if lists => list("prompts", json!([])),
        "resources/list" if lists => list("resources", json!([])),
        "resources/templates/list" if lists => list("resourceTemplates", json!([])),
        _ => message::error(Some(&request.id), INTERNAL_ERROR, why),
    }
}

/// A call of the tool that explains, by a client that was offered it: there is a gateway by now.
pub(super) fn explain(relay: &Relay, request: &Request) -> Option<Bytes> {
    let asked = &*request.method == "tools/call" && request.name.as_deref() == Some(STATUS);
    if !asked || !relay.explains.load(Ordering::Relaxed) || relay.http.running().is_none() {
        return None;
    }
    let known = match request.modern {
        Some(_) => relay.presence.seen(),
        None => relay.session.joined().is_some(),
    };
    let text = "AgentPort is running. List the tools again to see what it offers.";
    let content = json!([{ "type": "text", "text": text }]);
    known.then(|| message::result(request, json!({ "content": content, "isError": false })))
}

fn status_tool() -> Value {
    json!({
        "name": STATUS,
        "title": "AgentPort status",
        "description": "AgentPort cannot be reached at the moment. Call this to learn why, and tell the person you \
                        work for what to do.",
        "inputSchema": { "type": "object", "properties": {} },
        "annotations": { "readOnlyHint": true },
    })
}

/// Everything the gateway has, so that nothing is missing once it is there.
fn capabilities() -> Value {
    json!({
        "completions": {},
        "logging": {},
        "prompts": { "listChanged": true },
        "resources": { "subscribe": true, "listChanged": true },
        "tools": { "listChanged": true },
    })
}

fn about() -> Value {
    json!({ "name": "agentport", "title": "AgentPort", "version": env!("CARGO_PKG_VERSION") })
}

fn hello(relay: &Relay, why: &str) -> Value {
    let asked = relay.session.asked_version();
    let version = asked.filter(|version| LEGACY.contains(&version.as_str()));
    json!({
        "protocolVersion": version.as_deref().unwrap_or(LEGACY[LEGACY.len() - 1]),
        "capabilities": capabilities(),
        "serverInfo": about(),
        "instructions": why,
    })
}

fn discovered(why: &str) -> Value {
    let versions: Vec<&str> = LEGACY.into_iter().chain([MODERN]).collect();
    json!({
        "supportedVersions": versions,
        "capabilities": capabilities(),
        "instructions": why,
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": { "io.modelcontextprotocol/serverInfo": about() },
    })
}
