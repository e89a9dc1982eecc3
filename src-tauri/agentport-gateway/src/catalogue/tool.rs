//! One published tool: its definition, digest, compiled schema and search text.

use std::sync::OnceLock;

use agentport_core::{
    IntegrationId, policy,
    tool::{Annotations, DefinitionDigest, ToolEffect},
};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::Value;

use crate::{tool_schema, upstream::definition_digest};

/// A tool as agents and policy see it.
#[derive(Debug)]
pub(crate) struct PublishedTool {
    pub(crate) integration: IntegrationId,
    pub(crate) tool: Tool,
    pub(crate) digest: DefinitionDigest,
    pub(crate) annotations: Annotations,
    /// What it does: the owner's classification of this definition, or else what the annotations say.
    pub(crate) effect: ToolEffect,
    /// The owner classified this tool, in this definition or an earlier one.
    pub(crate) classification: Option<ToolClassification>,
    /// Every tool has one ([`available`]).
    pub(crate) category: &'static str,
    /// Some of its parameters travel in headers as well (`x-mcp-header`, MCP 2026-07-28).
    pub(crate) header_params: bool,
    /// Lower-cased once, for search.
    pub(crate) name_lower: String,
    pub(crate) description_lower: String,
    validator: OnceLock<Option<jsonschema::Validator>>,
    /// Whether the schema compiles. The validator itself is not kept, since most tools are only listed.
    unchecked: OnceLock<bool>,
}

/// The owner's word on what a tool does. It holds for one definition: a changed tool is what it says of itself again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToolClassification {
    pub(crate) effect: ToolEffect,
    /// The definition the owner had in view.
    pub(crate) digest: DefinitionDigest,
}

/// Why the arguments of a call do not match the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", if field.is_empty() { "arguments" } else { field })]
pub(crate) struct InvalidArguments {
    /// JSON pointer to the field, without the leading slash; empty for the arguments as a whole.
    pub(crate) field: String,
    pub(crate) message: String,
}

impl PublishedTool {
    pub(crate) fn new(integration: IntegrationId, tool: Tool) -> Self {
        let digest = definition_digest(&tool);
        let annotations = tool.annotations.as_ref().map(annotations_of).unwrap_or_default();
        Self {
            name_lower: tool.name.to_lowercase(),
            description_lower: tool.description.as_deref().unwrap_or_default().to_lowercase(),
            integration,
            digest,
            annotations,
            effect: annotations.effect(),
            classification: None,
            category: annotations.effect().category(),
            header_params: serde_json::to_string(&tool.input_schema)
                .is_ok_and(|schema| schema.contains("\"x-mcp-header\"")),
            tool,
            validator: OnceLock::new(),
            unchecked: OnceLock::new(),
        }
    }

    /// Takes over what the owner said of it, as far as that was said of this definition. Comes before
    /// [`Self::in_category`].
    pub(crate) fn classified(self, classification: Option<ToolClassification>) -> Self {
        let current = classification.filter(|said| said.digest == self.digest);
        let effect = current.map_or(self.effect, |said| said.effect);
        Self { effect, category: effect.category(), classification, ..self }
    }

    /// The owner classified this very definition.
    pub(crate) fn is_classified(&self) -> bool {
        self.classification.is_some_and(|said| said.digest == self.digest)
    }

    /// Replaces the category of its effect, if another is given.
    pub(crate) fn in_category(self, category: Option<&'static str>) -> Self {
        Self { category: category.unwrap_or(self.category), ..self }
    }

    pub(crate) fn name(&self) -> &str {
        &self.tool.name
    }

    /// Is it one of AgentPort's tools that change what is installed? Upstream tools cannot have these names.
    pub(crate) fn manages(&self) -> bool {
        self.name().starts_with(super::managed_tools::PREFIX)
    }

    /// Its title, from either place a definition may carry one.
    pub(crate) fn title(&self) -> Option<&str> {
        let annotated = self.tool.annotations.as_ref().and_then(|a| a.title.as_deref());
        self.tool.title.as_deref().or(annotated)
    }

    /// Checks arguments against the tool's input schema (JSON Schema 2020-12 unless it says otherwise).
    ///
    /// Never fetches anything a schema refers to: the library is built without that. A schema that can't be compiled
    /// checks nothing (see [`Self::unchecked`]); the upstream has the last word about its own arguments.
    pub(crate) fn validate(&self, arguments: &Value) -> Result<(), InvalidArguments> {
        let Some(validator) = self.validator.get_or_init(|| self.compile()) else {
            return Ok(());
        };
        match validator.validate(arguments) {
            Ok(()) => Ok(()),
            Err(error) => {
                let field = error.instance_path().to_string();
                Err(InvalidArguments {
                    field: field.trim_start_matches('/').to_owned(),
                    message: agentport_core::sanitize::sanitize_line(&error.to_string(), 300),
                })
            }
        }
    }

