//! Normalises an upstream's tool definition so that every client can read it.
//!
//! Clients built on the official SDKs check a whole `tools/list` at once (`ToolSchema` of the TypeScript SDK, `Tool` of
//! the Python SDK): one tool they cannot read costs them all tools. Where the meaning is plain the definition is mended,
//! else the tool is left out, and only it. The mended form is what is published, judged and digested.

use rmcp::model::Tool;
use serde_json::{Map, Value, json};

use super::compile;

/// Why a tool is left out, as a text for the owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnusableTool {
    #[error("it is not an object")]
    NotAnObject,
    #[error("its name is missing or no text")]
    NoName,
    #[error("its {0} is missing or no object")]
    NoObject(&'static str),
    #[error("its inputSchema is not a schema of an object")]
    NotForObjects,
    #[error("\"properties\" of its inputSchema is not an object of schemas")]
    BadProperties,
    #[error("\"required\" of its inputSchema is not a list of names")]
    BadRequired,
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// Reads one entry of a tool list.
pub(crate) fn publishable(entry: Value) -> Result<Tool, UnusableTool> {
    let Value::Object(mut tool) = entry else { return Err(UnusableTool::NotAnObject) };
    tool.retain(|_, value| !value.is_null());
    if tool.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(UnusableTool::NoName);
    }
    match tool.get_mut("annotations") {
        None => {}
        Some(Value::Object(annotations)) => annotations.retain(|_, value| !value.is_null()),
        Some(_) => return Err(UnusableTool::NoObject("annotations")),
    }
    match tool.get_mut("inputSchema") {
        Some(Value::Object(schema)) => mend_object_schema(schema)?,
        _ => return Err(UnusableTool::NoObject("inputSchema")),
    }
    if let Some(schema) = tool.remove("outputSchema")
        && let Some(schema) = usable_output_schema(schema)
    {
        tool.insert("outputSchema".to_owned(), schema);
    }
    serde_json::from_value(Value::Object(tool))
        .map_err(|error| UnusableTool::Unreadable(error.to_string()))
}

/// Clients need `type: "object"`, an object of schemas as `properties`, and a list of names as `required`.
fn mend_object_schema(schema: &mut Map<String, Value>) -> Result<(), UnusableTool> {
    let for_objects = match schema.get("type") {
        None | Some(Value::Null) => true,
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        Some(_) => false,
    };
    if !for_objects {
        return Err(UnusableTool::NotForObjects);
    }
    schema.insert("type".to_owned(), json!("object"));
    mend_properties(schema)?;
    match schema.get("required") {
        None => {}
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {}
        // PHP writes an empty list as an object, and an absent one as null.
        Some(Value::Object(none)) if none.is_empty() => drop(schema.remove("required")),
        Some(Value::Null) => drop(schema.remove("required")),
        Some(_) => return Err(UnusableTool::BadRequired),
    }
    Ok(())
}

fn mend_properties(schema: &mut Map<String, Value>) -> Result<(), UnusableTool> {
    match schema.get_mut("properties") {
        None => return Ok(()),
        Some(Value::Null) => {
            schema.remove("properties");
            return Ok(());
        }
        // PHP writes an empty object as a list.
        Some(properties) if *properties == json!([]) => *properties = json!({}),
        Some(_) => {}
    }
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return Err(UnusableTool::BadProperties);
    };
    for property in properties.values_mut() {
        match property {
            Value::Object(_) => {}
            // Both allow anything.
            Value::Null | Value::Bool(true) => *property = json!({}),
            Value::Bool(false) => *property = json!({ "not": {} }),
            Value::Array(none) if none.is_empty() => *property = json!({}),
            _ => return Err(UnusableTool::BadProperties),
        }
    }
    Ok(())
}

