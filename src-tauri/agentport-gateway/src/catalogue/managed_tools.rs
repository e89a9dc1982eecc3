//! Definitions of the twelve tools of the gateway itself, `agentport__*`. Two of them change what is installed.

use std::sync::{Arc, LazyLock};

use agentport_core::IntegrationId;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use super::PublishedTool;

/// Prefix of the names of AgentPort's own tools.
pub(crate) const PREFIX: &str = "agentport__";
/// Those that change what is installed, and always need approval.
pub(crate) const INSTALL: &str = "agentport__install_integration";
pub(crate) const UNINSTALL: &str = "agentport__uninstall_integration";

/// Types of integrations that can be filtered for.
pub(crate) const TYPES: [&str; 6] =
    ["remote_mcp", "custom", "local_mcp", "http_api", "mail", "builtin"];

/// AgentPort's own tools, in the order of the list.
pub(crate) fn tools() -> Vec<Tool> {
    TOOLS.clone()
}

/// One of AgentPort's own tools by its full name.
pub(crate) fn definition(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// A tool that changes what is installed, as a tool of the integration concerned.
pub(crate) fn managed_tool(integration: &IntegrationId, name: &str) -> Option<Arc<PublishedTool>> {
    let tool = definition(name)?.clone();
    Some(Arc::new(PublishedTool::new(integration.clone(), tool)))
}

/// A result with the same JSON as text and structured. Arrays are put into `items`: structured content is an object.
pub(crate) fn json_result(value: Value) -> CallToolResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(value.to_string())]);
    result.structured_content = Some(match value {
        Value::Array(items) => json!({ "items": items }),
        other => other,
    });
    result
}

static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let id = || text("Id of the integration, such as those the lists show");
    vec![
        reads(
            "list_available_integrations",
            "Lists integrations that can be installed.",
            schema(
                &[],
                vec![
                    (
                        "type",
                        json!({ "type": "string", "enum": TYPES, "description": "Only integrations of this type" }),
                    ),
                    ("query", text("Words that must all occur in the id, name or description")),
                ],
            ),
        ),
        reads(
            "get_integration",
            "Returns one integration that can be installed or is.",
            schema(&["integration_id"], vec![("integration_id", id())]),
        ),
        reads(
            "list_installed_integrations",
            "Lists the installed integrations you can use, with their state and how many tools may run, ask or are blocked.",
            schema(&[], vec![]),
        ),
        acts(
            "install_integration",
            "Asks the owner to install an integration. Needs approval. Do not pass a token you were not given for this: the owner can enter it in AgentPort.",
            schema(
                &["integration_id", "auth_method"],
                vec![
                    ("integration_id", id()),
                    (
                        "auth_method",
                        json!({ "type": "string", "enum": ["token", "oauth", "none"], "description": "How the integration is let in" }),
                    ),
                    (
                        "token",
                        json!({ "type": "string", "format": "password", "description": "The credential, for auth_method 'token'. Better left out: the owner can enter it" }),
                    ),
                ],
            ),
            false,
        )
        .with_title("Install an integration"),
        acts(
            "uninstall_integration",
            "Asks the owner to remove an integration with its credentials and rules. Needs approval.",
            schema(&["integration_id"], vec![("integration_id", id())]),
            true,
        )
        .with_title("Remove an integration"),
        reads(
            "get_auth_status",
            "Says whether an installed integration is connected.",
            schema(&["integration_id"], vec![("integration_id", id())]),
        ),
        acts(
            "start_oauth_flow",
            "Starts signing in to an integration that uses OAuth; the owner finishes it in the browser.",
            schema(&["integration_id"], vec![("integration_id", id())]),
            false,
        ),
        reads(
            "list_integration_tools",
            "With integration_id: that integration's tools in full, each with approval_mode. Without: all tools by name, without schemas; narrow them with query.",
            schema(
                &[],
                vec![
                    ("integration_id", id()),
                    ("query", text("Words that must all occur; the best match comes first")),
                ],
            ),
        ),
        reads(
            "describe_tool",
            "Returns a tool's schema and what a call to it gets: allow, require_approval or deny.",
            schema(
                &["integration_id", "tool_name"],
                vec![
                    ("integration_id", id()),
                    ("tool_name", text("The tool's own name, without the integration")),
                ],
            ),
        ),
        acts(
            "call_tool",
            "Calls a tool of an integration. Runs at once, or needs the owner's approval (then share the URL and call agentport__await_approval at once), or is blocked. Always say in additional_info what you want and why, with names instead of bare ids.",
            schema(
                &["integration_id", "tool_name", "arguments"],
                vec![
                    ("integration_id", id()),
                    ("tool_name", text("The tool's own name, without the integration")),
                    (
                        "arguments",
                        json!({ "type": "object", "description": "The tool's arguments, as its schema says", "additionalProperties": true }),
                    ),
                    (
                        "additional_info",
                        text(
                            "For the owner: what you are doing and why. Not sent to the integration",
                        ),
                    ),
                ],
            ),
            true,
        ),
        acts(
            "await_approval",
            "Waits for the owner's decision about a request and returns the tool's result, the denial, or 'Still pending' (then call it again). Call it at once after a call that needs approval.",
            schema(
                &["request_id"],
                vec![(
                    "request_id",
                    json!({ "type": "string", "format": "uuid", "description": "The UUID that came with the request for approval" }),
                )],
            ),
            false,
        ),
        reads(
            "whoami",
            "Says who you are to AgentPort, what you may use, and how each of your integrations is doing.",
            schema(
                &[],
                vec![(
                    "detail",
                    json!({ "type": "string", "enum": ["brief", "full"], "description": "How much to say; brief unless told" }),
                )],
            ),
        ),
    ]
});

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn schema(required: &[&str], properties: Vec<(&str, Value)>) -> JsonObject {
    let properties: JsonObject =
        properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let mut schema = JsonObject::new();
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), properties.into());
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema
}

