use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

use crate::{
    client::{Client, FileFormat, Machine, Os, Place},
    document::Document,
    entry::read,
    mcp_server::{AutoApprove, Launch, McpServer},
};

/// A client's first place, and one of its fixtures.
fn fixture(client: &'static Client, name: &str) -> (Place, PathBuf, Vec<u8>) {
    let machine =
        Machine { os: Os::Linux, home: PathBuf::from("/nowhere"), variables: BTreeMap::new() };
    let place = client.places(&machine, None).remove(0);
    let ending = match place.format {
        FileFormat::Json => "json",
        FileFormat::Toml => "toml",
        FileFormat::Yaml => "yaml",
    };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/clients")
        .join(&client.id)
        .join(format!("{name}.{ending}"));
    let content = fs::read(&path).expect("a fixture");
    (place, path, content)
}

#[test]
fn broken_files_say_where() {
    for client in Client::all() {
        let (place, path, content) = fixture(client, "broken");
        let error = Document::parse(&place, Some(&content)).expect_err("it does not parse");
        let lines = content.split(|byte| *byte == b'\n').count();
        assert!((1..=lines).contains(&error.line), "{}: {error}", path.display());
    }
}

/// Reading loses nothing: every text of an entry is somewhere in what is read of it.
#[test]
fn nothing_is_lost() {
    let mut seen = 0;
    for client in Client::all() {
        for name in ["minimal", "rich", "hostile"] {
            let (place, path, content) = fixture(client, name);
            let document = Document::parse(&place, Some(&content)).expect("it parses");
            let entries = document.servers().expect("servers");
            // What is no set of fields has none to keep.
            for (server, entry) in entries.into_iter().filter(|(_, entry)| entry.is_object()) {
                let read = read(client, &server, &entry);
                for text in texts_of(&entry) {
                    let said_elsewhere = client.shape().says(&text);
                    assert!(
                        said_elsewhere || holds(&read, &text),
                        "{}: {text} of {entry}",
                        path.display()
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 400, "{seen} texts");
}

/// Names and values, whatever they are nested in.
fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts_of).collect(),
        Value::Object(fields) => fields.values().flat_map(texts_of).collect(),
    }
}

fn holds(server: &McpServer, text: &str) -> bool {
    let in_launch = match &server.launch {
        Launch::Local { command, args, env, cwd } => {
            let plain = std::iter::once(command).chain(args).chain(env.values()).chain(cwd);
            plain.into_iter().any(|there| there.contains(text))
        }
        Launch::Remote { url, headers, .. } => {
            std::iter::once(url).chain(headers.values()).any(|there| there.contains(text))
        }
        Launch::Unclear(_) => false,
    };
    let approved = matches!(&server.auto_approve, AutoApprove::Tools(tools) if tools.iter().any(|t| t == text));
    let left = texts_of(&Value::Object(server.extra.clone()));
    in_launch || approved || left.iter().any(|there| there == text)
}
