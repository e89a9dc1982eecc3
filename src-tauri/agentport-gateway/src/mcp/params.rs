//! Parameters of requests, checked before the protocol library reads them: it takes a request with a wrong field for an
//! unknown method.

use serde_json::{Value, value::RawValue};

use super::envelope::kind_of;

/// The type a parameter must have.
#[derive(Clone, Copy)]
enum ParamKind {
    Text,
    Object,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// A parameter of a method; the path leads into objects: `clientInfo.name`.
struct Param {
    path: &'static str,
    kind: ParamKind,
    required: bool,
}

const fn required(path: &'static str, kind: ParamKind) -> Param {
    Param { path, kind, required: true }
}

const fn optional(path: &'static str, kind: ParamKind) -> Param {
    Param { path, kind, required: false }
}

/// The severities of RFC 5424, as MCP names them.
const LOG_LEVELS: &[&str] =
    &["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

const NAMED: &[Param] = &[
    required("name", ParamKind::Text),
    optional("arguments", ParamKind::Object),
    optional("_meta", ParamKind::Object),
];
const URI: &[Param] = &[required("uri", ParamKind::Text), optional("_meta", ParamKind::Object)];
const PAGE: &[Param] = &[optional("cursor", ParamKind::Text), optional("_meta", ParamKind::Object)];
const INITIALIZE: &[Param] = &[
    required("protocolVersion", ParamKind::Text),
    required("capabilities", ParamKind::Object),
    required("clientInfo", ParamKind::Object),
    required("clientInfo.name", ParamKind::Text),
    required("clientInfo.version", ParamKind::Text),
    optional("_meta", ParamKind::Object),
];
const SET_LEVEL: &[Param] =
    &[required("level", ParamKind::OneOf(LOG_LEVELS)), optional("_meta", ParamKind::Object)];
const COMPLETE: &[Param] = &[
    required("ref", ParamKind::Object),
    required("ref.type", ParamKind::OneOf(&["ref/prompt", "ref/resource"])),
    required("argument", ParamKind::Object),
    required("argument.name", ParamKind::Text),
    required("argument.value", ParamKind::Text),
    optional("_meta", ParamKind::Object),
];
const ANY: &[Param] = &[optional("_meta", ParamKind::Object)];

fn params_of(method: &str) -> &'static [Param] {
    match method {
        "initialize" => INITIALIZE,
        "tools/call" | "prompts/get" => NAMED,
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => URI,
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => PAGE,
        "logging/setLevel" => SET_LEVEL,
        "completion/complete" => COMPLETE,
        _ => ANY,
    }
}

/// Why the parameters of a request are refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ParamFault {
    /// They cannot be read: nested too deeply, or with a text that is not valid Unicode.
    Unreadable(&'static str),
    /// The reason names the one at fault.
    Field(String),
}

/// Checks the parameters of a request.
pub(super) fn check(method: &str, params: Option<&RawValue>) -> Result<(), ParamFault> {
    let params: Value = match params {
        Some(params) => serde_json::from_str(params.get()).map_err(|error| {
            ParamFault::Unreadable(match error.to_string().starts_with("recursion limit") {
                true => "params is nested more than 128 levels deep",
                false => "params holds a text that is not valid Unicode",
            })
        })?,
        None => Value::Object(serde_json::Map::new()),
    };
    for param in params_of(method) {
        let value = param.path.split('.').try_fold(&params, |value, field| value.get(field));
        param
            .check(value)
            .map_err(|fault| ParamFault::Field(format!("params.{} {fault}", param.path)))?;
    }
    Ok(())
}

impl Param {
    fn check(&self, value: Option<&Value>) -> Result<(), String> {
        let value = match value {
            None if self.required => return Err(format!("is missing; it {}", self.kind.wanted())),
            None => return Ok(()),
            Some(Value::Null) if !self.required => return Ok(()),
            Some(value) => value,
        };
        let fits = match self.kind {
            ParamKind::Text => value.is_string(),
            ParamKind::Object => value.is_object(),
            ParamKind::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        };
        if fits {
            return Ok(());
        }
        match (self.kind, value) {
            (ParamKind::OneOf(_), Value::String(_)) => Err(self.kind.wanted()),
            _ => Err(format!("{}, not {}", self.kind.wanted(), kind_of(&value.to_string()))),
        }
    }
}

impl ParamKind {
    fn wanted(self) -> String {
        match self {
            Self::Text => "has to be a string".to_owned(),
            Self::Object => "has to be an object".to_owned(),
            Self::OneOf(words) => format!("has to be one of {}", words.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(method: &str, params: &Value) -> Option<String> {
        let params = RawValue::from_string(params.to_string()).unwrap();
        match check(method, Some(&params)) {
            Ok(()) => None,
            Err(ParamFault::Field(reason)) => Some(reason),
            Err(unreadable) => panic!("{unreadable:?}"),
        }
    }

    #[test]
    fn unreadable_parameters_are_distinguished() {
        for (params, want) in [
            (
                format!("{}1{}", "[".repeat(200), "]".repeat(200)),
                "params is nested more than 128 levels deep",
            ),
            (r#"{"name":"\ud83d"}"#.to_owned(), "params holds a text that is not valid Unicode"),
        ] {
            let params = RawValue::from_string(params).unwrap();
            assert_eq!(check("tools/call", Some(&params)), Err(ParamFault::Unreadable(want)));
        }
    }

    #[test]
    fn the_parameter_at_fault_is_named() {
        let client = json!({"name": "x", "version": "1"});
        for (method, params, want) in [
            ("tools/call", json!({}), "params.name is missing; it has to be a string"),
            ("tools/call", json!({"name": 3}), "params.name has to be a string, not a number"),
            ("tools/call", json!({"name": null}), "params.name has to be a string, not null"),
            (
                "tools/call",
                json!({"name": "x", "arguments": "{}"}),
                "params.arguments has to be an object, not a string",
            ),
            (
                "tools/call",
                json!({"name": "x", "arguments": []}),
                "params.arguments has to be an object, not an array",
            ),
            (
                "tools/call",
                json!({"name": "x", "_meta": true}),
                "params._meta has to be an object, not a boolean",
            ),
            ("prompts/get", json!({}), "params.name is missing; it has to be a string"),
            ("resources/read", json!({"uri": {}}), "params.uri has to be a string, not an object"),
            ("tools/list", json!({"cursor": 1}), "params.cursor has to be a string, not a number"),
            (
                "initialize",
                json!({"capabilities": {}, "clientInfo": client}),
                "params.protocolVersion is missing; it has to be a string",
            ),
            (
                "initialize",
                json!({"protocolVersion": 2025, "capabilities": {}, "clientInfo": client}),
                "params.protocolVersion has to be a string, not a number",
            ),
            (
                "initialize",
                json!({"protocolVersion": "2025-11-25", "clientInfo": client}),
                "params.capabilities is missing; it has to be an object",
            ),
            (
                "initialize",
                json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x"}}),
                "params.clientInfo.version is missing; it has to be a string",
            ),
            (
                "completion/complete",
                json!({"ref": {"type": "x"}, "argument": {}}),
                "params.ref.type has to be one of ref/prompt, ref/resource",
            ),
        ] {
            assert_eq!(fault(method, &params).as_deref(), Some(want), "{method} {params}");
        }
        let level = fault("logging/setLevel", &json!({"level": "loud"})).unwrap();
        assert!(level.starts_with("params.level has to be one of debug, "), "{level}");
        assert_eq!(
            check("tools/call", None),
            Err(ParamFault::Field("params.name is missing; it has to be a string".to_owned()))
        );
    }

    #[test]
    fn valid_parameters_pass() {
        for (method, params) in [
            ("tools/call", json!({"name": "x", "arguments": null, "more": 1})),
            ("tools/call", json!({"name": "x", "arguments": {}, "_meta": {"progressToken": 1}})),
            ("tools/list", json!({"cursor": null})),
            ("ping", json!({"anything": []})),
            (
                "initialize",
                json!({"protocolVersion": "1", "capabilities": {}, "clientInfo": {"name": "", "version": ""}}),
            ),
        ] {
            assert_eq!(fault(method, &params), None, "{method} {params}");
        }
        assert_eq!(check("tools/list", None), Ok(()));
    }
}
