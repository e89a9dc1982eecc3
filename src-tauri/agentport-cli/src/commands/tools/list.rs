//! Lists tools, and describes one.

use agentport_api::paths;
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    client::{AgentClient, rest},
    context::Context,
    exit::ExitStatus,
    output,
};

/// A tool as `/api/tools` lists it; other fields are shown by `describe` only.
#[derive(Deserialize)]
struct ListedTool {
    name: String,
    #[serde(default)]
    integration_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    execution_mode: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default, rename = "inputSchema")]
    input_schema: Option<Value>,
}

pub(super) async fn list(
    agent: &AgentClient,
    context: &Context,
    integration: Option<&str>,
) -> Result<ExitStatus> {
    #[derive(Serialize)]
    struct ToolLine {
        integration: String,
        tool_name: String,
        description: Option<String>,
        mode: Option<String>,
    }
    let path = match integration {
        Some(id) => paths::fill(rest::INTEGRATION_TOOLS, id),
        None => rest::TOOLS.to_owned(),
    };
    let answer = agent.get(&path).await?;
    let rows = answer.items::<ListedTool>()?.into_iter().map(|tool| ToolLine {
        integration: tool.integration_id.or(integration.map(str::to_owned)).unwrap_or_default(),
        tool_name: tool.name,
        description: tool.description,
        mode: tool.execution_mode,
    });
    let rows: Vec<ToolLine> = rows.collect();
    context.output.own(&rows, || {
        let cells = rows.iter().map(|row| {
            [
                row.integration.clone(),
                output::name(&row.tool_name, 80),
                row.mode.clone().unwrap_or_default(),
                output::cut(row.description.as_deref().unwrap_or_default(), 80),
            ]
        });
        output::table(
            ["INTEGRATION", "TOOL", "MODE", "ABOUT"],
            cells.collect(),
            "There are no tools.",
        )
    })?;
    Ok(ExitStatus::Done)
}

pub(super) async fn describe(
    agent: &AgentClient,
    context: &Context,
    integration: &str,
    name: &str,
) -> Result<ExitStatus> {
    let path = paths::fill(rest::INTEGRATION_TOOLS, integration);
    let tools = agent.get(&path).await?.items::<Box<RawValue>>()?;
    for raw in tools {
        let tool: ListedTool =
            serde_json::from_str(raw.get()).context("the gateway listed a tool without a name")?;
        if tool.name == name {
            context.output.own(&raw, || in_words(integration, &tool))?;
            return Ok(ExitStatus::Done);
        }
    }
    bail!(
        "{integration} has no tool {name:?}; `agentport tools list --integration {integration}` lists them"
    )
}

fn in_words(integration: &str, tool: &ListedTool) -> String {
    let mut text = output::fields(&[
        ("Integration", integration.to_owned()),
        ("Tool", tool.name.clone()),
        ("About", tool.description.clone().unwrap_or_default()),
        ("Mode", tool.execution_mode.clone().unwrap_or_default()),
        ("Category", tool.category.clone().unwrap_or_default()),
    ]);
    let schema = tool.input_schema.as_ref();
    let required: Vec<&str> = schema
        .and_then(|schema| schema["required"].as_array())
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let none = Map::new();
    let properties = schema.and_then(|schema| schema["properties"].as_object()).unwrap_or(&none);
    let rows = properties.iter().map(|(name, property)| {
        let kind = match &property["type"] {
            Value::String(kind) => kind.clone(),
            Value::Null => "any".into(),
            several => several.to_string(),
        };
        let needed = if required.contains(&name.as_str()) { "required" } else { "" };
        let about = property["description"].as_str().unwrap_or_default();
        [name.clone(), kind, needed.into(), output::cut(about, 90)]
    });
    text.push_str("\n\n");
    text.push_str(&output::table(
        ["PARAMETER", "TYPE", "", "ABOUT"],
        rows.collect(),
        "It takes no parameters.",
    ));
    text
}
