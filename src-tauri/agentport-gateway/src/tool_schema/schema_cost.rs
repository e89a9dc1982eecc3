//! Bounds the cost of validating against a schema, computed before it is compiled.
//!
//! Upstreams write the schemas. One of a few lines can refer to itself twice, thirty levels deep, or go round in
//! circles, and then no argument is ever checked to the end.
//!
//! Deliberately absent: a bound for references that go on with the parts of an argument, as for trees. What they cost
//! depends on the depth of the argument too.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Levels of JSON.
const MAX_DEPTH: usize = 64;
/// Subschemas, as objects and booleans are counted.
const MAX_SUBSCHEMAS: usize = 2_000;
/// The same, with every reference counted as what it refers to.
const MAX_FOLLOWED: usize = 20_000;
/// Levels, likewise.
const MAX_HEIGHT: usize = 256;
/// Patterns. Each is bounded by itself.
const MAX_PATTERNS: usize = 100;

/// May `schema` be compiled?
pub(super) fn within_limits(schema: &Value) -> bool {
    let draft = schema.get("$schema").and_then(Value::as_str).unwrap_or_default();
    let mut count = CostCounter {
        id: if draft.contains("draft-04") { "id" } else { "$id" },
        elsewhere: false,
        subschemas: 0,
        patterns: 0,
    };
    if !count.add(schema, 0) || count.patterns > MAX_PATTERNS {
        return false;
    }
    let mut follow = Follow {
        root: (!count.elsewhere).then_some(schema),
        known: HashMap::new(),
        in_place: HashMap::new(),
    };
    let cost = follow.cost(schema, 0);
    cost.work <= MAX_FOLLOWED && cost.height <= MAX_HEIGHT
}

struct CostCounter {
    /// The keyword for a schema's own address in its draft.
    id: &'static str,
    /// Some part has an address or a draft of its own, so that `#/…` does not mean the same everywhere.
    elsewhere: bool,
    subschemas: usize,
    patterns: usize,
}

impl CostCounter {
    /// False as soon as it is too deep or too much.
    fn add(&mut self, value: &Value, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        match value {
            Value::Object(fields) => {
                let is_text = |name: &str| fields.get(name).is_some_and(Value::is_string);
                self.subschemas += 1;
                self.elsewhere |= depth > 0 && (is_text(self.id) || is_text("$schema"));
                self.patterns += usize::from(is_text("pattern"));
                if let Some(Value::Object(patterns)) = fields.get("patternProperties") {
                    self.patterns += patterns.len();
                }
                self.subschemas <= MAX_SUBSCHEMAS
                    && fields.values().all(|value| self.add(value, depth + 1))
            }
            Value::Array(items) => items.iter().all(|item| self.add(item, depth + 1)),
            Value::Bool(_) => {
                self.subschemas += 1;
                self.subschemas <= MAX_SUBSCHEMAS
            }
            _ => true,
        }
    }
}

/// What one value, with all that it contains and refers to, costs once.
#[derive(Debug, Clone, Copy, Default)]
struct ValueCost {
    work: usize,
    height: usize,
}

impl ValueCost {
    const TOO_MUCH: Self = Self { work: usize::MAX, height: usize::MAX };

    fn with(self, other: Self) -> Self {
        Self {
            work: self.work.saturating_add(other.work),
            height: self.height.max(other.height.saturating_add(1)),
        }
    }
}

/// Counts along references (JSON Schema 2020-12 Core, section 8.2.3).
struct Follow<'a> {
    /// `None`: references can't be followed.
    root: Option<&'a Value>,
    /// By address. What is still being counted costs nothing: a reference back into it goes on only as deep as the
    /// arguments do.
    known: HashMap<*const Value, ValueCost>,
    /// By address: is it known to lead back to itself with the same part of the argument, or still being looked at
    /// (`true`), or not?
    in_place: HashMap<*const Value, bool>,
}

impl<'a> Follow<'a> {
    fn cost(&mut self, value: &'a Value, depth: usize) -> ValueCost {
        if depth > MAX_HEIGHT {
            return ValueCost::TOO_MUCH;
        }
        match value {
            Value::Object(fields) => {
                let address = std::ptr::from_ref(value);
                if let Some(known) = self.known.get(&address) {
                    return *known;
                }
                self.known.insert(address, ValueCost::default());
                let mut cost = ValueCost { work: 1, height: 1 };
                if self.circles(value, depth) {
                    cost = ValueCost::TOO_MUCH;
                }
                for (name, value) in fields {
                    cost = cost.with(match reference(name, value) {
                        Some(target) => match self.target(target) {
                            Some(value) => self.cost(value, depth + 1),
                            None => ValueCost::TOO_MUCH,
                        },
                        None => self.cost(value, depth + 1),
                    });
                }
                self.known.insert(address, cost);
                cost
            }
            Value::Array(items) => items
                .iter()
                .fold(ValueCost::default(), |cost, item| cost.with(self.cost(item, depth + 1))),
            Value::Bool(_) => ValueCost { work: 1, height: 1 },
            _ => ValueCost::default(),
        }
    }

