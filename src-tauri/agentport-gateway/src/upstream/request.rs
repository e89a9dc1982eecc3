//! JSON-RPC requests to an upstream, serialised in one pass from borrowed parts.

use std::collections::BTreeMap;

use agentport_core::mcp;
use rmcp::model::{
    ClientCapabilities, CompleteRequestParams, Implementation, JsonObject, LoggingLevel,
    RequestMetaObject, TASKS_EXTENSION_ID,
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use crate::call::permit::Operation;

/// One request, without the id it gets when it is sent.
pub(super) struct OutgoingRequest<'a> {
    method: &'static str,
    params: RequestParams<'a>,
    context: CallContext<'a>,
}

/// What a request says beside its operation.
#[derive(Clone, Copy, Default)]
pub(super) struct CallContext<'a> {
    /// `_meta` of the agent's request; what is only between the agent and us is left out.
    pub(super) inbound: Option<&'a RequestMetaObject>,
    /// Protocol fields that each request carries since 2026-07-28; `None` for older upstreams.
    pub(super) modern: Option<ModernMeta<'a>>,
    /// Asks for progress notifications; the token is the request's id.
    pub(super) progress: bool,
    /// Answers to an `InputRequiredResult`, with the state to echo (MCP 2026-07-28, SEP-2322).
    pub(super) responses: Option<&'a BTreeMap<String, Value>>,
    pub(super) state: Option<&'a str>,
}

/// The protocol fields of `_meta` (MCP 2026-07-28, Basic, SEP-2575).
#[derive(Clone, Copy)]
pub(super) struct ModernMeta<'a> {
    pub(super) revision: &'a str,
    pub(super) client: &'a Implementation,
    /// What the agent's client can be asked. Varies from call to call on the same connection.
    pub(super) capabilities: Option<&'a ClientCapabilities>,
    pub(super) log_level: Option<LoggingLevel>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RequestParams<'a> {
    Named {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        arguments: Option<&'a JsonObject>,
    },
    Resource {
        uri: &'a str,
    },
    Completion(&'a CompleteRequestParams),
    Page {
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
    },
}

impl<'a> OutgoingRequest<'a> {
    pub(super) fn operation(operation: &'a Operation, context: CallContext<'a>) -> Self {
        let (method, params) = match operation {
            Operation::CallTool { name, arguments } => {
                ("tools/call", RequestParams::Named { name, arguments: arguments.as_ref() })
            }
            Operation::GetPrompt { name, arguments } => {
                ("prompts/get", RequestParams::Named { name, arguments: arguments.as_ref() })
            }
            Operation::ReadResource { uri } => ("resources/read", RequestParams::Resource { uri }),
            Operation::Subscribe { uri } => {
                ("resources/subscribe", RequestParams::Resource { uri })
            }
            Operation::Unsubscribe { uri } => {
                ("resources/unsubscribe", RequestParams::Resource { uri })
            }
            Operation::Complete { params } => {
                ("completion/complete", RequestParams::Completion(params))
            }
        };
        Self { method, params, context }
    }

    /// One page of a list, such as `tools/list`.
    pub(super) fn page(
        method: &'static str,
        cursor: Option<&'a str>,
        context: CallContext<'a>,
    ) -> Self {
        Self { method, params: RequestParams::Page { cursor }, context }
    }

    pub(super) fn method(&self) -> &'static str {
        self.method
    }

    /// What `Mcp-Name` says: the tool's or prompt's name, or the resource's URI.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.params {
            RequestParams::Named { name, .. } => Some(name),
            RequestParams::Resource { uri } => Some(uri),
            RequestParams::Completion(_) | RequestParams::Page { .. } => None,
        }
    }

    /// A tool call's name and arguments.
    pub(super) fn tool(&self) -> Option<(&str, &JsonObject)> {
        match self.params {
            RequestParams::Named { name, arguments: Some(arguments) }
                if self.method == "tools/call" =>
            {
                Some((name, arguments))
            }
            _ => None,
        }
    }

    /// The request as one line of JSON with its newline.
    pub(super) fn line(&self, id: i64) -> Vec<u8> {
        #[derive(Serialize)]
        struct Line<'a> {
            jsonrpc: &'static str,
            id: i64,
            method: &'static str,
            params: RequestBody<'a>,
        }
        #[derive(Serialize)]
        struct RequestBody<'a> {
            #[serde(flatten)]
            params: &'a RequestParams<'a>,
            #[serde(rename = "inputResponses", skip_serializing_if = "Option::is_none")]
            responses: Option<&'a BTreeMap<String, Value>>,
            #[serde(rename = "requestState", skip_serializing_if = "Option::is_none")]
            state: Option<&'a str>,
            #[serde(rename = "_meta", skip_serializing_if = "RequestMeta::is_empty")]
            meta: RequestMeta<'a>,
        }
        let context = &self.context;
        let body = RequestBody {
            params: &self.params,
            responses: context.responses,
            state: context.state,
            meta: RequestMeta { context, token: context.progress.then_some(id) },
        };
        let mut line = Vec::with_capacity(512);
        let written = serde_json::to_writer(
            &mut line,
            &Line { jsonrpc: "2.0", id, method: self.method, params: body },
        );
        // Writing JSON values into memory fails only on keys that are no strings; there are none.
        debug_assert!(written.is_ok());
        line.push(b'\n');
        line
    }
}