/// The schema, if clients can compile it; they refuse the whole list otherwise. Structured results pass without one.
fn usable_output_schema(schema: Value) -> Option<Value> {
    let Value::Object(mut schema) = schema else { return None };
    mend_object_schema(&mut schema).ok()?;
    let schema = Value::Object(schema);
    compile(&schema).is_ok().then_some(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(input: Value) -> Value {
        json!({ "name": "t", "inputSchema": input })
    }

    /// The published form of `entry` as JSON, or why it is left out.
    fn published(entry: Value) -> Result<Value, String> {
        publishable(entry)
            .map(|tool| serde_json::to_value(tool).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_plainly_meant_is_mended() {
        for (given, want) in [
            (json!({}), json!({"type": "object"})),
            (json!({"type": ["object", "null"]}), json!({"type": "object"})),
            (
                json!({"type": null, "properties": null, "required": null}),
                json!({"type": "object"}),
            ),
            (json!({"properties": []}), json!({"type": "object", "properties": {}})),
            (
                json!({"type": "object", "properties": {"a": true, "b": false, "c": []}}),
                json!({"type": "object", "properties": {"a": {}, "b": {"not": {}}, "c": {}}}),
            ),
            (json!({"type": "object", "required": {}}), json!({"type": "object"})),
            (
                json!({"type": "object", "required": ["a"], "x": null}),
                json!({"type": "object", "required": ["a"], "x": null}),
            ),
        ] {
            assert_eq!(published(tool(given.clone())).unwrap()["inputSchema"], want, "{given}");
        }
    }

    #[test]
    fn nulls_are_left_out() {
        let entry = json!({
            "name": "t", "title": null, "description": null, "inputSchema": {"type": "object"},
            "outputSchema": null, "icons": null, "_meta": null,
            "annotations": {"title": null, "readOnlyHint": true, "destructiveHint": null},
        });
        let want = json!({
            "name": "t", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true},
        });
        assert_eq!(published(entry), Ok(want));
    }

    #[test]
    fn an_output_schema_that_cannot_be_compiled_is_left_out() {
        let with = |schema: Value| {
            let mut entry = tool(json!({"type": "object"}));
            entry["outputSchema"] = schema;
            published(entry).unwrap().get("outputSchema").cloned()
        };
        let reference =
            |target: &str| json!({"type": "object", "properties": {"a": {"$ref": target}}});
        for unusable in [
            reference("#/$defs/Missing"),
            reference("https://example.test/schema"),
            json!({"type": "string"}),
            json!({"type": "object", "properties": {"a": {"type": "strnig"}}}),
            json!({"type": "object", "required": "a"}),
            json!(true),
            json!([]),
        ] {
            assert_eq!(with(unusable.clone()), None, "{unusable}");
        }
        let mut whole = reference("#/$defs/There");
        whole["$defs"] = json!({"There": {"type": "string"}});
        assert_eq!(with(whole.clone()), Some(whole));
        let open = json!({"properties": {"a": {"type": "string"}}});
        assert_eq!(with(open).unwrap()["type"], "object");
    }

    #[test]
    fn a_tool_nobody_can_read_is_left_out_with_its_reason() {
        let schema = || json!({"type": "object"});
        for (entry, want) in [
            (json!("t"), "it is not an object"),
            (json!({"inputSchema": schema()}), "its name is missing or no text"),
            (json!({"name": null, "inputSchema": schema()}), "its name is missing or no text"),
            (json!({"name": 7, "inputSchema": schema()}), "its name is missing or no text"),
            (json!({"name": "", "inputSchema": schema()}), "its name is missing or no text"),
            (json!({"name": "t"}), "its inputSchema is missing or no object"),
            (tool(json!(null)), "its inputSchema is missing or no object"),
            (tool(json!(true)), "its inputSchema is missing or no object"),
            (tool(json!([])), "its inputSchema is missing or no object"),
            (tool(json!({"type": "string"})), "its inputSchema is not a schema of an object"),
            (tool(json!({"properties": ["a"]})), "\"properties\" of its inputSchema"),
            (tool(json!({"properties": {"a": "string"}})), "\"properties\" of its inputSchema"),
            (tool(json!({"required": [1]})), "\"required\" of its inputSchema"),
            (tool(json!({"required": true})), "\"required\" of its inputSchema"),
            (
                json!({"name": "t", "inputSchema": schema(), "annotations": []}),
                "its annotations is missing or no object",
            ),
            (
                json!({"name": "t", "inputSchema": schema(), "annotations": {"readOnlyHint": "yes"}}),
                "it cannot be read",
            ),
            (json!({"name": "t", "inputSchema": schema(), "description": 7}), "it cannot be read"),
        ] {
            let said = published(entry.clone()).expect_err(&entry.to_string());
            assert!(said.starts_with(want), "{entry}: {said}");
        }
    }
}
