//! A tool as its upstream defines it, and the digest by which a definition is told from a changed one.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use ts_rs::TS;

/// SHA-256 over the RFC 8785 form of a tool definition's name, title, description, input schema, output schema and
/// annotations, where lists that are sets are in one order. In text: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, TS)]
#[ts(as = "String")]
pub struct DefinitionDigest(pub [u8; 32]);

/// The hints a tool gives about itself (MCP 2025-11-25, `ToolAnnotations`). Hints only: they come from the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Annotations {
    /// Changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// May destroy, and not only add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// Called again with the same arguments does nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// Reaches beyond a closed set of things, as a web search does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}

impl Annotations {
    /// Says of itself that it changes nothing.
    pub fn read_only(self) -> bool {
        self.read_only_hint == Some(true)
    }

    /// May destroy. A tool that says nothing may (the default of the MCP schema), one that only reads may not.
    pub fn destructive(self) -> bool {
        self.effect().may_destroy()
    }

    /// What the hints say that a call does.
    pub fn effect(self) -> ToolEffect {
        match self.destructive_hint {
            _ if self.read_only() => ToolEffect::Reads,
            Some(false) => ToolEffect::Changes,
            Some(true) => ToolEffect::Destroys,
            None => ToolEffect::Undeclared,
        }
    }
}

/// What a call of a tool does, from harmless to harmful: as its hints say ([`Annotations::effect`]), or as the owner
/// classified this definition of it. Only the owner's word may be other than the hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ToolEffect {
    /// It changes nothing.
    Reads,
    /// It adds or changes, and destroys nothing.
    Changes,
    /// No hint says whether it destroys. It is treated as if it does (the default of the MCP schema).
    Undeclared,
    /// It deletes or overwrites.
    Destroys,
}

impl ToolEffect {
    /// Those the owner can choose from.
    pub const CLASSES: [Self; 3] = [Self::Reads, Self::Changes, Self::Destroys];

    /// Does it count as destructive?
    pub fn may_destroy(self) -> bool {
        matches!(self, Self::Undeclared | Self::Destroys)
    }

    /// The word used on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Changes => "changes",
            Self::Undeclared => "undeclared",
            Self::Destroys => "destroys",
        }
    }

    /// The class of this word that the owner can choose.
    pub fn parse_class(text: &str) -> Option<Self> {
        Self::CLASSES.into_iter().find(|effect| effect.as_str() == text)
    }

    /// The category of tools with this effect that no list puts in another one.
    pub fn category(self) -> &'static str {
        match self {
            Self::Reads => "Reads",
            Self::Changes => "Changes",
            Self::Undeclared => "Doesn't say",
            Self::Destroys => "Destroys",
        }
    }
}

/// The parts of a definition that the owner judged. Changing any of them makes another digest.
#[derive(Debug, Clone, Copy)]
pub struct Definition<'a> {
    /// As the upstream gives it.
    pub name: &'a str,
    /// What people call it.
    pub title: Option<&'a str>,
    /// What the agent is told it does.
    pub description: Option<&'a str>,
    /// JSON Schema of the arguments.
    pub input_schema: &'a Value,
    /// JSON Schema of the structured result.
    pub output_schema: Option<&'a Value>,
    /// The hints as sent, fields we do not know included.
    pub annotations: Option<&'a Value>,
}

impl Definition<'_> {
    /// Hash of the RFC 8785 form of those parts that are there. The order of keys plays no part, and neither does that of
    /// lists which JSON Schema defines as sets (`required`, `enum`, `type`, `dependentRequired`); absent differs from
    /// empty.
    pub fn digest(&self) -> DefinitionDigest {
        let mut parts = serde_json::Map::new();
        parts.insert("name".into(), self.name.into());
        if let Some(title) = self.title {
            parts.insert("title".into(), title.into());
        }
        if let Some(description) = self.description {
            parts.insert("description".into(), description.into());
        }
        parts.insert("inputSchema".into(), with_sorted_sets(self.input_schema));
        if let Some(schema) = self.output_schema {
            parts.insert("outputSchema".into(), with_sorted_sets(schema));
        }
        if let Some(annotations) = self.annotations {
            parts.insert("annotations".into(), annotations.clone());
        }
        // The canonical writer fails only on keys that are no strings, which JSON values cannot have.
        let canonical = serde_json_canonicalizer::to_vec(&Value::Object(parts)).unwrap_or_default();
        DefinitionDigest(Sha256::digest(&canonical).into())
    }
}

/// The schema with the lists that are sets in one order (JSON Schema 2020-12, Validation, sections 6.1.1, 6.1.2, 6.5.3 and
/// 6.5.4). Values that are data, such as `default`, stay as they are.
fn with_sorted_sets(schema: &Value) -> Value {
    match schema {
        Value::Object(keywords) => {
            let sorted = keywords.iter().map(|(name, value)| (name.clone(), keyword(name, value)));
            Value::Object(sorted.collect())
        }
        Value::Array(schemas) => schemas.iter().map(with_sorted_sets).collect(),
        other => other.clone(),
    }
}

fn keyword(name: &str, value: &Value) -> Value {
    let by_name = |inner: fn(&Value) -> Value| match value {
        Value::Object(named) => {
            let named = named.iter().map(|(name, value)| (name.clone(), inner(value)));
            Value::Object(named.collect())
        }
        other => with_sorted_sets(other),
    };
    match name {
        "required" | "enum" | "type" if value.is_array() => sorted_set(value),
        "dependentRequired" => by_name(sorted_set),
        // Their keys are names, and a property may be called `required`.
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            by_name(with_sorted_sets)
        }
        "default" | "const" | "examples" => value.clone(),
        _ => with_sorted_sets(value),
    }
}