/// `_meta` as it is sent: the agent's own entries, then ours.
struct RequestMeta<'a> {
    context: &'a CallContext<'a>,
    token: Option<i64>,
}

impl<'a> RequestMeta<'a> {
    fn inbound(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.context.inbound.into_iter().flat_map(|meta| meta.iter()).filter(|(key, _)| passes(key))
    }

    fn is_empty(&self) -> bool {
        self.token.is_none() && self.context.modern.is_none() && self.inbound().next().is_none()
    }
}

/// Is an entry of `_meta` for the upstream? Protocol entries and the progress token are between the agent and us.
fn passes(key: &str) -> bool {
    key != "progressToken" && !key.starts_with("io.modelcontextprotocol/")
}

impl Serialize for RequestMeta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.inbound() {
            map.serialize_entry(key, value)?;
        }
        if let Some(modern) = &self.context.modern {
            map.serialize_entry(mcp::VERSION_KEY, modern.revision)?;
            map.serialize_entry(mcp::CLIENT_KEY, modern.client)?;
            map.serialize_entry(mcp::CAPABILITIES_KEY, &DeclaredCapabilities(modern.capabilities))?;
            if let Some(level) = modern.log_level {
                map.serialize_entry(mcp::LOG_LEVEL_KEY, &level)?;
            }
        }
        if let Some(token) = self.token {
            map.serialize_entry("progressToken", &token)?;
        }
        map.end()
    }
}

/// A client's capabilities, without those we do not carry through: tasks, since the task would be the upstream's and
/// its id unknown to us, and experiments.
struct DeclaredCapabilities<'a>(Option<&'a ClientCapabilities>);

impl Serialize for DeclaredCapabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(capabilities) = self.0 {
            if let Some(elicitation) = &capabilities.elicitation {
                map.serialize_entry("elicitation", elicitation)?;
            }
            if let Some(sampling) = &capabilities.sampling {
                map.serialize_entry("sampling", sampling)?;
            }
            if let Some(roots) = &capabilities.roots {
                map.serialize_entry("roots", roots)?;
            }
            if let Some(extensions) = &capabilities.extensions {
                let carried: BTreeMap<_, _> =
                    extensions.iter().filter(|(name, _)| *name != TASKS_EXTENSION_ID).collect();
                map.serialize_entry("extensions", &carried)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(outgoing: &OutgoingRequest<'_>) -> Value {
        let line = outgoing.line(7);
        assert_eq!(line.last(), Some(&b'\n'));
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&line).unwrap()
    }

    fn tool(arguments: &Value) -> Operation {
        Operation::CallTool { name: "t".into(), arguments: arguments.as_object().cloned() }
    }

    #[test]
    fn a_plain_call_carries_nothing_extra() {
        let call = tool(&json!({"text": "a\nb"}));
        assert_eq!(
            sent(&OutgoingRequest::operation(&call, CallContext::default())),
            json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "t", "arguments": {"text": "a\nb"}}})
        );
        let without = Operation::CallTool { name: "t".into(), arguments: None };
        let params =
            sent(&OutgoingRequest::operation(&without, CallContext::default()))["params"].clone();
        assert_eq!(params, json!({"name": "t"}));
    }

    #[test]
    fn meta_is_copied_without_our_entries() {
        let meta = RequestMetaObject::from(
            json!({
                "progressToken": "theirs",
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "traceparent": "00-1",
                "com.example/x": 1,
            })
            .as_object()
            .cloned()
            .unwrap(),
        );
        let call = tool(&json!({}));
        let context =
            CallContext { inbound: Some(&meta), progress: true, ..CallContext::default() };
        assert_eq!(
            sent(&OutgoingRequest::operation(&call, context))["params"]["_meta"],
            json!({"traceparent": "00-1", "com.example/x": 1, "progressToken": 7})
        );
    }

    #[test]
    fn a_modern_upstream_gets_the_agents_capabilities() {
        let capabilities: ClientCapabilities = serde_json::from_value(json!({
            "elicitation": {"form": {}},
            "experimental": {"x": {}},
            "extensions": {"io.modelcontextprotocol/tasks": {}, "io.modelcontextprotocol/ui": {}},
        }))
        .unwrap();
        let client = Implementation::new("agentport", "1");
        let modern = ModernMeta {
            revision: "2026-07-28",
            client: &client,
            capabilities: Some(&capabilities),
            log_level: None,
        };
        let responses = BTreeMap::from([("q".to_owned(), json!({"action": "accept"}))]);
        let context = CallContext {
            modern: Some(modern),
            responses: Some(&responses),
            state: Some("s"),
            ..CallContext::default()
        };
        let operation = Operation::ReadResource { uri: "x://y".into() };
        assert_eq!(
            sent(&OutgoingRequest::operation(&operation, context))["params"],
            json!({
                "uri": "x://y",
                "inputResponses": {"q": {"action": "accept"}},
                "requestState": "s",
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": {"name": "agentport", "version": "1"},
                    "io.modelcontextprotocol/clientCapabilities": {
                        "elicitation": {"form": {}},
                        "extensions": {"io.modelcontextprotocol/ui": {}},
                    },
                },
            })
        );
    }

    #[test]
    fn pages() {
        let page = OutgoingRequest::page("tools/list", Some("next"), CallContext::default());
        assert_eq!(sent(&page)["params"], json!({"cursor": "next"}));
        assert_eq!(
            sent(&OutgoingRequest::page("tools/list", None, CallContext::default()))["params"],
            json!({})
        );
    }
}