    /// Does it lead back to itself with the same part of the argument? That is against the specification (section
    /// 9.4.1), and some ways of doing it are never done with.
    fn circles(&mut self, value: &'a Value, depth: usize) -> bool {
        let Value::Object(fields) = value else { return false };
        if depth > MAX_HEIGHT {
            return true;
        }
        let address = std::ptr::from_ref(value);
        if let Some(known) = self.in_place.get(&address) {
            return *known;
        }
        self.in_place.insert(address, true);
        let targets = fields.iter().filter_map(|(name, value)| reference(name, value));
        let targets: Vec<&Value> = targets.filter_map(|target| self.target(target)).collect();
        let circles =
            applied_in_place(fields).chain(targets).any(|value| self.circles(value, depth + 1));
        self.in_place.insert(address, circles);
        circles
    }

    /// References that cannot be followed for certain count as too expensive.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let pointer = reference.strip_prefix('#').filter(|pointer| !pointer.contains('%'))?;
        self.root?.pointer(pointer)
    }
}

fn reference<'a>(name: &str, value: &'a Value) -> Option<&'a str> {
    ["$ref", "$dynamicRef", "$recursiveRef"].contains(&name).then(|| value.as_str()).flatten()
}

/// Subschemas for the same part of the argument (section 10.2).
fn applied_in_place(fields: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let one = ["not", "if", "then", "else"];
    let listed = ["allOf", "anyOf", "oneOf"];
    let named = ["dependentSchemas", "dependencies"];
    let one = one.into_iter().filter_map(|name| fields.get(name));
    let listed = listed.into_iter().filter_map(|name| fields.get(name)?.as_array()).flatten();
    let named = named.into_iter().filter_map(|name| fields.get(name)?.as_object());
    one.chain(listed).chain(named.flat_map(Map::values))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn many(number: usize, schema: &Value) -> Value {
        let properties = (0..number).map(|at| (format!("p{at}"), schema.clone()));
        json!({"type": "object", "properties": Value::Object(properties.collect())})
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!({"type": "string"}), |inner, _| json!({"items": inner}))
    }

    /// Each of `levels` definitions refers to the next one twice.
    fn doubling(levels: usize, refer: impl Fn(usize) -> String) -> Value {
        let mut definitions = serde_json::Map::new();
        for level in 0..levels {
            let next = json!({"$ref": refer(level + 1)});
            let both = json!({"$anchor": format!("d{level}"), "allOf": [next, next]});
            definitions.insert(format!("d{level}"), both);
        }
        definitions.insert(format!("d{levels}"), json!({"$anchor": format!("d{levels}")}));
        json!({"$defs": definitions, "$ref": refer(0)})
    }

    #[test]
    fn effort_is_bounded() {
        let pointer = |level: usize| format!("#/$defs/d{level}");
        let anchor = |level: usize| format!("#d{level}");
        let tree =
            json!({"properties": {"children": {"items": {"$ref": "#"}}, "next": {"$ref": "#"}}});
        let mut renamed = doubling(20, pointer);
        renamed["$defs"]["d0"]["$id"] = json!("https://example.test/d0");
        let mut old = doubling(1, pointer);
        old["$schema"] = json!("http://json-schema.org/draft-04/schema#");
        old["$defs"]["d0"]["id"] = json!("https://example.test/d0");
        let chain = |levels: usize| {
            let links =
                (0..levels).map(|level| (format!("d{level}"), json!({"$ref": pointer(level + 1)})));
            let mut links: serde_json::Map<_, _> = links.collect();
            links.insert(format!("d{levels}"), json!({}));
            json!({"$defs": links, "$ref": pointer(0)})
        };
        let round = |keyword: &str| {
            let back = json!({"$ref": "#/$defs/a"});
            let list = ["allOf", "anyOf"].contains(&keyword);
            let inner = if list { json!([{}, back]) } else { json!({"x": back}) };
            json!({"$defs": {"a": {keyword: inner}}})
        };
        for (name, schema, within) in [
            ("empty", json!({}), true),
            ("large", many(1_900, &json!({"type": "string"})), true),
            ("too large", many(2_000, &json!({"type": "string"})), false),
            ("too many booleans", many(2_000, &json!(true)), false),
            ("deep", nested(60), true),
            ("too deep", nested(70), false),
            ("patterns", many(100, &json!({"pattern": "a"})), true),
            ("too many patterns", many(101, &json!({"pattern": "a"})), false),
            (
                "too many names",
                json!({"patternProperties": many(101, &json!({}))["properties"]}),
                false,
            ),
            ("a property called pattern", many(200, &json!({"properties": {"pattern": {}}})), true),
            ("recursive", tree, true),
            ("round in place", json!({"not": {"$ref": "#"}}), false),
            ("round in a list", round("allOf"), false),
            ("round by name", round("dependentSchemas"), false),
            ("on with the parts", round("properties"), true),
            ("a chain", chain(100), true),
            ("a long chain", chain(300), false),
            ("from elsewhere", json!({"$ref": "https://example.test/"}), false),
            ("encoded", json!({"$defs": {"a": {}}, "$ref": "#/%24defs/a"}), false),
            ("an address in an old draft", old, false),
            ("a property called $ref", json!({"properties": {"$ref": {"type": "string"}}}), true),
            ("a little doubling", doubling(5, pointer), true),
            ("doubling", doubling(30, pointer), false),
            ("doubling by anchors", doubling(30, anchor), false),
            ("doubling under another name", renamed, false),
        ] {
            assert_eq!(within_limits(&schema), within, "{name}");
        }
    }
}