fn sorted_set(value: &Value) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    let mut items = items.clone();
    items.sort_by_cached_key(|item| serde_json_canonicalizer::to_vec(item).unwrap_or_default());
    items.dedup();
    Value::Array(items)
}

impl fmt::Display for DefinitionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DefinitionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DefinitionDigest({self})")
    }
}

impl std::str::FromStr for DefinitionDigest {
    type Err = InvalidDigest;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        parse_hex(s).map(Self).ok_or(InvalidDigest)
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits")]
pub struct InvalidDigest;

pub(crate) fn parse_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

macro_rules! hex_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use hex_serde;
hex_serde!(DefinitionDigest);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digest_ignores_order_and_sees_every_part() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {}}});
        let same = json!({"properties": {"b": {}, "a": {"type": "string"}}, "type": "object"});
        let annotations = json!({"readOnlyHint": true});
        let base = Definition {
            name: "t",
            title: Some("T"),
            description: Some("d"),
            input_schema: &schema,
            output_schema: None,
            annotations: Some(&annotations),
        };
        assert_eq!(base.digest(), Definition { input_schema: &same, ..base }.digest());
        let other = json!({});
        for changed in [
            Definition { name: "u", ..base },
            Definition { title: None, ..base },
            Definition { description: Some("D"), ..base },
            Definition { input_schema: &other, ..base },
            Definition { output_schema: Some(&other), ..base },
            Definition { annotations: None, ..base },
        ] {
            assert_ne!(changed.digest(), base.digest(), "{changed:?}");
        }
        assert_eq!(base.digest().to_string().parse(), Ok(base.digest()));
    }

    #[test]
    fn sets_are_compared_as_sets_and_data_as_data() {
        let digest = |schema: Value| {
            let definition = Definition {
                name: "t",
                title: None,
                description: None,
                input_schema: &schema,
                output_schema: Some(&schema),
                annotations: None,
            };
            definition.digest()
        };
        let nested = |inner: Value| json!({"properties": {"a": {"anyOf": [{"items": inner}]}}});
        for (one, other, same) in [
            (json!({"required": ["a", "b"]}), json!({"required": ["b", "a"]}), true),
            (json!({"required": ["a", "b", "a"]}), json!({"required": ["b", "a"]}), true),
            (json!({"required": ["a"]}), json!({"required": ["a", "b"]}), false),
            (json!({"required": []}), json!({}), false),
            (
                nested(json!({"enum": [1, "x", null]})),
                nested(json!({"enum": [null, 1, "x"]})),
                true,
            ),
            (
                nested(json!({"type": ["string", "null"]})),
                nested(json!({"type": ["null", "string"]})),
                true,
            ),
            (json!({"type": "string"}), json!({"type": ["string"]}), false),
            (
                json!({"dependentRequired": {"a": ["b", "c"]}}),
                json!({"dependentRequired": {"a": ["c", "b"]}}),
                true,
            ),
            // The order of other lists counts, and so does that of data.
            (json!({"prefixItems": [{}, true]}), json!({"prefixItems": [true, {}]}), false),
            (json!({"default": ["a", "b"]}), json!({"default": ["b", "a"]}), false),
            (json!({"default": {"enum": [1, 2]}}), json!({"default": {"enum": [2, 1]}}), false),
            (json!({"enum": [[1, 2]]}), json!({"enum": [[2, 1]]}), false),
            // Properties may be called like keywords.
            (
                json!({"properties": {"required": {"enum": [1, 2]}, "default": {"enum": [1, 2]}}}),
                json!({"properties": {"required": {"enum": [2, 1]}, "default": {"enum": [2, 1]}}}),
                true,
            ),
        ] {
            assert_eq!(digest(one.clone()) == digest(other.clone()), same, "{one} {other}");
        }
    }

    #[test]
    fn silence_counts_as_destructive() {
        let of = |read_only_hint, destructive_hint| Annotations {
            read_only_hint,
            destructive_hint,
            ..Annotations::default()
        };
        assert!(of(None, None).destructive());
        assert!(!of(None, Some(false)).destructive());
        assert!(of(Some(false), None).destructive());
        assert!(!of(Some(true), None).destructive());
        assert!(!of(Some(true), Some(true)).destructive());
    }

    #[test]
    fn an_effect_is_what_the_hints_say_and_silence_is_one_of_its_own() {
        use ToolEffect::{Changes, Destroys, Reads, Undeclared};
        for (read_only_hint, destructive_hint, effect, category) in [
            (Some(true), None, Reads, "Reads"),
            (Some(true), Some(true), Reads, "Reads"),
            (Some(false), Some(false), Changes, "Changes"),
            (None, Some(false), Changes, "Changes"),
            (None, Some(true), Destroys, "Destroys"),
            (Some(false), Some(true), Destroys, "Destroys"),
            (Some(false), None, Undeclared, "Doesn't say"),
            (None, None, Undeclared, "Doesn't say"),
        ] {
            let hints = Annotations { read_only_hint, destructive_hint, ..Annotations::default() };
            assert_eq!(hints.effect(), effect, "{hints:?}");
            assert_eq!(effect.category(), category);
            assert_eq!(effect.may_destroy(), matches!(effect, Destroys | Undeclared));
        }
        assert_eq!(ToolEffect::parse_class("changes"), Some(Changes));
        assert_eq!(ToolEffect::parse_class("undeclared"), None, "the owner always says something");
    }
}
