//! The invariants for generated files.

use agentport_clients::client::{Client, FileFormat};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::place;
use crate::corpus::invariants::check;

/// Clients whose entries are written the plain way, one for each format of theirs.
const PLAIN: [(&str, &str, &str); 3] =
    [("claude-desktop", "command", "env"), ("codex", "command", "env"), ("goose", "cmd", "envs")];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,12}",
        "[A-Za-z0-9 ._@/-]{1,20}",
        "\\PC{1,8}",
        Just("agentport-dev".to_owned()),
    ]
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z/.-]{1,12}",
        "\\PC{0,12}",
        Just("--token".to_owned()),
        Just("{token}".to_owned()),
        Just("${HOME}/x".to_owned()),
        Just("./x.js".to_owned()),
        Just("a \"quoted\" \\ word".to_owned()),
    ]
}

fn entry(command: &'static str, env: &'static str) -> impl Strategy<Value = Value> {
    let variables = prop::collection::btree_map("[A-Z_]{1,8}(TOKEN|KEY|URL|X)", word(), 0..3);
    let local = (word(), prop::collection::vec(word(), 0..4), variables).prop_map(
        move |(program, args, variables)| {
            let mut fields = Map::new();
            fields.insert(command.to_owned(), json!(program));
            fields.insert("args".to_owned(), json!(args));
            fields.insert(env.to_owned(), json!(variables));
            fields.insert("unknown".to_owned(), json!({ "a": [1, 2] }));
            Value::Object(fields)
        },
    );
    prop_oneof![
        4 => local,
        1 => "[a-z]{1,8}".prop_map(|host| json!({ "url": format!("https://{host}.example.com/mcp?key=x") })),
        1 => Just(json!({})),
    ]
}

fn file() -> impl Strategy<Value = (usize, String)> {
    (0..PLAIN.len()).prop_flat_map(|at| {
        let (_, command, env) = PLAIN[at];
        let servers = prop::collection::btree_map(name(), entry(command, env), 0..5);
        let endings = prop_oneof![Just("\n"), Just("\r\n")];
        let indent = prop_oneof![Just("\t"), Just("  "), Just("    ")];
        (servers, endings, indent, any::<bool>()).prop_map(
            move |(servers, ending, indent, mark)| {
                let client = Client::by_id(PLAIN[at].0).unwrap();
                let place = place(client, None);
                let servers: Vec<(String, Value)> = servers.into_iter().collect();
                let text = match place.format {
                    FileFormat::Json => json_file(&servers, &place.container[0], indent),
                    FileFormat::Toml => toml_file(&servers, &place.container[0]),
                    FileFormat::Yaml => yaml_file(&servers, &place.container[0], indent),
                };
                let mark = if mark { "\u{feff}" } else { "" };
                (at, format!("{mark}{}", text.replace('\n', ending)))
            },
        )
    })
}

fn json_file(servers: &[(String, Value)], key: &str, indent: &str) -> String {
    let entries: Vec<String> = servers
        .iter()
        .map(|(name, entry)| {
            format!("{indent}{indent}{}: {entry}, // {}", json!(name), "a comment")
        })
        .collect();
    format!(
        "// first\n{{\n{indent}\"before\": [1, 2.0],\n{indent}{}: {{\n{}\n{indent}}},\n{indent}\"after\": {{}},\n}}\n",
        json!(key),
        entries.join("\n")
    )
}

fn toml_file(servers: &[(String, Value)], key: &str) -> String {
    let mut text = "# first\nbefore = 1 # one\n\n".to_owned();
    for (name, entry) in servers {
        text.push_str(&format!("[{key}.{}]\n", toml_text(name)));
        for (field, value) in entry.as_object().unwrap() {
            text.push_str(&format!("{field} = {}\n", toml_value(value)));
        }
        text.push('\n');
    }
    text + "[after]\nx = 'y'\n"
}

fn toml_value(value: &Value) -> String {
    match value {
        Value::String(text) => toml_text(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{} = {}", toml_text(name), toml_value(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// JSON's texts are TOML's, but for one character.
fn toml_text(text: &str) -> String {
    json!(text).to_string().replace('\u{7f}', "\\u007f")
}

fn yaml_file(servers: &[(String, Value)], key: &str, indent: &str) -> String {
    let indent = indent.replace('\t', "  ");
    let mut text = format!("# first\nbefore: 1 # one\n{key}:\n");
    if servers.is_empty() {
        text = format!("# first\nbefore: 1 # one\n{key}: {{}}\n");
    }
    for (name, entry) in servers {
        text.push_str(&format!("{indent}{}:\n", json!(name)));
        for (field, value) in entry.as_object().unwrap() {
            text.push_str(&format!("{indent}{indent}{field}: {value}\n"));
        }
        if entry.as_object().is_some_and(Map::is_empty) {
            text.push_str(&format!("{indent}{indent}type: stdio\n"));
        }
    }
    text + "after: x\n"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_time: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_for_generated_files((at, text) in file()) {
        let place = place(Client::by_id(PLAIN[at].0).unwrap(), None);
        check(&text, &place, Some(text.as_bytes()));
    }
}