fn reads(name: &str, description: &'static str, schema: JsonObject) -> Tool {
    Tool::new(format!("{PREFIX}{name}"), description, schema)
        .with_annotations(ToolAnnotations::new().read_only(true).open_world(false))
}

fn acts(name: &str, description: &'static str, schema: JsonObject, destructive: bool) -> Tool {
    Tool::new(format!("{PREFIX}{name}"), description, schema)
        .with_annotations(ToolAnnotations::new().read_only(false).destructive(destructive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_tools_with_the_agreed_fields() {
        let fields: Vec<(String, Vec<String>)> = tools()
            .iter()
            .map(|tool| {
                let properties = tool.input_schema["properties"].as_object().unwrap();
                (tool.name.to_string(), properties.keys().cloned().collect())
            })
            .collect();
        let want: &[(&str, &[&str])] = &[
            ("agentport__list_available_integrations", &["type", "query"]),
            ("agentport__get_integration", &["integration_id"]),
            ("agentport__list_installed_integrations", &[]),
            ("agentport__install_integration", &["integration_id", "auth_method", "token"]),
            ("agentport__uninstall_integration", &["integration_id"]),
            ("agentport__get_auth_status", &["integration_id"]),
            ("agentport__start_oauth_flow", &["integration_id"]),
            ("agentport__list_integration_tools", &["integration_id", "query"]),
            ("agentport__describe_tool", &["integration_id", "tool_name"]),
            (
                "agentport__call_tool",
                &["integration_id", "tool_name", "arguments", "additional_info"],
            ),
            ("agentport__await_approval", &["request_id"]),
            ("agentport__whoami", &["detail"]),
        ];
        let want: Vec<(String, Vec<String>)> = want
            .iter()
            .map(|(name, fields)| {
                ((*name).to_owned(), fields.iter().map(|f| (*f).to_owned()).collect())
            })
            .collect();
        assert_eq!(fields, want);
    }
}