    /// Are its arguments not checked? That is so if the schema is invalid, too large, or uses unsupported features: external
    /// references, and patterns with look-around or back-references, whose time is unbounded.
    ///
    /// The first time, the schema is compiled: some milliseconds at worst.
    pub(crate) fn unchecked(&self) -> bool {
        match self.validator.get() {
            Some(validator) => validator.is_none(),
            None => *self.unchecked.get_or_init(|| self.compile().is_none()),
        }
    }

    fn compile(&self) -> Option<jsonschema::Validator> {
        tool_schema::compile(&self.input_schema())
            .inspect_err(|error| {
                tracing::warn!(integration = %self.integration, tool = ?self.name(), %error, "arguments are not checked");
            })
            .ok()
    }

    /// Does the tool's own schema have a property of this name?
    pub(crate) fn has_property(&self, name: &str) -> bool {
        self.tool
            .input_schema
            .get("properties")
            .and_then(Value::as_object)
            .is_some_and(|properties| properties.contains_key(name))
    }

    /// The call as policy sees it.
    pub(crate) fn policy_call<'a>(
        &'a self,
        agent: agentport_core::AgentId,
        arguments: Option<&'a agentport_core::arguments::ArgumentsHash>,
        now: agentport_core::Timestamp,
    ) -> policy::Call<'a> {
        policy::Call {
            agent,
            integration: &self.integration,
            tool: self.name(),
            category: Some(self.category),
            effect: self.effect,
            digest: self.digest,
            arguments,
            now,
        }
    }

    /// The definition as JSON, as kept by digest.
    pub(crate) fn definition_json(&self) -> String {
        serde_json::to_string(&self.tool).unwrap_or_default()
    }

    pub(crate) fn input_schema(&self) -> Value {
        Value::Object(JsonObject::clone(&self.tool.input_schema))
    }
}

fn annotations_of(annotations: &ToolAnnotations) -> Annotations {
    Annotations {
        read_only_hint: annotations.read_only_hint,
        destructive_hint: annotations.destructive_hint,
        idempotent_hint: annotations.idempotent_hint,
        open_world_hint: annotations.open_world_hint,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(schema: &Value) -> PublishedTool {
        let schema = schema.as_object().cloned().unwrap_or_default();
        let tool = Tool::new("t".to_owned(), "a tool", schema);
        PublishedTool::new(IntegrationId::new("x").unwrap(), tool)
    }

    #[test]
    fn what_cannot_be_checked_is_said_to_be_unchecked() {
        let pattern = |pattern: &str| json!({"properties": {"a": {"pattern": pattern}}});
        for (schema, unchecked) in [
            (json!({"type": "object"}), false),
            (pattern("^[a-z]{1,64}$"), false),
            (pattern("^[\\w\\d-]+$"), false),
            (json!({"type": 7}), true),
            (json!({"$ref": "https://example.test/schema"}), true),
            (json!({"description": "x".repeat(tool_schema::MAX_SCHEMA_BYTES)}), true),
            (json!({"properties": {"a": (0..70).fold(json!({}), |s, _| json!({"not": s}))}}), true),
            // These may take for ever, in time or in space.
            (pattern("^(?=(a+)+$)b"), true),
            (pattern("^(a+)\\1+$"), true),
            (pattern("(a{1000}){1000}"), true),
        ] {
            let short = schema.to_string().chars().take(100).collect::<String>();
            let before = tool(&schema);
            assert_eq!(before.unchecked(), unchecked, "{short}");
            // Likewise once the validator is there, and whatever is unchecked passes.
            let after = tool(&schema);
            assert!(after.validate(&json!({})).is_ok());
            assert_eq!(after.unchecked(), unchecked, "{short}");
            assert!(!unchecked || after.validate(&json!({"a": 1})).is_ok());
        }
    }

    #[test]
    fn says_which_field_is_wrong() {
        let tool = tool(&json!({"properties": {"a": {"items": {"pattern": "^(a+)+$"}}}}));
        assert_eq!(tool.validate(&json!({"a": ["aaa"]})), Ok(()));
        let long = format!("{}b", "a".repeat(100_000));
        assert_eq!(tool.validate(&json!({"a": ["a", long]})).unwrap_err().field, "a/1");
    }
}
